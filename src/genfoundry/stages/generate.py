"""Generate: what a registered version makes, each file with where it came from. The same seed gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from genfoundry import catalog, task, tracking
from genfoundry.catalog import Entry
from genfoundry.dataset import open_version
from genfoundry.errors import UserError, closest
from genfoundry.records import DatasetVersion
from genfoundry.serving.provenance import Provenance
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.task import Generated, Task, Wishes, options
from genfoundry.tracking import VersionInfo

REFERENCE = re.compile(r"([^@/]+)(?:@([^@/]+)|/(\d+))?")


class Reference(NamedTuple):
    """A registered model by its whole name, and the alias or the version that is written behind it, if any."""

    name: str
    alias: str
    version: str


class Ability(NamedTuple):
    """What is asked of a family: what one without it does not do, and which have it."""

    lacking: str
    has: Callable[[Entry], bool]


def generate_samples(reference: str, out: Path, wishes: Mapping[str, Any], *, force: bool = False) -> Generated:
    """Write what a registered version makes into the folder `out`.

    Args:
        reference: `NAME`, its champion or, where it has none, its newest version; `NAME@alias`; `NAME/version`.
        wishes: what is asked for, by the names of the fields of the task's `Wishes`; None is not asked.
        force: write although `out` holds files; those of the same names are replaced.

    Raises:
        UserError: there is no such version, it can't do what is asked, or an input is not what it must be.
    """
    info, notes = find_version(reference)
    checkpoint = tracking.evaluation_of(info).checkpoint
    entry = catalog.describe("models", checkpoint.family)
    wanted = asked(info.name, entry, wishes)
    _check_folder(out, force)
    model, data = tracking.load_version(info.name, info.version), checkpoint.dataset
    origin = Provenance(
        model=info.name, version=info.version, weights_sha256=checkpoint.weights_digest,
        dataset=data.name, dataset_digest=data.digest, seed=wanted.seed,
    )  # fmt: skip
    try:
        have_data(_task(entry), data)
        made = _task(entry).write(model, data, wanted, origin, out)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"{out} can't be written: {error.strerror}.", expected="a folder of yours") from error
    return made._replace(notes=notes + made.notes)


def _task(entry: Entry) -> Task:
    return task.of(str(entry.attributes["task"]))


def have_data(of: Task, data: DatasetVersion) -> None:
    """Have the data, where the task reads them, on this machine at the version that the model was trained on."""
    if not of.reads_data:
        return
    try:
        open_version(data)
    except UserError:
        fetch_dataset(data.name)


def parted(reference: str) -> Reference:
    """Whom a reference names.

    Raises:
        UserError: it is none.
    """
    match = REFERENCE.fullmatch(reference)
    if not match:
        raise UserError(f"'{reference}' names no registered model.", expected="NAME, NAME@alias or NAME/version")
    name, alias, version = match.groups()
    return Reference(tracking.own_name(name), alias or "", version or "")


def find_version(reference: str) -> tuple[VersionInfo, list[str]]:
    """The version that `reference` names, and what to tell of the choice.

    Raises:
        UserError: there is none; names the closest.
    """
    name, alias, version = parted(reference)
    at, known = tracking.aliases(name), tracking.list_versions(name)
    if known and alias and alias not in at:
        raise UserError(f"'{name}' has no alias '{alias}'; {closest(alias, at)}")
    if known and not (alias or version or "champion" in at):
        newest = f"'{name}' has no champion: this is its newest version, {known[0].version}"
        return known[0], [f"{newest}, of which the gate said {known[0].decision or 'nothing'}."]
    return tracking.get_version(name, alias or version or "champion"), []


def asked(name: str, entry: Entry, wishes: Mapping[str, Any]) -> Wishes:
    """What is asked of a registered model of a family, in the form of the family's task; None is not asked.

    Raises:
        UserError: the family does not do that, something is missing, or a value is out of range.
    """
    given = {name: value for name, value in wishes.items() if value is not None}
    _refuse(name, entry, given)
    return _read(name, entry, given)


def _refuse(name: str, entry: Entry, wishes: Mapping[str, Any]) -> None:
    """Refuse what the family of a registered model does not do, and name the models that do."""
    for ability in (Ability("makes no samples", _makes), *(_ability(entry, wish) for wish in wishes)):
        if not ability.has(entry):
            raise UserError(
                f"'{name}' ({entry.name}) {ability.lacking}.",
                expected=f"a registered model that does: {', '.join(_able(ability)) or 'there is none yet'}",
                remedy="genfoundry models   (what each family is for)",
            )


def _makes(entry: Entry) -> bool:
    return _task(entry).makes


def _ability(entry: Entry, wish: str) -> Ability:
    """What an option asks of a family; in the words of the family's own task where that knows the option."""
    known = {each.name: options(each.wishes)[wish] for each in task.every() if wish in each.wishes.model_fields}
    if not known:
        names = {name for each in task.every() for name in each.wishes.model_fields}
        raise UserError(f"Nothing that makes samples can be asked for '{wish}'; {closest(wish, names)}")
    said = known.get(_task(entry).name) or next(iter(known.values()))

    def has(other: Entry) -> bool:
        option = known.get(_task(other).name)
        return option is not None and {*option.needs} <= {*other.methods, *other.conditions}

    return Ability(said.lacking or f"takes no {said.flag}", has)


def _able(ability: Ability) -> list[str]:
    """The registered models whose family has an ability."""
    newest = [tracking.list_versions(model.name)[0] for model in tracking.list_models() if model.versions]
    known = {*catalog.names("models")}
    family = {info.name: info.tags.get("family") for info in newest}
    return [name for name, word in family.items() if word in known and ability.has(catalog.describe("models", word))]


def _read(name: str, entry: Entry, wishes: Mapping[str, Any]) -> Wishes:
    """What is asked for, in the form of the family's task.

    Raises:
        UserError: what the task can't do without was not given, or a value is out of range.
    """
    form = _task(entry).wishes
    try:
        return form.model_validate(dict(wishes))
    except ValidationError as error:
        first = error.errors()[0]
    option = options(form)[str(first["loc"][0])]
    if first["type"] == "missing":
        missing = option.missing or f"needs {option.flag}, and was given none"
        raise UserError(f"'{name}' ({entry.name}) {missing}.", remedy=form.EXAMPLE)
    raise UserError(f"{option.flag} {first['input']!r}: {first['msg']}.")


def _check_folder(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is not a folder.", expected="a folder, which is made where there is none")
    if not force and out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} is not empty.", expected="a new folder", remedy="--force   (replaces what it writes)")
