"""What lies in one folder of a user's, without opening a file; links are followed only where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from genfoundry.data.file_names import natural
from genfoundry.data.quarantine import SHOWN, IntakeTally, RefusedError, as_text
from genfoundry.errors import UserError

JUNK = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
SIDE_SUFFIXES = frozenset({".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".xml", ".yaml", ".yml", ".html"})


class Candidate(NamedTuple):
    """A file that may be an image: `label` numbers its class (-1: flat), `given` is train, val, test or empty."""

    path: Path
    text: str
    label: int
    given: str = ""


class Part(NamedTuple):
    """A folder that holds images or class folders: the root, or one for each given split."""

    path: Path
    given: str
    files: list[Candidate]
    folders: list[Path]


class Walk(NamedTuple):
    """Looks into folders; `base` is what the texts name the files from."""

    base: Path
    tally: IntakeTally
    follow: bool

    def look(self, folder: Path) -> tuple[list[Path], list[Candidate]]:
        """The folders in a folder, and its candidates; everything else goes to the tally."""
        folders, files = [], []
        for entry in _entries(folder):
            if self._is_folder(entry):
                if _is_hidden(entry.name):
                    self._skip_hidden(Path(entry.path))
                else:
                    folders.append(Path(entry.path))
                continue
            files += self._sorted_out(entry)
        return sorted(folders, key=lambda one: natural(one.name)), files

    def part(self, folder: Path, given: str = "") -> Part:
        """A folder that holds images or class folders.

        Raises:
            UserError: both, neither, or links to folders that are not followed.
        """
        folders, files = self.look(folder)
        linked = [entry.name for entry in _entries(folder) if not self.follow and _is_linked_folder(entry)]
        if linked and (folders or not files):
            raise UserError(
                f"{as_text(folder)} holds links to folders, which are not followed: {some(linked)}.",
                expected="folders, since what a link leads to would be missing without a word",
                remedy="--follow-links   (or put the folders themselves there)",
            )
        if folders and files:
            raise UserError(
                f"{as_text(folder)} holds {len(files)} files beside {len(folders)} folders: "
                f"{some([c.text for c in files])} beside {some([as_text(c.name) for c in folders])}.",
                expected="either images only, or one folder per class and no image beside them",
            )
        if not folders and not files:
            raise self.empty(f"{as_text(folder)} holds no file that could be an image", folder)
        return Part(folder, given, files, folders)

    def empty(self, sentence: str, folder: Path) -> UserError:
        """What is said of a folder without an image: that its links are not followed, where it holds some."""
        links = sum(entry.is_symlink() for entry in _entries(folder)) if not self.follow else 0
        if links:
            return UserError(f"{sentence}, but {links} links, which are not followed.", remedy="--follow-links")
        return UserError(
            f"{sentence}.", expected="PNG, JPEG or WebP files", remedy="put images into it, or remove the folder"
        )

    def _is_folder(self, entry: os.DirEntry) -> bool:
        if not (self.follow and _is_linked_folder(entry)):
            return entry.is_dir(follow_symlinks=False)
        target = Path(os.path.realpath(entry.path))
        if Path(os.path.realpath(Path(entry.path).parent)).is_relative_to(target):
            found = f"{as_text(Path(entry.path).relative_to(self.base))} is a link to a folder that holds it."
            raise UserError(found, expected="links that lead out of the folder that they lie in", remedy="remove it")
        return True

    def _sorted_out(self, entry: os.DirEntry) -> Iterator[Candidate]:
        path, text = Path(entry.path), as_text(Path(entry.path).relative_to(self.base))
        self.tally.total += 1
        if why := _not_meant(entry, path):
            self.tally.skip(text, *why)
        elif refused := self._not_opened(entry, path):
            self.tally.refuse(text, refused)
        else:
            yield Candidate(Path(os.path.realpath(path)) if entry.is_symlink() else path, text, -1)

    def _not_opened(self, entry: os.DirEntry, path: Path) -> RefusedError | None:
        if entry.is_symlink():
            target = as_text(os.readlink(path))
            if not self.follow:
                return RefusedError("SYMLINK", f"a link to {target}, not followed")
            if not os.path.exists(path):  # a loop leads nowhere, too
                return RefusedError("SYMLINK", f"a link to {target}, which leads nowhere")
        if not os.path.isfile(path):
            return RefusedError("SPECIAL", "a pipe, socket or device, not opened")
        return None

    def _skip_hidden(self, folder: Path) -> None:
        for where, _, names in os.walk(folder):
            for name in sorted(names):
                self.tally.total += 1
                self.tally.skip(as_text((Path(where) / name).relative_to(self.base)), "HIDDEN", "in a hidden folder")


def some(names: list[str]) -> str:
    """The first names of a list, quoted."""
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"{as_text(folder)} could not be read: {error.strerror}.", remedy="let yourself read it, or move it out"
        ) from None


def _is_linked_folder(entry: os.DirEntry) -> bool:
    return entry.is_symlink() and os.path.isdir(entry.path) and not _is_hidden(entry.name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _not_meant(entry: os.DirEntry, path: Path) -> tuple[str, str] | None:
    if _is_hidden(entry.name):
        return "HIDDEN", "a hidden file"
    if entry.name.lower() in JUNK:
        return "SYSTEM", "a file that a file manager left"
    if path.suffix.lower() in SIDE_SUFFIXES:
        return "SIDE_FILE", f"a {path.suffix.lower()} file, which is no image"
    return None
