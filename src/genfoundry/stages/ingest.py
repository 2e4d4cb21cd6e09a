"""Ingest: data comes in. The catalogue's datasets are built, a user's files are added, and DVC is told of both."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genfoundry import catalog
from genfoundry.data.before import found
from genfoundry.data.building import build_folder, embedded, is_sealed, place, write_sealed, writing_data
from genfoundry.data.inventory import status
from genfoundry.data.quarantine import IntakeTally, Item, as_text
from genfoundry.data.versions import dvc, leaving
from genfoundry.dataset import Card, folder_digest
from genfoundry.errors import UserError
from genfoundry.kind import Counted, Kind, Progress, Request, Taken
from genfoundry.project.root import data_dir
from genfoundry.records import DatasetVersion, Record
from genfoundry.stages.intake_options import choose_kind, forms, given_of, parse_options

log = logging.getLogger(__name__)

__all__ = ["Intake", "add", "build", "build_all", "status"]


class Intake(Record):
    """What came of a user's files: `counts` (found = used + quarantined + skipped), why, and how they were changed.

    `classes` counts the images of each class by split; `change` says how the set differs from the version before.
    """

    version: DatasetVersion
    counts: dict[str, int]
    class_names: tuple[str, ...] = ()
    classes: dict[str, dict[str, int]] = {}
    policy: dict[str, str]
    change: str = ""
    quarantined: tuple[Item, ...]
    skipped: tuple[Item, ...]
    kept: str


def build(name: str, *, force: bool = False) -> DatasetVersion:
    """Build a dataset of the catalogue into `data/<name>`, byte for byte the same each time, and record it in DVC.

    What is there and whole is kept. A build that differs from what `data.dvc` records is said, and recorded only
    with `force`.

    Raises:
        UserError: no such dataset; the folder was changed (names the file); its source is missing; DVC refused.
    """
    return build_all([name], force=force)[0]


def build_all(names: list[str] | None = None, *, force: bool = False) -> list[DatasetVersion]:
    """Build these datasets, by default every one that comes with the installed packages and was not removed; see
    `build`."""
    for name in names or ():
        leaving.note_back(name)
    gone = leaving.removed()
    chosen = [name for name in _embedded() if name not in gone] if names is None else names
    versions = [build_folder(name, force=force) for name in chosen]
    for version in versions:
        if not force and (sentence := dvc.difference(version, dvc.recorded().get(version.name))):
            log.warning(sentence)
        else:
            log.log(logging.INFO if dvc.is_repository() else logging.WARNING, dvc.record(version))
    return versions


def _embedded() -> list[str]:
    """Every dataset that comes with the installed packages; one that is broken is told of, and left out."""
    found = []
    for name in catalog.names("datasets"):
        try:
            found += [name] if embedded(name) else []
        except UserError as error:
            log.warning(str(error))
    return found


def add(
    path: Path,
    name: str,
    *,
    kind: str = "",
    licence: str,
    consent: str,
    title: str = "",
    max_bad_fraction: float = 0.01,
    force: bool = False,
    progress: Progress | None = None,
    accept: Callable[[DatasetVersion], object] = lambda version: None,
    **options: Any,
) -> Intake:
    """Take in a user's files, a folder of images, say, or a file of series; they are never changed.

    Args:
        kind: of the data; where it is empty, the kind that recognises `path`.
        max_bad_fraction: 0 to 1; above it nothing is taken.
        force: replace a dataset of that name although DVC keeps no copy of it, and make anew what can't go on from it:
            a split of another fraction, or classes of which one is gone.
        progress: called with (steps done, steps in all).
        accept: called with the version once it lies in `data/`; what it raises keeps DVC from recording it.
        options: of the kind, see `Options` of its `take.py`; None and a default are as if not given.

    Raises:
        UserError: says what is wrong, where, and what to do; `.genfoundry/quarantine/<name>/quarantine.json` lists
            what was bad.
    """
    given = given_of(options)
    for one in (Path(path), *(value for value in given.values() if isinstance(value, Path))):
        _check_path(one)
    _check_request(name, max_bad_fraction)
    path = Path(path)
    of = choose_kind(path, kind, given)
    card = _card(path, of, name, title, licence, consent)
    asked = parse_options(of, path, given)
    dvc.prepare()
    tally = IntakeTally(name, max_bad_fraction, of.take.ITEMS)
    with found(name, force=force) as (before, lost):
        try:
            request = Request(path, asked, before, lost, force)
            taken = of.take.take(request, tally, progress or (lambda done, total: None))
        finally:
            tally.write()
        card = card.model_copy(update={**taken.card, "quarantined": len(tally.quarantined)})
        return _keep(card, of, taken, tally, force, accept)


def _keep(
    card: Card, of: Kind, taken: Taken, tally: IntakeTally, force: bool, accept: Callable[[DatasetVersion], object]
) -> Intake:
    """Put the dataset in its place, have DVC record it, and say what became of the files."""

    def fill(folder: Path) -> DatasetVersion:
        version = write_sealed(folder, card, taken.examples, taken.finish)
        _ensure_replaceable(card.name, version, force)
        return version

    with writing_data():
        version = place(data_dir() / card.name, fill)
    accept(version)
    return Intake(
        version=version,
        counts=tally.found,
        class_names=card.class_names,
        classes=_classes(data_dir() / card.name, of, card, version),
        policy=card.policy,
        change=taken.change,
        quarantined=tuple(tally.quarantined),
        skipped=tuple(tally.skipped),
        kept=dvc.record(version),
    )


def _card(path: Path, of: Kind, name: str, title: str, licence: str, consent: str) -> Card:
    for field, value in (("licence", licence), ("consent", consent)):
        if not value.strip():
            raise UserError(f"--{field} is empty.", expected="why, and under which terms, the data may be used")
    source = f"user's {'folder' if path.is_dir() else 'file'} {as_text(path.resolve().name)}"
    try:
        return Card(name=name, kind=of.name, title=title or name, licence=licence, source=source, consent=consent)
    except ValidationError:
        raise UserError(
            f"'{as_text(name)}' can't name a dataset.",
            expected="letters, digits, points, dashes and underscores, a letter or digit first, at most 128",
            remedy=f"--name {re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-._')[:128] or 'mydata'}",
        ) from None


def _check_path(path: Path) -> None:
    if not path.exists():
        raise UserError(f"There is nothing at {as_text(path)}.", expected=forms())
    if not (path.is_dir() or path.is_file()):
        raise UserError(f"{as_text(path)} is a pipe, socket or device.", expected="a folder or a regular file")
    if path.resolve().is_relative_to(data_dir()):
        raise UserError(f"{as_text(path)} lies in {data_dir()}, where finished datasets lie.", remedy="move it out")


def _check_request(name: str, max_bad_fraction: float) -> None:
    if name in catalog.names("datasets"):
        raise UserError(f"'{name}' is a dataset of the catalogue.", remedy="choose another --name")
    if not 0 <= max_bad_fraction <= 1:
        raise UserError(f"--max-bad-fraction {max_bad_fraction}", expected="0 to 1")


def _ensure_replaceable(name: str, version: DatasetVersion, force: bool) -> None:
    """Refuse to replace a version that is kept nowhere else."""
    there = data_dir() / name
    if is_sealed(there) and not force and folder_digest(there) not in (version.digest, dvc.kept(name)):
        back = f", bring the recorded version back: dvc checkout --force data/{name}"
        raise UserError(
            f"There is another dataset '{name}' already, and DVC keeps no copy of it.",
            remedy=f"choose another --name{back if dvc.kept(name) else ''}, or replace it with --force",
        )


def _classes(folder: Path, of: Kind, card: Card, version: DatasetVersion) -> dict[str, dict[str, int]]:
    """How many rows each class has, by split; nothing of a set without classes."""
    if not card.class_names or not isinstance(of.storage, Counted):
        return {}
    counts = of.storage.class_counts(folder, version.spec)
    return {name: {split: of_each[n] for split, of_each in counts.items()} for n, name in enumerate(card.class_names)}
