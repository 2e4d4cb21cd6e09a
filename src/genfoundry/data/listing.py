"""The form of a user's folder of images: flat or in classes, with or without splits that they give."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from genfoundry.data.file_names import class_of, natural, split_of, twins
from genfoundry.data.quarantine import IntakeTally, as_text
from genfoundry.data.walking import Candidate, Part, Walk, some
from genfoundry.errors import UserError


class Reading(NamedTuple):
    """How a folder is to be read. `known` are the classes that have their numbers already, in that order.

    `anew` numbers the classes by their names where a known one is gone; else that is refused.
    """

    ignore_splits: bool = False
    follow_links: bool = False
    known: tuple[str, ...] = ()
    anew: bool = False


PLAIN = Reading()


class Listing(NamedTuple):
    """The candidates of a folder, the names of its classes, and the folder's names by the split that each one gives.

    `alike` says, class by class, which folders became one, and which classes differ in their case only.
    """

    candidates: list[Candidate]
    class_names: tuple[str, ...]
    splits: dict[str, str]
    alike: str = ""


def list_folder(root: Path, tally: IntakeTally, reading: Reading = PLAIN, named_from: Path | None = None) -> Listing:
    """List a flat folder, or one folder per class, or both below the folders of given splits; count every file.

    Args:
        named_from: the folder, `root` or above, from which the texts name the files.

    Raises:
        UserError: images and folders side by side, folders inside a class, an empty class, nothing at all; splits
            beside other folders, or of unlike forms; a class that is known is gone.
    """
    walk = Walk(named_from or root, tally, reading.follow_links)
    parts, splits = _parts(root, walk, reading)
    flat = [part for part in parts if part.files]
    if flat and len(flat) < len(parts):
        deep = next(part for part in parts if part.folders)
        raise UserError(
            f"{as_text(deep.path)} holds class folders, and {as_text(flat[0].path)} images without a class.",
            expected="the same form in every split",
            remedy=f"sort the images of '{as_text(flat[0].path.name)}' into class folders, or give "
            f"{as_text(deep.path)} alone",
        )
    if flat:
        names = _order(root, set(), reading)
        return Listing([file._replace(given=part.given) for part in parts for file in part.files], names, splits)
    return _with_classes(root, parts, splits, walk, reading)


def _with_classes(root: Path, parts: list[Part], splits: dict[str, str], walk: Walk, reading: Reading) -> Listing:
    found: dict[str, list[Candidate]] = {}
    folders: dict[str, list[str]] = {}
    for part in parts:
        for folder in part.folders:
            name = class_of(as_text(folder.name), reading.known)
            files = [file._replace(given=part.given) for file in _of_class(walk, part, folder)]
            if not files and len(parts) == 1:
                raise walk.empty(f"Class folder '{as_text(folder.name)}' of {as_text(root)} holds no image", folder)
            found.setdefault(name, []).extend(files)
            folders.setdefault(name, []).append(as_text(folder.name))
    for name in found:
        if not found[name]:
            raise UserError(f"Class '{name}' holds no image in any split of {as_text(root)}.", remedy="remove it")
    names = _order(root, {*found}, reading)
    numbered = [file._replace(label=label) for label, name in enumerate(names) for file in found[name]]
    return Listing(numbered, names, splits, _alike(names, folders))


def _of_class(walk: Walk, part: Part, folder: Path) -> list[Candidate]:
    folders, files = walk.look(folder)
    if folders:
        raise _nested(walk.base, part, folder, folders)
    return files


def _parts(root: Path, walk: Walk, reading: Reading) -> tuple[list[Part], dict[str, str]]:
    """The folders that hold images or classes, and the given splits by the names of their folders."""
    whole = walk.part(root)
    given = {folder.name: split_of(folder.name) for folder in whole.folders}
    domains = [name for name in given if re.fullmatch("(train|test|val)[-_]?[ab]", name.lower())]
    if domains and not reading.ignore_splits:
        raise _two_domains(root, domains)
    if not any(given.values()):
        return [whole], {}
    if not all(given.values()):
        known = {class_of(as_text(name), reading.known) for name in given} & {*reading.known}
        if reading.ignore_splits or known >= {class_of(as_text(name), reading.known) for name, s in given.items() if s}:
            return [whole], {}
        raise _beside(root, given)
    if reading.ignore_splits:
        return [walk.part(folder) for folder in whole.folders], {}
    if "train" not in given.values():
        raise UserError(
            f"{as_text(root)} holds {some([*given])}, and no training images.",
            expected="a folder 'train' beside them",
            remedy="add it, or let the split be made here: --ignore-splits",
        )
    parts = [walk.part(folder, given[folder.name]) for folder in whole.folders]
    return parts, {as_text(name): split for name, split in given.items()}


def _beside(root: Path, given: dict[str, str]) -> UserError:
    splits, others = ([name for name, split in given.items() if bool(split) is wanted] for wanted in (True, False))
    deep = any(inside.is_dir() for name in splits for inside in (root / name).iterdir())
    return UserError(
        f"{as_text(root)} holds {some(splits)} beside {some(others)}: are the first given splits, or is each of all "
        f"{len(given)} a class?",
        expected="folders of splits only, or folders of classes only",
        remedy=f"as splits: move {some(others)} out; as classes: "
        + ("move the images out of the folders inside them, then --ignore-splits" if deep else "--ignore-splits"),
    )


def _two_domains(root: Path, names: list[str]) -> UserError:
    return UserError(
        f"{as_text(root)} holds {some(names)}: splits of two domains, A and B.",
        expected="the images of one domain, or pairs of images of the same name",
        remedy="give the folders of one domain, named train and test, with the other's as --paired if they are pairs; "
        "as classes: --ignore-splits",
    )


def _order(root: Path, found: set[str], reading: Reading) -> tuple[str, ...]:
    """The classes by number: those that are known first, in their order, then as people sort names."""
    gone = [name for name in reading.known if name not in found]
    if gone and not reading.anew:
        one = len(gone) == 1
        raise UserError(
            f"{'Class' if one else 'Classes'} {some(gone)} of the version before {'is' if one else 'are'} not in "
            f"{as_text(root)}"
            + (" (folders of such names are read as given splits)." if any(map(split_of, gone)) else "."),
            expected="every class that the set has, since each keeps its number",
            remedy="give its folder too, choose another --name, or number the classes anew: --force",
        )
    known = () if gone else reading.known
    return (*known, *sorted(found - {*known}, key=natural))


def _alike(names: tuple[str, ...], folders: dict[str, list[str]]) -> str:
    merged = [
        f"'{name}' is {len({*folders[name]})} folders whose names look alike"
        for name in names
        if len({*folders[name]}) > 1
    ]
    cases = [f"{some(group)} differ in their case only and are a class each" for group in twins(names)]
    return "; ".join([*merged, *cases])


def _nested(base: Path, part: Part, folder: Path, folders: list[Path]) -> UserError:
    inner = folders[0]
    remedy = "move its images up into the class folder"
    if len(part.folders) == 1:
        remedy = f"give {as_text(folder)} instead"
    elif split_of(inner.name):
        remedy = f"put the splits above the classes, as in {as_text(Path(inner.name) / folder.name)}"
    return UserError(
        f"{as_text(part.path)} holds a folder inside a folder: '{as_text(inner.relative_to(base))}'.",
        expected="images only, or one folder per class with images only, below the folders of splits if there are any",
        remedy=remedy,
    )
