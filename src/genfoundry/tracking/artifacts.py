"""A run's artifacts that are read back, each held against its sha256.

The digests of one folder of artifacts are a tag of the run, written before the files: what was cut off between the two
does not hold, and is made again. A folder without that tag is of a release before.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.tracking import runs
from genfoundry.tracking.published import FOLDER, SEALS
from genfoundry.tracking.store import client, lock, translates_errors

TAG = "mlflow.genfoundry.sha256"  # MLflow's pages don't show a tag that begins so
TAGS = re.compile(re.escape(TAG) + r"(?:/(?P<folder>.*?))?(?::\d+)?")
CHECKPOINT = "checkpoint.json"  # the last artifact of a training, at the top of its run
MOST = 60  # files of one tag, which holds 8,000 characters


class Altered(UserError):  # noqa: N818, the user reads its sentence
    """An artifact is not what was logged."""


@translates_errors
def log_files(run_id: str, path: Path, into: str = "") -> None:
    """Upload a file, or everything in a folder, below the artifact path `into`, with their digests."""
    files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
    _record(run_id, {_join(into, "" if file == path else path, file): file_digest(file) for file in files})
    runs.log_files(run_id, path, into)


def _join(into: str, folder: Path | str, file: Path) -> str:
    return (Path(into) / (file.relative_to(folder) if folder else file.name)).as_posix()


@translates_errors
def log_text(run_id: str, text: str, path: str) -> None:
    """Store a text as the artifact `path`, with its digest."""
    _record(run_id, {path: hashlib.sha256(text.encode()).hexdigest()})
    runs.log_text(run_id, text, path)


@translates_errors
def read_text(run_id: str, path: str) -> str:
    """The text of an artifact that holds; one of a release before the digests is said, and sealed.

    Raises:
        Altered: it is not what was logged.
        UserError: the run has no such artifact.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return fetch(run_id, path, Path(scratch)).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise _altered(run_id, path) from None


@translates_errors
def fetch(run_id: str, path: str, into: Path) -> Path:
    """Copy an artifact (a file or a folder) to `into`, a folder, and return where it lies; see `read_text`."""
    place = runs.fetch(run_id, path, into)
    lost = [name for name, holds in _held(run_id, path, place).items() if not holds]
    if lost:
        raise _altered(run_id, ", ".join(lost))
    return place


@translates_errors
def fetch_whole(run_id: str, path: str, into: Path) -> Path:
    """As `fetch`, without what does not hold, which is said and left out; nothing lies there if nothing is left."""
    if not runs.has_artifact(run_id, path):
        return into / path
    place = runs.fetch(run_id, path, into)
    for name, holds in _held(run_id, path, place).items():
        if not holds:
            sealed.say(f"{_altered(run_id, name).found} It is left out.")
            (place if name == path else place / Path(name).relative_to(path)).unlink(missing_ok=True)
    return place


def _held(run_id: str, path: str, place: Path) -> dict[str, bool]:
    """Every artifact at or below `path` that is or should be there, and whether it is what was logged."""
    files = {path: place} if place.is_file() else {_join(path, place, f): f for f in place.rglob("*") if f.is_file()}
    found, known = {name: file_digest(file) for name, file in files.items()}, digests(run_id)
    for folder in sorted({_folder(name) for name in found} - {_folder(name) for name in known}):
        sealed.say(sealed.adopted(f"{folder or CHECKPOINT} of MLflow run {run_id}"))
        known |= _record(run_id, {name: value for name, value in found.items() if _folder(name) == folder})
    wanted = {name for name in known if name == path or name.startswith(f"{path}/")}
    return {name: name in found and found[name] == known.get(name) for name in sorted(wanted | found.keys())}


def _folder(path: str) -> str:
    parent = Path(path).parent.as_posix()
    return "" if parent == "." else parent


@translates_errors
def digests(run_id: str) -> dict[str, str]:
    """The sha256 of each artifact of a run, by its path."""
    found = {}
    for tag, text in client().get_run(run_id).data.tags.items():
        match = TAGS.fullmatch(tag)
        if match or tag == SEALS:
            folder = (match["folder"] or "") if match else FOLDER
            found |= {_join(folder, "", Path(name)): value for name, value in json.loads(text).items()}
    return found


def _record(run_id: str, files: dict[str, str]) -> dict[str, str]:
    """Tag the run with these digests beside those that are known; returns all of their folders."""
    with lock(f"digests-{run_id}"):
        known, recorded = digests(run_id), {}
        for folder in {_folder(name) for name in files}:
            before = {name: value for name, value in known.items() if _folder(name) == folder}
            inside = {**(before or _unsealed(run_id, folder)), **files}
            inside = {name: value for name, value in inside.items() if _folder(name) == folder}
            runs.set_tags(run_id, _tags(folder, inside))
            recorded |= inside
    return recorded


def _tags(folder: str, files: dict[str, str]) -> dict[str, str]:
    named = [(Path(name).name, value) for name, value in files.items()]
    parts = [dict(named[start : start + MOST]) for start in range(0, len(named), MOST)]
    tag = f"{TAG}/{folder}" if folder else TAG
    return {f"{tag}:{n}" if n else tag: json.dumps(part, separators=(",", ":")) for n, part in enumerate(parts)}


def _unsealed(run_id: str, folder: str) -> dict[str, str]:
    """The digests of what a release before left in a folder of a run."""
    with tempfile.TemporaryDirectory() as scratch:
        names = runs.list_files(run_id, folder)
        return {name: file_digest(runs.fetch(run_id, name, Path(scratch))) for name in names}


def _altered(run_id: str, path: str) -> Altered:
    return Altered(
        f"Artifact {path} of MLflow run {run_id} is not what was logged there.",
        expected="the sha256 that the run's tags name",
        remedy="genfoundry doctor   (it names the remedy)",
    )
