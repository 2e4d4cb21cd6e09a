"""Publish anew what is damaged or lost behind a version, from what this machine still has whole.

The weights come from the job that trained them, `.genfoundry/jobs/<run key>/model`; the evaluation from the run, which
keeps it a second time under its own name, or holds it anew since the same weights were judged again in the same way.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.files import digest, file_digest
from genfoundry.project.root import state_path
from genfoundry.records import Evaluation
from genfoundry.tracking import artifacts, registry, runs
from genfoundry.tracking.published import FOLDER, SEALS, damage, publish_model
from genfoundry.tracking.store import TrackerDown, client, translates_errors
from genfoundry.tracking.versions import KEY, VersionInfo, set_version_tags, store_evaluation

MLMODEL = "MLmodel"  # MLflow's own description, which names the time of its writing: it is made anew


@translates_errors
def restore(info: VersionInfo) -> list[str]:
    """Repair what is damaged behind a version and can be repaired; says what was done."""
    done, where = [], f"'{info.name}' version {info.version}"
    if _lost_evaluation(info) and (found := _evaluation(info)):
        set_version_tags(info.name, info.version, store_evaluation(info.run_id, found, again=True))
        done.append(f"{where}: its evaluation was stored anew, from the run's own.")
    if damage(info.run_id, json.loads(info.tags[SEALS])) and (folder := _weights(info)):
        publish_model(info.run_id, folder)
        done.append(f"{where}: its weights were published anew, from {folder}.")
    return done


def has_run(info: VersionInfo) -> bool:
    """Whether the run of a version is still in the store, if as a deleted one."""
    try:
        client().get_run(info.run_id)
    except Exception as error:
        if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def is_restorable(info: VersionInfo) -> bool:
    """Whether `restore` repairs all that is damaged behind a version."""
    if _lost_evaluation(info) and not _evaluation(info):
        return False
    return not damage(info.run_id, json.loads(info.tags[SEALS])) or _weights(info) is not None


def _weights(info: VersionInfo) -> Path | None:
    """The folder of the job that trained a version, where it holds just these files."""
    key = client().get_run(info.run_id).data.tags.get(runs.KEY, "")
    folder, seals = state_path("jobs") / key[:16] / FOLDER, json.loads(info.tags[SEALS])
    wanted = {name: seal for name, seal in seals.items() if name != MLMODEL}
    there = bool(key and wanted) and all((folder / name).is_file() for name in wanted)
    return folder if there and all(file_digest(folder / name) == seal for name, seal in wanted.items()) else None


def _lost_evaluation(info: VersionInfo) -> bool:
    try:
        registry.evaluation_of(info)
    except TrackerDown:
        raise
    except (UserError, ValueError):
        return True
    return False


def _evaluation(info: VersionInfo) -> Evaluation | None:
    """The evaluation that a version was registered with, as its run still holds it or holds it again."""
    for folder in runs.list_files(info.run_id, "evaluation", folders=True):
        with suppress(UserError, ValueError):
            found = Evaluation.model_validate_json(artifacts.read_text(info.run_id, f"{folder}/evaluation.json"))
            if info.tags[KEY] == digest([found.checkpoint.run_key, found.digest]):
                return found
    return None
