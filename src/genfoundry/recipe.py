"""Recipe: the one document that describes a run. A typo fails while it is parsed, and names the closest key.

A recipe is YAML: one section a stage, and `model`, whose keys are the family's own `Config`. Each stage is given its
own section and nothing else, so a change in one section redoes only what reads it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from genfoundry import catalog, registered_names, task
from genfoundry.catalog import Entry
from genfoundry.dataset import read_card
from genfoundry.errors import UserError, closest
from genfoundry.files import data_dir
from genfoundry.forms import explain
from genfoundry.gate import Policy
from genfoundry.task import Plan, Task
from genfoundry.training.settings import Settings

MAX_BYTES = 64 * 1024  # of a recipe's YAML
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"


class Section(BaseModel):
    """A part of a recipe: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetSection(Section):
    """Which data."""

    name: str = Field(pattern=NAME)


class Validation(Section):
    """How much of the data may be bad before the run stops."""

    max_bad_fraction: float = Field(default=0.01, ge=0, lt=1)
    min_rows: int = Field(default=50, ge=1, description="fewest rows a split may have")
    max_class_imbalance: float = Field(default=20.0, ge=1, description="largest class over smallest, a warning above")


class ModelSection(Section):
    """A family, and the settings that differ from its paper's defaults."""

    family: str
    settings: dict[str, Any] = {}


class Watch(Section):
    """When changed data are worth a training. Part of no key: what is trained does not depend on it."""

    min_new_rows: int = Field(default=1000, ge=1, description="as many rows that were not there retrain in any case")
    false_alarms: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of changes of no consequence that may still count as drift"
    )


class Recipe(Section):
    """One named experiment, whole."""

    name: str = Field(pattern=NAME)
    title: str = ""
    dataset: DatasetSection
    validation: Validation = Validation()
    model: ModelSection
    training: Settings
    evaluation: SerializeAsAny[Plan] = Plan()  # of the deciding task's own class
    gate: Policy = Policy()
    watch: Watch = Watch()

    registered_name: str = Field(
        default="", description="the registered model of its versions: one a recipe and dataset"
    )


def parse(name: str, text: str, overrides: dict[str, Any] | None = None, where: str = "") -> Recipe:
    """Parse a recipe's YAML, lay dotted `overrides` over it (`{"model.latent_dim": 64}`), check it all.

    Raises:
        UserError: not YAML, too large, an unknown key, a value out of range, an unknown family or dataset,
            or a family on the wrong kind of data.
    """
    where = where or f"recipe '{name}'"
    document = _document(text, where)
    for key, value in (overrides or {}).items():
        _lay(document, key, value, where)
    written = document.pop("evaluation", {})
    model = document.get("model")
    if isinstance(model, dict):
        document["model"] = {
            **{key: value for key, value in model.items() if key == "family"},
            "settings": {key: value for key, value in model.items() if key != "family"},
        }
    try:
        recipe = Recipe.model_validate({"name": name, **document})
    except ValidationError as error:
        raise explain(error, Recipe, where) from None
    _check_family(recipe, where)
    plan = _plan(recipe, written, {key.partition(".")[2] for key in overrides or {}}, where)
    model, training = _shortened(recipe.model, recipe.training.share), recipe.training.shortened()
    return recipe.model_copy(update={"evaluation": plan, "model": model, "training": training})


def _plan(recipe: Recipe, written: Any, laid: set[str], where: str) -> Plan:
    """The section `evaluation`, in the form of the task that decides; `laid` are the keys of overrides.

    An override is laid over recipes of any task: what another task's plan alone knows of it changes nothing here.
    """
    entry = catalog.describe("models", recipe.model.family)
    judging = _deciding(entry, written, where)
    own, others = {*judging.plan.model_fields}, {key for each in task.every() for key in each.plan.model_fields}
    if isinstance(written, dict):
        written = {key: value for key, value in written.items() if key not in (laid & others) - own}
    try:
        plan = judging.plan.model_validate(written)
    except ValidationError as error:
        raise explain(error, judging.plan, where, "evaluation") from None
    try:
        return plan.completed(recipe.training.model_dump(mode="json"), str(entry.attributes["kind"]))
    except UserError as error:
        raise UserError(f"{where} {error.found}", expected=error.expected, remedy=error.remedy) from None


def _deciding(entry: Entry, written: Any, where: str) -> Task:
    """The task that a recipe asks for, else the family's own.

    Raises:
        UserError: there is no such task, or the family lacks what it needs.
    """
    asked = written.get("task") if isinstance(written, dict) else None
    name = asked if isinstance(asked, str) else str(entry.attributes["task"])
    if (judging := task.find(name)) is None:
        known = catalog.names("tasks")
        raise UserError(f"{where}: evaluation.task = '{name}': there is no such task; {closest(name, known)}")
    if not judging.fits(entry):
        kind = str(entry.attributes["kind"])
        lacking = [method for method in judging.needs(kind) if method not in entry.methods]
        families = [catalog.describe("models", each) for each in catalog.names("models")]
        able = [
            each.name for each in families if judging.fits(each) and (not lacking or each.attributes["kind"] == kind)
        ]
        raise UserError(
            f"{where} asks for the task '{name}', which '{entry.name}' is not made for: "
            + (f"it has no {' and no '.join(lacking)}." if lacking else f"it reads {kind} data."),
            expected=f"one of these families: {', '.join(able) or 'there is none yet'}",
        )
    return judging


