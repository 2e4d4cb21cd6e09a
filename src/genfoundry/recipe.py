"""Recipe: the one document that describes a run. A typo fails while it is parsed, and names the closest key.

A recipe is YAML: one section a stage, and `model`, whose keys are the family's own `Config`. Each stage is given its
own section and nothing else, so a change in one section redoes only what reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from pydantic import Field, SerializeAsAny, ValidationError

from genfoundry import catalog, plans
from genfoundry.data import registered_names
from genfoundry.data.policy import RecipeSection, Validation, Watch
from genfoundry.data.versions import bringing, dvc
from genfoundry.dataset import declared_kind, read_card
from genfoundry.errors import UserError, closest, explain
from genfoundry.gate import Policy
from genfoundry.project import documents
from genfoundry.project.recipe_files import RecipeFile, RecipeFiles
from genfoundry.project.root import data_dir
from genfoundry.task import Plan
from genfoundry.training.settings import Settings

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"


class DatasetSection(RecipeSection):
    """Which data."""

    name: str = Field(pattern=NAME)


class ModelSection(RecipeSection):
    """A family, and the settings that differ from its paper's defaults."""

    family: str
    settings: dict[str, Any] = {}


class Recipe(RecipeSection):
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

    registered_name: str = Field(default="", description="the registered model of its versions: one per dataset")


def parse(name: str, text: str, overrides: dict[str, Any] | None = None, where: str = "") -> Recipe:
    """Parse a recipe's YAML, lay dotted `overrides` over it (`{"model.latent_dim": 64}`), check it all.

    Raises:
        UserError: not YAML, too large, an unknown key, a value out of range, an unknown family or dataset,
            or a family on the wrong kind of data.
    """
    where = where or f"recipe '{name}'"
    return _checked(name, documents.document(text, where), overrides, where)


def _checked(name: str, document: dict[str, Any], overrides: dict[str, Any] | None, where: str) -> Recipe:
    """A recipe's sections with `overrides` laid over them, each checked by whom it is for."""
    document = dict(document)
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
    recipe = _in_full(recipe, where)
    _check_family(recipe, where)
    asked = plans.Asked(recipe.model.family, written, {key.partition(".")[2] for key in overrides or {}}, where)
    plan = plans.read(asked, recipe.training.model_dump(mode="json"))
    model, training = _shortened(recipe.model, recipe.training.share), recipe.training.shortened()
    return recipe.model_copy(update={"evaluation": plan, "model": model, "training": training})


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


def _lay(document: dict[str, Any], key: str, value: Any, where: str) -> None:
    section, _, leaf = key.partition(".")
    if not leaf or "." in leaf:
        raise UserError(f"Override '{key}' of {where}.", expected="section.key, as in model.latent_dim=64")
    if section not in _SECTIONS:
        raise UserError(f"Override '{key}': {where} has no section '{section}'; {closest(section, _SECTIONS)}")
    document[section] = {**(document.get(section) or {}), leaf: value}


_SECTIONS = [name for name in Recipe.model_fields if name not in ("name", "title", "registered_name")]


def _in_full(recipe: Recipe, where: str) -> Recipe:
    """With the one name of the family that is meant; see `catalog.full_name`."""
    try:
        family = catalog.full_name("models", recipe.model.family)
    except UserError as error:
        raise UserError(f"{where}: {error.found}", expected=error.expected, remedy=error.remedy) from None
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"family": family})})


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
    """The kind of a dataset of the catalogue, of `data/` or of `data.dvc`, without reading its bytes.

    Raises:
        UserError: there is none (names the closest one), or its card can't be had from DVC.
    """
    if name in catalog.names("datasets"):
        return declared_kind(name)
    if (data_dir() / name / "card.json").is_file():
        return read_card(data_dir() / name).kind
    if name in (recorded := dvc.recorded()):
        return bringing.card(name, recorded[name]).kind
    known = {*catalog.names("datasets"), *recorded, *(p.parent.name for p in data_dir().glob("*/card.json"))}
    raise UserError(
        f"There is no dataset '{name}'; {closest(name, known)}", remedy=f"genfoundry data add PATH --name {name}"
    )


