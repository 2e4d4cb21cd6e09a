"""The command that makes a registered version again: its recipe, on its data, with the settings that it had."""

from __future__ import annotations

import json
import shlex
from typing import Any

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.identity import run_key
from genfoundry.records import Checkpoint
from genfoundry.tracking import VersionInfo

from .. import recipes


def rerun(info: VersionInfo) -> str:
    """`genfoundry run …` as it makes the run of this version again; empty where other code or other data would."""
    try:
        checkpoint = _checkpoint(info)
        overrides = _overrides(checkpoint)
        recipe = recipes.load(checkpoint.recipe, overrides)
        training = recipe.training.model_dump(mode="json")
        key = run_key(recipe.model.family, recipe.model.settings, training, checkpoint.dataset)
    except tracking.TrackerDown:
        raise
    except (UserError, ValueError, KeyError):
        return ""
    return command(checkpoint, overrides) if key == checkpoint.run_key else ""


def again(checkpoint: Checkpoint) -> str:
    """`genfoundry run …` of a checkpoint's recipe on its data, by the recipe's own settings."""
    return command(checkpoint, {"dataset.name": checkpoint.dataset.name})


def command(checkpoint: Checkpoint, overrides: dict[str, Any]) -> str:
    """The command of these overrides, to paste into a shell."""
    words = ["genfoundry", "run", checkpoint.recipe]
    for key, value in overrides.items():
        if key != "dataset.name":
            words += ["--set", f"{key}={json.dumps(value)}"]
        elif value != recipes.load(checkpoint.recipe).dataset.name:
            words += ["--data", str(value)]
    return shlex.join(words)


def _checkpoint(info: VersionInfo) -> Checkpoint:
    """From what the version was registered with, else from what the training left in the run."""
    try:
        return tracking.evaluation_of(info).checkpoint
    except tracking.TrackerDown:
        raise
    except (UserError, ValueError):
        return Checkpoint.model_validate_json(tracking.read_text(info.run_id, "checkpoint.json"))


def _overrides(checkpoint: Checkpoint) -> dict[str, Any]:
    """What its settings differ in from those of its recipe today."""
    had = json.loads(tracking.read_text(checkpoint.run_id, "settings.json"))
    recipe = recipes.load(checkpoint.recipe, {"dataset.name": checkpoint.dataset.name})
    sections = {"model": recipe.model.settings, "training": recipe.training.model_dump(mode="json")}
    differing = {
        f"{section}.{name}": value
        for section, now in sections.items()
        for name, value in had[section].items()
        if name not in now or now[name] != value
    }
    return {"dataset.name": checkpoint.dataset.name, **differing}
