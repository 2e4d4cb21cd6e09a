"""The recipes that can be run here, by name: those beside this file, the project's own, those of distributions."""

from __future__ import annotations

from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genfoundry import recipe
from genfoundry.data import registered_names
from genfoundry.data.registered_names import RecipeOnDataset
from genfoundry.data.versions import dvc
from genfoundry.errors import UserError, closest
from genfoundry.project.looks import looked, one_look
from genfoundry.project.recipe_files import RecipeFiles
from genfoundry.recipe import Recipe

FOLDER = Path(__file__).parent
DEFAULT = ("dcgan", "deepar", "vae", "cnn", "gan")
"""What `make run` trains, the longest first."""


def files() -> RecipeFiles:
    """Where each recipe lies."""
    return looked("recipes", lambda: RecipeFiles.known(FOLDER))


def names() -> list[str]:
    """Every recipe, by name."""
    return files().names


def own() -> list[str]:
    """The project's own recipes, by name."""
    return [name for name, file in files().files.items() if any(each.own for each in file)]


def meant(written: str) -> str:
    """The name of the recipe that somebody means by its name, or by the path of its file.

    Raises:
        UserError: there is none; see `RecipeFiles.find`.
    """
    return files().find(written).name


@one_look
def load(name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Parse a recipe; see `genfoundry.recipe.load`.

    Raises:
        UserError: besides, there is no recipe of the extractor's name, or none that may be registered on these data.
    """
    known = files()
    found = recipe.load(name, known, overrides, _recorded(overrides))
    if (extractor := found.evaluation.extractor) is not None and extractor not in known.names:
        raise UserError(f"Recipe '{name}': there is no extractor '{extractor}'; {closest(extractor, known.names)}")
    if extractor and "dataset.name" in (overrides or {}):
        pair, homes = RecipeOnDataset(extractor, found.dataset.name), recipe.homes(known)
        if pair.dataset != homes[extractor]:
            registered_names.ensure_own_name(pair, homes, registered_names.here(_recorded(overrides)))
    return found


def _recorded(overrides: dict[str, Any] | None) -> dict[str, str]:
    """What `data.dvc` records, where a recipe is asked for on another dataset; at home it makes no difference."""
    return dvc.recorded() if "dataset.name" in (overrides or {}) else {}


def registered(name: str, dataset: str) -> str:
    """The registered model of a recipe on a dataset."""
    return registered_names.registered(RecipeOnDataset(name, dataset), recipe.homes(files()).get(name, ""))


def names_for(dataset: str) -> list[str]:
    """Every recipe that has a registered name to itself on a dataset."""
    homes, known = recipe.homes(files()), registered_names.here(dvc.recorded())
    return [
        name
        for name in names()
        if homes[name] == dataset or not registered_names.holder(RecipeOnDataset(name, dataset), homes, known)
    ]


def ensure_free(dataset: str) -> None:
    """See, before any work, that a dataset may have this name; one that is there already keeps it.

    Raises:
        UserError: with some recipe it would be registered under another's name; says whose, and a name that is free.
    """
    known = registered_names.here(dvc.recorded())
    if dataset not in known:
        registered_names.ensure_free(dataset, recipe.homes(files()), known)


if TYPE_CHECKING:

    class RecipeName(StrEnum):
        """The recipes as an enum, so that Prefect's form shows a list."""
else:
    RecipeName = Enum("RecipeName", {name: name for name in names()}, type=str)
