"""What lies in a user's folder of images, without opening a file or following a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from genfoundry.errors import UserError
from genfoundry.intake.quarantine import SHOWN, Account, RefusedError, as_text

JUNK = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
SIDE_SUFFIXES = frozenset({".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".xml", ".yaml", ".yml", ".html"})


class Candidate(NamedTuple):
    """A regular file that may be an image; `label` numbers its class, -1 in a flat folder."""

    path: Path
    text: str
    label: int


class Listing(NamedTuple):
    """The candidates of a folder, and the names of its classes."""

    candidates: list[Candidate]
    class_names: tuple[str, ...]


def list_folder(root: Path, account: Account, named_from: Path | None = None) -> Listing:
    """List a flat folder, or one folder a class (numbered in the order of their names); count every file.

    Args:
        named_from: the folder, `root` or above, from which the texts name the files.

    Raises:
        UserError: images and folders side by side, folders inside a class, an empty class, or nothing at all.
    """
    classes = [entry for entry in _entries(root) if entry.is_dir(follow_symlinks=False) and not _is_hidden(entry.name)]
    base = named_from or root
    beside = list(_sort_out(base, root, -1, account))
    if classes and beside:
        raise UserError(
            f"{as_text(root)} holds {len(beside)} files beside {len(classes)} folders: "
            f"{some([c.text for c in beside])} beside {some([as_text(c.name) for c in classes])}.",
            expected="either images only, or one folder a class and no image beside them",
        )
    candidates = beside + [one for label, folder in enumerate(classes) for one in _class(base, folder, label, account)]
    if not candidates:
        raise UserError(f"{as_text(root)} holds no file that could be an image.", expected="PNG, JPEG or WebP files")
    return Listing(candidates, tuple(as_text(entry.name) for entry in classes))


def _class(root: Path, folder: os.DirEntry, label: int, account: Account) -> list[Candidate]:
    found = list(_sort_out(root, Path(folder.path), label, account))
    if not found:
        raise UserError(
            f"Class folder '{as_text(folder.name)}' of {as_text(root)} holds no image.",
            expected="at least 2 images in each class folder",
            remedy="put images into it, or remove the folder",
        )
    return found


def _entries(folder: Path) -> list[os.DirEntry]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def some(names: list[str]) -> str:
    """The first names of a list, quoted."""
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _sort_out(root: Path, folder: Path, label: int, account: Account) -> Iterator[Candidate]:
    """The candidates of one folder; everything else of it goes to the account."""
    for entry in _entries(folder):
        path = Path(entry.path)
        text = as_text(path.relative_to(root))
        if entry.is_dir(follow_symlinks=False):
            if _is_hidden(entry.name):
                _skip_hidden(root, path, account)
            elif label >= 0:
                raise _nested(root, folder, entry)
            continue
        account.total += 1
        if why := _not_meant(entry, path):
            account.skip(text, *why)
        elif refused := _not_opened(entry, path):
            account.refuse(text, refused)
        else:
            yield Candidate(path, text, label)


def _not_meant(entry: os.DirEntry, path: Path) -> tuple[str, str] | None:
    if _is_hidden(entry.name):
        return "HIDDEN", "a hidden file"
    if entry.name.lower() in JUNK:
        return "SYSTEM", "a file that a file manager left"
    if path.suffix.lower() in SIDE_SUFFIXES:
        return "SIDE_FILE", f"a {path.suffix.lower()} file, which is no image"
    return None


def _not_opened(entry: os.DirEntry, path: Path) -> RefusedError | None:
    if entry.is_symlink():
        return RefusedError("SYMLINK", f"a link to {as_text(os.readlink(path))}, not followed")
    if not entry.is_file(follow_symlinks=False):
        return RefusedError("SPECIAL", "a pipe, socket or device, not opened")
    return None


def _skip_hidden(root: Path, folder: Path, account: Account) -> None:
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            account.total += 1
            account.skip(as_text((Path(where) / name).relative_to(root)), "HIDDEN", "in a hidden folder")


def _nested(root: Path, folder: Path, entry: os.DirEntry) -> UserError:
    splits = folder.name.lower() in {"train", "test", "val", "valid", "validation"}
    return UserError(
        f"{as_text(root)} holds a folder inside a folder: '{as_text(Path(entry.path).relative_to(root))}'.",
        expected="images only, or one folder a class with images only",
        remedy="bring the class folders of all splits together; the split is made here" if splits
        else "move its images up into the class folder",
    )  # fmt: skip
