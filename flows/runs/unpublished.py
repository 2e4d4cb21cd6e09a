"""What is trained and waits for a tracker: one small file a recipe and its overrides, gone once it is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genfoundry.data import sealed
from genfoundry.files import digest
from genfoundry.project.root import state_path

REMEDY = "give the `genfoundry run …` again that was told to wait, nothing is trained twice; then remove this file"
Waiting = tuple[str, dict[str, Any]]


def keep(recipe: str, overrides: dict[str, Any]) -> None:
    """Remember that the recipe waits."""
    sealed.write(_path(recipe, overrides), {"recipe": recipe, "overrides": overrides})


def drop(recipe: str, overrides: dict[str, Any]) -> None:
    """Forget it."""
    _path(recipe, overrides).unlink(missing_ok=True)


def waiting() -> list[Waiting]:
    """Every recipe that waits, with its overrides; a file that does not hold is passed over, and said."""
    return look()[0]


def look() -> tuple[list[Waiting], list[Path]]:
    """What `waiting` returns, and the files that no longer say what waits."""
    paths = sorted(state_path("pending").glob("*.json"))
    found = {path: sealed.read(path, ("recipe", "overrides"), _parsed, REMEDY) for path in paths}
    return [each for each in found.values() if each], [path for path, each in found.items() if each is None]


def _parsed(document: dict[str, Any]) -> Waiting:
    recipe, overrides = document["recipe"], document["overrides"]
    if not isinstance(recipe, str) or not isinstance(overrides, dict):
        raise TypeError(f"recipe {recipe!r}, overrides {overrides!r}")
    return recipe, overrides


def _path(recipe: str, overrides: dict[str, Any]) -> Path:
    return state_path("pending") / f"{recipe}-{digest(overrides)[:12]}.json"
