"""Which files of two folders make pairs: those of the same path in their folder, the suffix aside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

from genfoundry.data.listing import Listing, Reading, list_folder
from genfoundry.data.quarantine import IntakeTally, RefusedError, as_text
from genfoundry.data.walking import Candidate, some
from genfoundry.errors import UserError


class Files(NamedTuple):
    """The two files of a pair."""

    target: Candidate
    source: Candidate


def check_folders(high: Path, low: Path) -> None:
    """Refuse what are not two folders apart from each other.

    Raises:
        UserError: one is no folder, both are the same, or one lies in the other.
    """
    for folder in (high, low):
        if not folder.is_dir():
            raise UserError(f"{as_text(folder)} is no folder.", expected="two folders of images for --paired")
    one, other = high.resolve(), low.resolve()
    if one.samefile(other):
        raise UserError(f"{as_text(high)} is paired with itself.", expected="--paired with the folder of the sources")
    if one.is_relative_to(other) or other.is_relative_to(one):
        found = f"Of {as_text(high)} and {as_text(low)} one lies in the other."
        raise UserError(found, expected="two folders side by side")


def list_pairs(high: Path, low: Path, tally: IntakeTally, reading: Reading) -> tuple[list[Files], Listing]:
    """The pairs of files, in the order of the targets, and the listing of the targets; counts every file.

    Raises:
        UserError: a file has no partner, or two of a folder have the same name; the two folders give unlike splits;
            see `list_folder` for the rest.
    """
    high, low = high.resolve(), low.resolve()
    beside = Path(os.path.commonpath([high, low]))  # what files are named from, so that the two folders are told apart
    targets, listing = _by_name(high, beside, tally, reading)
    sources, other = _by_name(low, beside, tally, reading._replace(known=()))
    _check_splits(high, listing.splits, low, other.splits)
    if not targets.keys() & sources.keys():
        some_of = " beside ".join(some([file.text for file in side.values() if file]) for side in (targets, sources))
        raise UserError(
            f"No image of {as_text(high.name)} has the name of one of {as_text(low.name)}: {some_of}.",
            expected="names that are the same but for the suffix",
        )
    _check_partners({high: (targets, sources), low: (sources, targets)})
    pairs = []
    for name, target in targets.items():
        source = sources.get(name)
        if target and source:
            pairs.append(Files(target, source))
        elif lone := target or source:
            tally.refuse(lone.text, RefusedError("PARTNER", "the other file of the pair was not opened"))
    return pairs, listing


def _check_splits(high: Path, of_targets: dict[str, str], low: Path, of_sources: dict[str, str]) -> None:
    if of_targets.keys() != of_sources.keys():
        one, other = (some([*splits]) if splits else "no splits" for splits in (of_targets, of_sources))
        raise UserError(
            f"{as_text(high.name)} gives {one}, {as_text(low.name)} {other}.",
            expected="folders of the same splits, of the same names, in both",
            remedy="name them alike",
        )


def _by_name(
    root: Path, beside: Path, tally: IntakeTally, reading: Reading
) -> tuple[dict[str, Candidate | None], Listing]:
    """The files of a folder by their path in it without the suffix, None where one was refused unopened.

    Raises:
        UserError: two have the same name.
    """
    before, prefix = len(tally.quarantined), as_text(root.relative_to(beside))
    listing = list_folder(root, tally, reading, named_from=beside)
    named: dict[str, Candidate | None] = {}
    for file in listing.candidates:
        other = named.setdefault(_name(file.text, prefix), file)
        if other and other is not file:
            found = f"'{other.text}' and '{file.text}' differ in their suffix only."
            raise UserError(found, expected="one file of a name in each of the two folders")
    refused = {_name(item.path, prefix): None for item in tally.quarantined[before:]}
    return refused | named, listing


def _name(text: str, prefix: str) -> str:
    return PurePath(text).relative_to(prefix).with_suffix("").as_posix()


def _check_partners(sides: Mapping[Path, tuple[dict[str, Candidate | None], dict[str, Candidate | None]]]) -> None:
    lacking = []
    for folder, (mine, theirs) in sides.items():
        if lone := [file.text for name, file in mine.items() if file and name not in theirs]:
            lacking.append(f"{len(lone)} of {as_text(folder.name)} ({some(lone)})")
    if lacking:
        raise UserError(
            f"Images have no partner: {' and '.join(lacking)}.",
            expected="for each image one of the same name in the other folder, the suffix aside",
            remedy="add the partners, or move these images out",
        )