def _shortened(model: ModelSection, share: float) -> ModelSection:
    """The same with the share of the steps that the family counts itself, so that each of its stages is shortened."""
    counted = cast(tuple[str, ...], catalog.describe("models", model.family).attributes.get("budgeted", ()))
    given = {name: model.settings.get(name) for name in counted}
    steps = {name: round(share * count) for name, count in given.items() if isinstance(count, int)}
    return model.model_copy(update={"settings": {**model.settings, **steps}})


BUDGETS: dict[str, dict[str, float]] = {
    "quick": {
        "training.share": 0.1,
        "evaluation.num_samples": 256,
        "evaluation.seeds": 1,
        "evaluation.origins": 4,
        "gate.trial": True,
    },
    "ci": {"training.share": 0.3, "evaluation.num_samples": 500, "evaluation.seeds": 2, "gate.trial": True},
    "full": {},
}
"""What a budget lays over a recipe: whether it runs at all, what a change does to it, what it was written for."""


def _document(text: str, where: str) -> dict[str, Any]:
    if len(text.encode()) > MAX_BYTES:
        raise UserError(f"{where} has {len(text.encode())} bytes.", expected=f"at most {MAX_BYTES}")
    if any(isinstance(event, yaml.AliasEvent) for event in _events(text, where)):
        raise UserError(f"{where} holds a YAML alias (`*name`).", remedy="write the value out where it is used")
    document = yaml.load(text, Loader=LOADER)
    if not isinstance(document, dict):
        raise UserError(f"{where} is a {type(document).__name__}.", expected="a mapping of sections")
    return document


def _events(text: str, where: str) -> list[yaml.Event]:
    try:
        events = list(yaml.parse(text, Loader=LOADER))
        yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not YAML: {error}") from None
    return events


def _lay(document: dict[str, Any], key: str, value: Any, where: str) -> None:
    section, _, leaf = key.partition(".")
    if not leaf or "." in leaf:
        raise UserError(f"Override '{key}' of {where}.", expected="section.key, as in model.latent_dim=64")
    if section not in _SECTIONS:
        raise UserError(f"Override '{key}': {where} has no section '{section}'; {closest(section, _SECTIONS)}")
    document[section] = {**(document.get(section) or {}), leaf: value}


_SECTIONS = [name for name in Recipe.model_fields if name not in ("name", "title", "registered_name")]


def _check_family(recipe: Recipe, where: str) -> None:
    entry = catalog.describe("models", recipe.model.family)
    for key in recipe.model.settings:
        if key not in entry.config:
            raise UserError(f"{where}: unknown key 'model.{key}'; {closest(key, entry.config)}")
    kind, wanted = dataset_kind(recipe.dataset.name), entry.attributes.get("kind")
    if kind != wanted:
        raise UserError(
            f"{where} puts the family '{entry.name}', which reads {wanted} data, "
            f"on the dataset '{recipe.dataset.name}', which is {kind} data.",
            remedy=f"choose a dataset of kind {wanted} (genfoundry data list) or another family (genfoundry models)",
        )


def dataset_kind(name: str) -> str:
    """The kind of a dataset of the catalogue or of `data/`, without reading its bytes.

    Raises:
        UserError: there is no such dataset; names the closest one.
    """
    if name in catalog.names("datasets"):
        return catalog.module("datasets", name).CARD.kind
    if (data_dir() / name / "card.json").is_file():
        return read_card(data_dir() / name).kind
    known = {*catalog.names("datasets"), *(p.parent.name for p in data_dir().glob("*/card.json"))}
    raise UserError(
        f"There is no dataset '{name}'; {closest(name, known)}", remedy=f"genfoundry data add PATH --name {name}"
    )


def homes(folder: Path) -> dict[str, str]:
    """Every recipe of a folder with the dataset that it names; one that does not parse names none."""
    return {path.stem: _home(path.read_text(encoding="utf-8", errors="replace")) for path in folder.glob("*.yaml")}


@functools.cache
def _home(text: str) -> str:
    try:
        return str(yaml.load(text, Loader=LOADER)["dataset"]["name"])
    except (yaml.YAMLError, KeyError, TypeError):
        return ""


def load(name: str, folder: Path, overrides: dict[str, Any] | None = None, recorded: Iterable[str] = ()) -> Recipe:
    """Parse `<folder>/<name>.yaml`; `recorded` are datasets of the project that may lie elsewhere than in `data/`.

    Raises:
        UserError: there is no such recipe (names the closest); on the dataset that the overrides name it would be
            registered as another recipe and dataset are; or see `parse`.
    """
    path = folder / f"{name}.yaml"
    known = [p.stem for p in folder.glob("*.yaml")]
    if name not in known:
        raise UserError(f"There is no recipe '{name}'; {closest(name, known)}", remedy=f"add {path}")
    text, where = path.read_text(encoding="utf-8"), f"recipe '{name}' ({path.name})"
    recipe = parse(name, text, overrides, where)
    home = parse(name, text, None, where).dataset.name
    pair = registered_names.Pair(name, recipe.dataset.name)
    if pair.dataset != home:
        registered_names.ensure_own_name(pair, folder, homes(folder), registered_names.here(recorded))
    return recipe.model_copy(update={"registered_name": registered_names.registered(pair, home)})
