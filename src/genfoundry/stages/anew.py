"""Anew: what would be trained again though it was trained before, and why.

What a run's key was made of lies beside the run. The release before left no such file: of its runs it is known that
they were made otherwise, and no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from genfoundry import tracking
from genfoundry.data.building import is_sealed
from genfoundry.data.versions import dvc
from genfoundry.dataset import folder_digest
from genfoundry.errors import UserError
from genfoundry.files import canonical_json
from genfoundry.identity import key_of, run_parts
from genfoundry.project.places import SHIPPED
from genfoundry.project.root import data_dir
from genfoundry.records import Checkpoint, DatasetVersion
from genfoundry.training.settings import Settings

FILE = "identity.json"
SETTINGS = "settings.json"
SHOWN = 4  # parts that a sentence lists
Parts = dict[str, Any]  # see `identity.run_parts`


def keep(run_id: str, parts: Parts) -> None:
    """Put what a run's key is made of beside the run."""
    tracking.log_text(run_id, canonical_json(parts), FILE)


def why(recipe: str, data: str, now: Parts) -> str:
    """A sentence where a run of the same recipe, data and settings is there already, and another one is to be made.

    Empty where there is none, or where that very run was begun before.
    """
    if tracking.find_run(key_of(now)):
        return ""
    for run in tracking.finished_runs(recipe, data):
        had = _settings(run.run_id)
        if had and all(had.get(word) == now[part] for word, part in (("model", "settings"), ("training", "training"))):
            return f"{recipe} on {data} is trained anew: {_reasons(run.run_id, run.run_key, now)}."
    return ""


def champions() -> Iterator[str]:
    """A sentence for each champion that would be trained anew by the code, the data and the libraries of today."""
    for model in tracking.list_models():
        if model.champion is None:
            continue
        try:
            info = tracking.get_version(model.name, model.champion)
            checkpoint = tracking.evaluation_of(info).checkpoint
            now = _parts_today(checkpoint)
        except tracking.TrackerDown:
            raise
        except (UserError, ValueError):  # what does not hold, or is not installed, is told where it is looked at
            continue
        if now and key_of(now) != checkpoint.run_key:
            told = _reasons(checkpoint.run_id, checkpoint.run_key, now)
            yield f"'{model.name}' version {info.version} would be trained anew: {told}."


def _parts_today(checkpoint: Checkpoint) -> Parts | None:
    """What the run of a checkpoint would be made of now; None where its settings are not known."""
    if (had := _settings(checkpoint.run_id)) is None:
        return None
    try:
        training = Settings.model_validate(had["training"]).model_dump(mode="json")
    except ValidationError:  # a setting that this release has no more: made otherwise in any case
        training = {}
    return run_parts(checkpoint.family, had["model"], training, _today(checkpoint.dataset))


def _today(version: DatasetVersion) -> DatasetVersion:
    """The version of a dataset that a run would be given now."""
    folder = data_dir() / version.name
    here = folder_digest(folder) if is_sealed(folder) else dvc.recorded().get(version.name)
    return version.model_copy(update={"digest": here or version.digest})


def _settings(run_id: str) -> Parts | None:
    return json.loads(tracking.read_text(run_id, SETTINGS)) if tracking.has_artifact(run_id, SETTINGS) else None


def _reasons(run_id: str, run_key: str, now: Parts) -> str:
    """What differs from a run, in a few words."""
    before = json.loads(tracking.read_text(run_id, FILE)) if tracking.has_artifact(run_id, FILE) else None
    if before is None or key_of(before) != run_key:
        release = tracking.release_of(run_id)
        return f"it is of another release{f' ({release})' if release else ''}"
    told = [*differences(before, now)]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return f"{', '.join(told[:SHOWN])}{more}"


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between the parts of two runs: code first, the user's own before the package's."""
    old, new = before["code"], now["code"]
    changed = [name for name in {*old, *new} if old.get(name) != new.get(name)]
    for name in sorted(changed, key=lambda name: (name.partition(".")[0] == SHIPPED, name)):
        word = "changed" if name in old and name in new else "is read now" if name in new else "is read no more"
        yield f"{_file(name)} {word}"
    if before["dataset"] != now["dataset"]:
        yield f"its data changed ({before['dataset'][:12]} → {now['dataset'][:12]})"
    for section in ("settings", "training"):
        was, is_ = before[section], now[section]
        prefix = "model" if section == "settings" else section
        for key in sorted({*was, *is_}):
            if was.get(key) != is_.get(key):
                yield f"{prefix}.{key} {was.get(key)} → {is_.get(key)}"
    for name in ("torch", "lightning"):
        if before[name] != now[name]:
            yield f"{name} {before[name]} → {now[name]}"


def _file(module: str) -> str:
    return module.removeprefix(f"{SHIPPED}.").replace(".", "/") + ".py"
