"""What is trained and waits for a tracker: one small file a recipe and its overrides, gone once it is registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genfoundry.files import digest, publish, state_path

Waiting = tuple[str, dict[str, Any]]


def keep(recipe: str, overrides: dict[str, Any]) -> None:
    """Remember that the recipe waits."""
    publish(_path(recipe, overrides), json.dumps({"recipe": recipe, "overrides": overrides}))


def drop(recipe: str, overrides: dict[str, Any]) -> None:
    """Forget it."""
    _path(recipe, overrides).unlink(missing_ok=True)


def waiting() -> list[Waiting]:
    """Every recipe that waits, with its overrides."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(state_path("pending").glob("*.json"))]
    return [(each["recipe"], each["overrides"]) for each in found]


def _path(recipe: str, overrides: dict[str, Any]) -> Path:
    return state_path("pending") / f"{recipe}-{digest(overrides)[:12]}.json"
