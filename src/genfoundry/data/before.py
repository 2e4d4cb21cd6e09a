"""The version of a dataset that new files are added over, so that what was trained on stays training."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from genfoundry import catalog
from genfoundry.data.building import is_sealed
from genfoundry.data.versions import bringing, dvc, history
from genfoundry.dataset import CARD_FILE, Card, digest_of, folder_digest, read_card, restore
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.project.root import data_dir, state_dir


class Before(NamedTuple):
    """A version of a dataset: its card, and a folder with the files by which its kind knows the rows again."""

    card: Card
    folder: Path


@contextmanager
def found(name: str, *, force: bool = False) -> Iterator[tuple[Before | None, str]]:
    """The version that lies in `data/`, else the one that `data.dvc` records; with a sentence where it was lost.

    Raises:
        UserError: `data/` holds an earlier version than the recorded one, or the version can't be read; not with
            `force`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        yield _find(name, Path(temporary) / name, force=force)


def _find(name: str, temporary: Path, *, force: bool) -> tuple[Before | None, str]:
    folder, wanted = data_dir() / name, dvc.kept(name)
    places: list[Callable[[], Before]] = []
    if is_sealed(folder):
        if wanted and not force:
            _refuse_stale(folder, wanted)
        places.append(lambda: _read(folder))
    if wanted:
        places.append(lambda: _recorded(name, wanted, temporary))
    problems: list[UserError] = []
    for read in places:
        try:
            return read(), ""
        except UserError as error:
            problems.append(error)
    if not problems:
        return None, ""
    if not force:
        raise UserError(
            f"On which side each image of '{name}' lies is not known: {problems[-1].found}",
            expected="the version before, so that no training image is tested with",
            remedy=f"{problems[-1].remedy}; to split it anew: --force",
        )
    return None, f"the version before could not be read, so this one is split anew: {problems[-1].found}"


def _refuse_stale(folder: Path, wanted: str) -> None:
    there = folder_digest(folder)
    if there != wanted and history.was_recorded(folder.name, there):
        raise UserError(
            f"data/{folder.name} is at {there}, an earlier version: data.dvc records {wanted}.",
            expected="the recorded version, which new files are added over",
            remedy="dvc checkout data.dvc, or dvc pull where DVC's cache lacks it; to go on from this one: --force",
        )


def _read(folder: Path) -> Before:
    card = read_card(folder)
    for name in _memory(card):
        path, seal = folder / name, card.files.get(name)
        if seal is None or not path.is_file() or file_digest(path, "md5") != seal.md5:
            raise UserError(
                f"{path} was changed after it was sealed, or is missing.",
                expected=f"md5 {seal.md5 if seal else 'on its card'}",
                remedy=restore(card.name),
            )
    return Before(card, folder)


def _memory(card: Card) -> tuple[str, ...]:
    return catalog.part("kinds", card.kind, "take").MEMORY


def _recorded(name: str, digest: str, folder: Path) -> Before:
    """Out of DVC's cache or remote, and no more of it than is needed: the card, and what its kind remembers rows by."""
    if is_sealed(brought := state_dir("datasets") / digest):
        return _read(brought)
    folder.mkdir()
    bringing.take_out(name, digest, folder, only=(CARD_FILE,))
    card = read_card(folder)
    if memory := _memory(card):
        bringing.take_out(name, digest, folder, only=memory)
    files = {path: seal.md5 for path, seal in card.files.items()}
    files[CARD_FILE] = hashlib.md5((folder / CARD_FILE).read_bytes(), usedforsecurity=False).hexdigest()
    if digest_of(files) != digest:
        raise UserError(f"What DVC holds of '{name}' is not version {digest}.", remedy=restore(name))
    return _read(folder)