def homes(files: RecipeFiles) -> dict[str, str]:
    """Every recipe with the dataset that it names; one that does not parse names none."""
    return {name: _home(file, files) for name, file in files.homes().items()}


def _home(file: RecipeFile, files: RecipeFiles) -> str:
    try:
        return str(_inherited(file, files)["dataset"]["name"])
    except (UserError, OSError, KeyError, TypeError):
        return ""


def lineage(file: RecipeFile, files: RecipeFiles) -> tuple[Path, ...]:
    """The file of a recipe and of those that it begins `from`, the youngest first, as far as they can be read."""
    found: dict[Path, RecipeFile] = {}
    while file.path not in found:
        found[file.path] = file
        try:
            file = files.find(documents.document(file.path.read_text(encoding="utf-8"), str(file.path))["from"])
        except (UserError, OSError, UnicodeDecodeError, KeyError, AttributeError):
            break
    return tuple(found)


def load(
    written: str, files: RecipeFiles, overrides: dict[str, Any] | None = None, known: Iterable[str] = ()
) -> Recipe:
    """Parse the recipe of that name, laid over the one that it begins `from`; `known` are datasets of the project that
    may lie elsewhere than in `data/`.

    Raises:
        UserError: there is no such recipe (names the closest); it begins from itself; on the dataset that the overrides
            name it would be registered as another recipe and dataset are; or see `parse`.
    """
    file = files.find(written)
    document, where = _inherited(file, files), f"recipe '{file.name}' ({file.path.name})"
    recipe = _checked(file.name, document, overrides, where)
    home = str(document["dataset"]["name"])
    pair = registered_names.RecipeOnDataset(file.name, recipe.dataset.name)
    if pair.dataset != home:
        registered_names.ensure_own_name(pair, homes(files), registered_names.here(known))
    return recipe.model_copy(update={"registered_name": registered_names.registered(pair, home)})


def _inherited(file: RecipeFile, files: RecipeFiles, below: tuple[RecipeFile, ...] = ()) -> dict[str, Any]:
    """The sections of a recipe, laid over those of the recipe that it begins `from`."""
    where = f"recipe '{file.name}' ({file.path})"
    if file in below:
        way = " from ".join(each.path.name for each in (*below, file))
        raise UserError(f"{where} begins from itself: {way}.", expected="a recipe that stands by itself at the end")
    try:
        text = file.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{where} can't be read: {error}.") from None
    document = _in_its_own_words(documents.document(text, where), file)
    if (parent := document.pop("from", None)) is None:
        return document
    if not isinstance(parent, str):
        raise UserError(f"{where}: from = {parent!r}.", expected="the name of a recipe, as in 'from: dcgan'")
    try:
        return _over(_inherited(files.find(parent), files, (*below, file)), document)
    except UserError as error:
        if below or "from" in error.found:
            raise
        raise UserError(f"{where}: from: {error.found}", expected=error.expected, remedy=error.remedy) from None


def _in_its_own_words(document: dict[str, Any], file: RecipeFile) -> dict[str, Any]:
    """The sections of a recipe that is not the project's: by a bare name that others have, too, it means the family of
    its own origin, unless the project's mark says that its own stands for that."""
    family = model.get("family") if isinstance(model := document.get("model"), dict) else None
    if file.own or not isinstance(family, str) or catalog.is_settled("models", family):
        return document
    return {**document, "model": {**cast(dict[str, Any], model), "family": f"{file.origin}:{family}"}}


def _over(parent: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A recipe's sections over its parent's, key by key; those of another family's model are none of its own."""
    for section, said in document.items():
        was = parent.get(section)
        family = was.get("family") if isinstance(was, dict) else None
        changed = section == "model" and isinstance(said, dict) and said.get("family", "") not in ("", family)
        merged = isinstance(said, dict) and isinstance(was, dict) and not changed
        parent[section] = {**was, **said} if merged else said  # pyright: ignore[reportGeneralTypeIssues]
    return parent
