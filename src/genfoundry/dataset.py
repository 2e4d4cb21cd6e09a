"""What every dataset promises: a card, and examples; and how its folder is sealed, hashed and found again.

An entry of `datasets/` is a module with

    CARD: Card                            what the data is, whose, and under which licence
    examples() -> Iterator[...]           what `storage.write` of the kind of data takes

On disk a dataset is one folder of few big files (see `kinds/`) and `card.json`, which lists every other file with
its md5 and size. Its digest is the hash that DVC gives the folder, so a record, `data.dvc` and an MLflow dataset
input name the same version by the same word.
"""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from pydantic import Field, ValidationError

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.files import data_dir, file_digest, publish, state_path
from genfoundry.records import AnySpec, DatasetVersion, Record

CARD_FILE = "card.json"


class FileSeal(Record):
    """One file as it must be."""

    md5: str
    bytes: int = Field(ge=0)


class Card(Record):
    """What a dataset declares. Great Expectations checks that the bytes fulfil it.

    `spec`, `counts` and `files` are filled in when the dataset is built.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    kind: str
    title: str
    description: str = ""
    licence: str
    source: str
    consent: str = Field(description="why the people or things in the data may be used")
    class_names: tuple[str, ...] = ()
    spec: AnySpec | None = None
    splits: dict[str, str] = Field(default={}, description="series: the first time stamp of `val` and of `test`")
    zone: str = Field(
        default="",
        exclude_if=lambda zone: not zone,  # what was sealed before keeps its digest
        description="series: the UTC offset or the zone that the times came in; empty where they had none",
    )
    units: dict[str, str] = {}
    counts: dict[str, int] = {}
    policy: dict[str, str] = Field(default={}, description="what was done to the data on the way in, one key a step")
    # left out of the JSON where there is nothing to say, so that what was sealed before keeps its digest
    content: dict[str, float] = Field(
        default={}, exclude_if=lambda v: not v, description="what was lost on the way in, counted: see `conversion`"
    )
    rule: str = Field(
        default="",
        exclude_if=lambda v: not v,
        description="images that a user added: what puts one into test; empty for sets of the rule before, "
        "under which the k lowest hashes of each class were test",
    )
    quarantined: int = 0
    files: dict[str, FileSeal] = {}


def shipped(package: str, path: str) -> Path:
    """The file `path` of an installed package, which is found, not imported: that can take seconds, or fail.

    Raises:
        UserError: the package is not installed, or carries no such file.
    """
    home = find_spec(package)
    folders = (home.submodule_search_locations if home else None) or []
    found = [file for folder in folders if (file := Path(folder) / path).is_file()]
    if not found:
        raise UserError(f"The package {package}, which carries {path}, is not installed whole.", remedy="make install")
    return found[0]


def folder_digest(folder: Path) -> str:
    """The folder's hash as DVC computes it: md5 of the sorted list of (md5, path), with `.dir` behind it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [{"md5": file_digest(path, "md5"), "relpath": path.relative_to(folder).as_posix()} for path in files]
    rows.sort(key=lambda row: row["relpath"])
    return hashlib.md5(json.dumps(rows, sort_keys=True).encode()).hexdigest() + ".dir"


def seal(folder: Path, card: Card) -> DatasetVersion:
    """Write the card over the finished files of `folder` and name the version that they are."""
    files = {
        path.relative_to(folder).as_posix(): FileSeal(md5=file_digest(path, "md5"), bytes=path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CARD_FILE
    }
    card = card.model_copy(update={"files": files})
    publish(folder / CARD_FILE, card.model_dump_json(indent=1) + "\n")
    return version_of(folder, card)


def version_of(folder: Path, card: Card) -> DatasetVersion:
    """The version that a sealed folder is."""
    if card.spec is None:
        raise ValueError(f"{folder / CARD_FILE} has no spec: it was not sealed by a build")
    return DatasetVersion(name=card.name, kind=card.kind, digest=folder_digest(folder), spec=card.spec)


def remake(name: str) -> str:
    """The command that makes a dataset anew: from its source, or, where a user added it, from the user's files."""
    if name in catalog.names("datasets"):
        return f"genfoundry data build {name} --force"
    return f"genfoundry data add PATH --name {name} [--paired SOURCES] --force"


def restore(name: str) -> str:
    """What brings the recorded version of a dataset back, and what to do where there is none."""
    return f"dvc checkout data.dvc, or dvc pull where DVC's cache lacks it   (or: {remake(name)})"


def read_card(folder: Path) -> Card:
    """The card of a sealed folder.

    Raises:
        UserError: there is none, or it does not parse.
    """
    path = folder / CARD_FILE
    try:
        return Card.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{folder} holds no {CARD_FILE}, so it is not a dataset of genfoundry.",
            remedy=restore(folder.name),
        ) from None
    except (ValidationError, ValueError) as error:
        raise UserError(f"{path} does not parse: {error}", remedy=restore(folder.name)) from None


def verify(folder: Path, digest: str | None = None) -> Card:
    """Hash every file of a dataset against its card, and the whole against `digest`.

    Raises:
        UserError: names the first file that differs, is missing, or is not on the card.
    """
    card = read_card(folder)
    remedy = restore(card.name)
    for name, sealed in card.files.items():
        path = folder / name
        if not path.is_file():
            raise UserError(f"{path} is missing.", expected=f"md5 {sealed.md5}", remedy=remedy)
        if (found := file_digest(path, "md5")) != sealed.md5:
            raise UserError(
                f"{path} was changed after it was sealed: md5 {found}, {path.stat().st_size} bytes.",
                expected=f"md5 {sealed.md5}, {sealed.bytes} bytes",
                remedy=remedy,
            )
    strangers = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {*card.files, CARD_FILE}
    if strangers:
        raise UserError(f"{folder} holds files that are not on its card: {', '.join(sorted(strangers))}", remedy=remedy)
    if digest and (found := folder_digest(folder)) != digest:
        raise UserError(f"{folder} is at version {found}.", expected=digest, remedy=remedy)
    return card


def locate(version: DatasetVersion) -> Path:
    """The local folder of a version: the working tree if it is at that version, else what `fetch` brought.

    Raises:
        UserError: neither holds that version.
    """
    candidates = (data_dir() / version.name, state_path("datasets") / version.digest)
    for folder in candidates:
        if (folder / CARD_FILE).is_file() and folder_digest(folder) == version.digest:
            return folder
    if (candidates[0] / CARD_FILE).is_file():
        verify(candidates[0], version.digest)  # names the file that differs
    raise UserError(
        f"Dataset '{version.name}' at version {version.digest} is not on this machine.",
        expected=f"it in {candidates[0]} or {candidates[1]}",
        remedy=restore(version.name),
    )
