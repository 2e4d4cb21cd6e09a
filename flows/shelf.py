"""The recipes beside this file, by name."""

from __future__ import annotations

from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genfoundry import recipe
from genfoundry.errors import UserError, closest
from genfoundry.recipe import Recipe

FOLDER = Path(__file__).parent / "recipes"
DEFAULT = ("dcgan", "deepar", "vae", "cnn", "gan")
"""What `make run` trains, the longest first."""


def names() -> list[str]:
    """Every recipe, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Parse a recipe; see `genfoundry.recipe.load`.

    Raises:
        UserError: besides, there is no recipe of the extractor's name.
    """
    found = recipe.load(name, FOLDER, overrides)
    if (extractor := found.evaluation.extractor) is not None and extractor not in names():
        raise UserError(f"Recipe '{name}': there is no extractor '{extractor}'; {closest(extractor, names())}")
    return found


if TYPE_CHECKING:

    class RecipeName(StrEnum):
        """The recipes as an enum, so that Prefect's form shows a list."""
else:
    RecipeName = Enum("RecipeName", {name: name for name in names()}, type=str)
