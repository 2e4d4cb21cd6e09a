"""Where things lie, and how a file reaches its final name.

A file at its final name is complete: it is written beside it, flushed to the disk, then renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

ROOT_MARKERS = ("data.dvc", ".dvc", ".git")


def project_root() -> Path:
    """The checkout that holds the working directory, else the working directory itself.

    `GENFOUNDRY_ROOT` overrides the search.
    """
    if given := os.environ.get("GENFOUNDRY_ROOT"):
        return Path(given).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if any((folder / marker).exists() for marker in ROOT_MARKERS):
            return folder
    return here


def data_dir() -> Path:
    """The folder that DVC versions: one sub-folder a dataset."""
    return project_root() / "data"


def state_dir(*parts: str) -> Path:
    """A folder below `.genfoundry/`, made when it is asked for. Losing it loses history, never data."""
    folder = project_root().joinpath(".genfoundry", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def publish(path: Path, content: bytes | str) -> Path:
    """Write a whole file atomically: temporary file in the same folder, fsync, rename, fsync the folder."""
    data = content.encode() if isinstance(content, str) else content
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
    return path


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """sha256 of a JSON value's canonical spelling."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
