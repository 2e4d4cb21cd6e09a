"""How a file reaches its final name, what it says as a digest, and what a full disk is called.

A file at its final name is complete: it is written beside it, flushed to the disk, then renamed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genfoundry.errors import UserError

ROOM = 256 * 10**6
"""Bytes that must be free before a training starts, and that are asked for where nobody knows how many more it takes.

Two snapshots, the one being written, the weights and the tracker's copy of them: enough for five million parameters
under Adam in float32 (60 MB a snapshot). The training process asks for its exact need.
"""


class DiskFull(UserError):  # noqa: N818, the user reads its sentence
    """A disk has no room for what is to be written."""


def disk_full(folder: Path, needed: str) -> DiskFull:
    """The sentence for a disk that has too little room below `folder`; `needed` is an amount, in words."""
    free = megabytes(_free(folder))
    return DiskFull(
        f"The disk that holds {folder} is full: {free} are free there, {needed} are needed.",
        remedy=f"free {needed} there, then give the same command again: "
        "what was there before is whole, and a training goes on from its last snapshot",
    )


def megabytes(size: int) -> str:
    """A number of bytes, to print."""
    return f"{size / 1e6:,.1f} MB"


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def require_free(folder: Path, needed: int) -> None:
    """Refuse to begin what would not end.

    Raises:
        DiskFull: less than `needed` bytes are free below `folder`.
    """
    if _free(folder) < needed:
        raise disk_full(folder, megabytes(needed))


def is_disk_full(error: BaseException | None, folder: Path) -> bool:
    """Whether an error, or one behind it, says that a disk is full, in any of the words that libraries have for it."""
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.ENOSPC, errno.EDQUOT) or any(words in str(error) for words in ("disk is full", "No space")):
            return True
        if "requested and" in str(error) and _free(folder) < 2**20:  # numpy's words; they mean a file's limit too
            return True
        error = error.__cause__
    return False


@contextmanager
def explains_full_disk(folder: Path, needed: int = ROOM) -> Iterator[None]:
    """Turn any library's error about a full disk into `DiskFull`.

    Raises:
        DiskFull: what is written below `folder` inside, some `needed` bytes, found no room.
    """
    try:
        yield
    except OSError as error:
        if not is_disk_full(error, folder):
            raise
        raise disk_full(folder, megabytes(needed)) from error


def _free(folder: Path) -> int:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def write_atomic(path: Path, content: bytes | str) -> Path:
    """Write a whole file atomically: temporary file in the same folder, fsync, rename, fsync the folder.

    Raises:
        DiskFull: there is no room for it; what was at `path` is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    with explains_full_disk(path.parent, len(data)):
        _publish(path, data)
    return path


def _publish(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


YOUNG = 2 * 10**9
"""Nanoseconds for which a file counts as just written. Two writes within one tick of a file system's clock, two seconds
at most (FAT), leave the same time stamp."""

MOST_KNOWN = 10_000  # files whose digests are remembered


class _Known:
    """The digests of one inode, by algorithm, as it was in one state; the lock lets one thread at a time read it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.state: tuple[int, int, int] | None = None
        self.digests: dict[str, str] = {}


_known: dict[tuple[int, int], _Known] = {}
_knowing = threading.Lock()


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's bytes, which one process reads once for each state of the file.

    A state is what git's index goes by: inode, size, `mtime` and `ctime`, which no program can set back. What was just
    written is read again each time (git calls it racily clean), and so is what changed while it was read: a change
    after the reading is sure to give another time stamp only where the one before is older than the clock's tick. The
    file is opened each time, for NFS asks its server then.
    """
    with path.open("rb") as file:
        known = _known_of(os.fstat(file.fileno()))
        with known.lock:
            began, state = time.time_ns(), _state(file.fileno())
            remembered = known.digests if known.state == state else {}
            if algorithm in remembered:
                return remembered[algorithm]
            found = hashlib.file_digest(file, algorithm).hexdigest()
            if began - max(state[1:]) > YOUNG and _state(file.fileno()) == state:
                known.state, known.digests = state, {**remembered, algorithm: found}
            return found


def _state(handle: int) -> tuple[int, int, int]:
    """Size, and the times of the last change of the content and of the inode, in nanoseconds."""
    now = os.fstat(handle)
    return now.st_size, now.st_mtime_ns, now.st_ctime_ns


def _known_of(found: os.stat_result) -> _Known:
    with _knowing:
        if len(_known) >= MOST_KNOWN:
            _known.pop(next(iter(_known)))
        return _known.setdefault((found.st_dev, found.st_ino), _Known())


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """sha256 of a JSON value's canonical spelling."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
