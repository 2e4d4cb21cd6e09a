"""A dataset's folder is made beside its place, sealed, flushed, and renamed into it: it is whole or it is not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from genfoundry import catalog
from genfoundry.data import sealed
from genfoundry.dataset import CARD_FILE, Card, seal, verify
from genfoundry.errors import UserError
from genfoundry.files import DiskFull, disk_full, is_disk_full, megabytes, sync_folder
from genfoundry.project.root import data_dir, state_dir
from genfoundry.records import DatasetVersion

TEMPORARY = ".building-"
DECLARED = (
    "name",
    "kind",
    "title",
    "description",
    "licence",
    "source",
    "consent",
    "class_names",
    "units",
    "splits",
    "policy",
)


@contextmanager
def writing_data() -> Iterator[None]:
    """Be the only writer below `data/`: across threads and processes, released by the kernel if the writer dies."""
    with FileLock(state_dir("locks") / "data.lock"):
        data_dir().mkdir(parents=True, exist_ok=True)
        for leftover in data_dir().glob(f"{TEMPORARY}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def embedded(name: str) -> bool:
    """Whether a dataset of the catalogue comes with the installed packages; its file says `EMBEDDED = False` if not."""
    return bool(catalog.describe("datasets", name).attributes.get("EMBEDDED", True))


def build_folder(name: str, *, force: bool = False) -> DatasetVersion:
    """Build `datasets/<name>.py` into `data/<name>`; what is there and whole is kept, unless `force`.

    Raises:
        UserError: no such dataset; the folder that is there was changed (names the file); its source is missing.
    """
    entry, destination = catalog.module("datasets", name), data_dir() / name
    with writing_data():
        if not force and destination.exists() and _declares((built := verify(destination)).card, entry.CARD):
            return built.version
        return place(destination, lambda folder: write_sealed(folder, entry.CARD, entry.examples()))


def _declares(built: Card, card: Card) -> bool:
    return all(getattr(built, field) == getattr(card, field) for field in DECLARED)


def write_sealed(
    folder: Path, card: Card, examples: Iterable[Any], finish: Callable[[Path, Card], Card] | None = None
) -> DatasetVersion:
    """Write the examples into an empty folder in the canonical form of their kind, and seal it.

    Args:
        finish: is given the folder and the filled card, and returns the card to seal.

    Raises:
        UserError | ValueError: the examples do not agree with each other, or with the card.
    """
    spec, counts = catalog.part("kinds", card.kind, "storage").write(folder, examples, card)
    card = card.model_copy(update={"spec": spec, "counts": counts})
    return seal(folder, finish(folder, card) if finish else card)


def place(destination: Path, fill: Callable[[Path], DatasetVersion]) -> DatasetVersion:
    """Let `fill` write into an empty folder and rename it to `destination`; on any failure nothing has changed.

    Raises:
        DiskFull: there is no room for it.
        UserError: the disk refuses to be written.
    """
    temporary = Path(tempfile.mkdtemp(dir=destination.parent, prefix=TEMPORARY))
    try:
        temporary.chmod(0o755)
        version = fill(temporary)
        _flush(temporary)
        if not _holds(destination, version):
            _swap(temporary, destination)
        return version
    except (OSError, DiskFull) as error:
        raise _not_written(destination, temporary, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _not_written(destination: Path, temporary: Path, error: OSError | DiskFull) -> UserError:
    full = isinstance(error, DiskFull) or is_disk_full(error, temporary)
    shutil.rmtree(temporary, ignore_errors=True)
    if full:  # all that is free now was not enough
        return disk_full(destination.parent, f"more than {megabytes(shutil.disk_usage(destination.parent).free)}")
    return UserError(
        f"{destination} could not be written: {error}",
        remedy="correct the permissions or limits, then run it again; what was there before is untouched",
    )


def _holds(destination: Path, version: DatasetVersion) -> bool:
    try:
        verify(destination, version.digest)
    except UserError:
        return False
    return True


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def _swap(temporary: Path, destination: Path) -> None:
    old = Path(tempfile.mkdtemp(dir=destination.parent, prefix=TEMPORARY))
    if destination.exists():
        destination.rename(old / destination.name)
    try:
        temporary.rename(destination)
    except OSError:
        if (old / destination.name).exists():
            (old / destination.name).rename(destination)
        raise
    sync_folder(destination.parent)
    shutil.rmtree(old, ignore_errors=True)


def is_sealed(folder: Path) -> bool:
    """Whether a folder claims to be a dataset; `verify` says whether it is whole."""
    return (folder / CARD_FILE).is_file()


def kept(folder: Path, digest: str) -> DatasetVersion | None:
    """A version that lies in `.genfoundry/datasets`; a copy that is not whole is said and removed, to be made anew."""
    if not is_sealed(folder):
        return None
    try:
        return verify(folder, digest).version
    except UserError as error:
        sealed.say(f"{error.found} That copy is made anew.")
        shutil.rmtree(folder)
        return None
