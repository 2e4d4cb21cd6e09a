"""What every dataset promises: a card, and examples; and how its folder is sealed, hashed and found again.

An entry of `datasets/` is a module with

    CARD: Card                            what the data is, whose, and under which licence
    examples() -> Iterator[...]           what `storage.write` of the kind of data takes

On disk a dataset is one folder of few big files (see `kinds/`) and `card.json`, which lists every other file with
its md5 and size. Its digest is the hash that DVC gives the folder, so a record, `data.dvc` and an MLflow dataset
input name the same version by the same word. `open_version` gives the handle that stages hand on; `card_of` the card
alone, where nobody reads the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.files import file_digest, write_atomic
from genfoundry.project import sources
from genfoundry.project.root import data_dir, state_path
from genfoundry.records import AnySpec, DatasetVersion, Record, Spec

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


@dataclass(frozen=True)
class Dataset:
    """A version of a dataset in a folder of this machine.

    That there is one proves that every byte was hashed, against the card and the digest: `open_version` and `verify`
    make it, and nobody else.
    """

    folder: Path
    card: Card
    version: DatasetVersion

    @property
    def spec(self) -> Spec:
        """The shape of the data."""
        return self.version.spec


def declared_kind(name: str) -> str:
    """The kind of a dataset of the catalogue, read from its source."""
    return str(declared(name)["kind"])


def declared(name: str) -> dict[str, Any]:
    """What the card of a dataset of the catalogue declares by literals, read from its source: listing imports nothing.

    Raises:
        sources.BrokenEntry: it does not parse, or says its kind, licence or title by more than literals.
    """
    path = catalog.source("datasets", name)
    found = sources.keywords(sources.tree_of(path), "CARD")
    if lacking := [word for word in ("kind", "licence", "title") if word not in found]:
        raise sources.BrokenEntry(
            f"{path} does not say the {', '.join(lacking)} of its CARD by literals, and is not loaded.",
            expected='CARD = Card(name="…", kind="image", title="…", …)',
        )
    return found


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
    """The folder's hash as DVC computes it; reads every byte."""
    return digest_of(_md5s(folder))


def digest_of(files: Mapping[str, str]) -> str:
    """The hash of a folder of these md5s by path as DVC computes it: md5 of the sorted list, with `.dir` behind it."""
    rows = [{"md5": md5, "relpath": path} for path, md5 in sorted(files.items())]
    return hashlib.md5(json.dumps(rows, sort_keys=True).encode()).hexdigest() + ".dir"


def _md5s(folder: Path) -> dict[str, str]:
    """The md5 of every file below a folder, by its path there."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_digest(path, "md5") for path in files}


def seal(folder: Path, card: Card) -> DatasetVersion:
    """Write the card over the finished files of `folder` and name the version that they are."""
    md5s = {name: md5 for name, md5 in sorted(_md5s(folder).items()) if name != CARD_FILE}
    files = {name: FileSeal(md5=md5, bytes=(folder / name).stat().st_size) for name, md5 in md5s.items()}
    card = card.model_copy(update={"files": files})
    write_atomic(folder / CARD_FILE, card.model_dump_json(indent=1) + "\n")
    return _version(folder, card, _claimed(folder, card))


def _version(folder: Path, card: Card, digest: str) -> DatasetVersion:
    if card.spec is None:
        raise UserError(f"{folder / CARD_FILE} has no spec: it was not sealed by a build.", remedy=remake(card.name))
    return DatasetVersion(name=card.name, kind=card.kind, digest=digest, spec=card.spec)


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


def verify(folder: Path, digest: str | None = None) -> Dataset:
    """Hash every file of a dataset once, against its card, and the whole against `digest`.

    Raises:
        UserError: names the first file that differs, is missing, or is not on the card.
    """
    card = read_card(folder)
    found = _md5s(folder)
    _compare(folder, card, found)
    version = _version(folder, card, digest_of(found))
    if digest and version.digest != digest:
        raise UserError(f"{folder} is at version {version.digest}.", expected=digest, remedy=restore(card.name))
    return Dataset(folder, card, version)


def _compare(folder: Path, card: Card, found: Mapping[str, str]) -> None:
    """Hold the md5s of a folder's files against its card."""
    remedy = restore(card.name)
    for name, sealed in card.files.items():
        if name not in found:
            raise UserError(f"{folder / name} is missing.", expected=f"md5 {sealed.md5}", remedy=remedy)
        if found[name] != sealed.md5:
            raise UserError(
                f"{folder / name} was changed after it was sealed: md5 {found[name]}, "
                f"{(folder / name).stat().st_size} bytes.",
                expected=f"md5 {sealed.md5}, {sealed.bytes} bytes",
                remedy=remedy,
            )
    if strangers := found.keys() - {*card.files, CARD_FILE}:
        raise UserError(f"{folder} holds files that are not on its card: {', '.join(sorted(strangers))}", remedy=remedy)


def open_version(version: DatasetVersion) -> Dataset:
    """A version that lies in the working tree, else what `fetch` brought, with every byte hashed.

    Raises:
        UserError: neither holds that version whole; names the file that differs in the working tree.
    """
    for folder, _ in _claiming(version):
        with suppress(UserError):
            return verify(folder, version.digest)
    if ((there := _places(version)[0]) / CARD_FILE).is_file():
        verify(there, version.digest)  # says what differs
    raise _absent(version)


def card_of(version: DatasetVersion) -> Card:
    """The card of a version, proved by the digest, which holds the md5 of every file; none but the card's is read.

    Raises:
        UserError: no card of that version is on this machine.
    """
    for _, card in _claiming(version):
        return card
    raise _absent(version)


def _claiming(version: DatasetVersion) -> list[tuple[Path, Card]]:
    """The folders, each with its card, that are at that version if their files are what their cards say."""
    found = []
    for folder in _places(version):
        if (folder / CARD_FILE).is_file():
            with suppress(UserError):
                card = read_card(folder)
                if _claimed(folder, card) == version.digest:
                    found.append((folder, card))
    return found


def _claimed(folder: Path, card: Card) -> str:
    """The folder's hash by the md5s on its card, and by the card's own."""
    files = {name: seal.md5 for name, seal in card.files.items()}
    return digest_of({**files, CARD_FILE: file_digest(folder / CARD_FILE, "md5")})


def _places(version: DatasetVersion) -> tuple[Path, Path]:
    """Where a version may lie: in the working tree, or where `fetch` brings it."""
    return data_dir() / version.name, state_path("datasets") / version.digest


def _absent(version: DatasetVersion) -> UserError:
    tree, brought = _places(version)
    return UserError(
        f"Dataset '{version.name}' at version {version.digest} is not on this machine.",
        expected=f"it in {tree} or {brought}",
        remedy=restore(version.name),
    )
