"""Model folders in the store: uploaded once, with the signature that MLflow shows; fetched and verified again."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from genfoundry import task
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.records import Checkpoint
from genfoundry.tracking import runs
from genfoundry.tracking.store import TrackerDown, client, translates_errors

if TYPE_CHECKING:
    from genfoundry.model import Model

FOLDER, WEIGHTS = "model", "weights.safetensors"
DOCTOR = "genfoundry doctor   (it names the remedy)"
SEALS = "genfoundry.files"  # tag: the sha256 of each file, as JSON
BY_MLFLOW = {"registered_model_meta"}  # pyfunc.load_model leaves it in a local store's own folder; we never read it


@translates_errors
def publish_model(run_id: str, folder: Path) -> str:
    """Upload a folder of `loader.write_model` as the run's `model/`, unless the same files lie there whole.

    Returns:
        the address of the uploaded folder, for `register`.

    Raises:
        UserError: the folder is not a published model, or does not load.
    """
    from genfoundry.training import loader  # imports torch

    model = loader.load_model(folder)
    seals = {name: file_digest(folder / name) for name in (loader.WEIGHTS, loader.DESCRIPTION)}
    known = seals_of(run_id)
    if any(known.get(name) != seal for name, seal in seals.items()) or damage(run_id, known):
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary)
            for name in seals:
                shutil.copyfile(folder / name, copy / name)
            _write_mlmodel(copy / loader.MLMODEL, run_id, model)
            runs.log_files(run_id, copy, FOLDER)
            seals[loader.MLMODEL] = file_digest(copy / loader.MLMODEL)
        runs.set_tags(run_id, {SEALS: json.dumps(seals, sort_keys=True)})
        _reseal_versions(run_id, seals)
    return source(run_id)


def _reseal_versions(run_id: str, seals: dict[str, str]) -> None:
    """Versions of these weights follow the files that were published anew: MLmodel holds the time of its writing."""
    for version in client().search_model_versions(f"run_id = '{run_id}'"):
        known = json.loads(version.tags.get(SEALS, "{}"))
        if known != seals and all(known.get(name) == seal for name, seal in seals.items() if name != "MLmodel"):
            client().set_model_version_tag(version.name, version.version, SEALS, json.dumps(seals, sort_keys=True))


def damage(run_id: str, seals: dict[str, str]) -> str:
    """What is wrong with a run's published model, in a sentence; empty where every file is what its seal says."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            fetch_model(run_id, seals, Path(folder))
    except TrackerDown:
        raise
    except UserError as error:
        return error.found
    return ""


def seals_of(run_id: str) -> dict[str, str]:
    """The sha256 of each file that was published from a run, by name; empty before."""
    return json.loads(client().get_run(run_id).data.tags.get(SEALS, "{}"))


def source(run_id: str) -> str:
    """The address of a run's published model."""
    return f"{client().get_run(run_id).info.artifact_uri}/{FOLDER}"


@translates_errors
def fetch_model(run_id: str, seals: dict[str, str], into: Path) -> Path:
    """Download a published model and hold every file against its seal.

    Raises:
        UserError: names the file that is missing, differs or does not belong there.
    """
    folder = runs.fetch(run_id, FOLDER, into)
    found = {path.name: file_digest(path) for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
    for name in sorted({*seals, *found} - BY_MLFLOW):
        if found.get(name) != seals.get(name):
            raise UserError(
                f"{FOLDER}/{name} of MLflow run {run_id} has sha256 {found.get(name, '(missing)')}.",
                expected=seals.get(name, "no such file"),
                remedy=DOCTOR,
            )
    return folder


@translates_errors
def fetch_weights(run_id: str, weights: str, into: Path) -> Path:
    """Download the model that a checkpoint names and prove that its weights are the ones of that sha256.

    Raises:
        UserError: a file is missing or altered, or the run publishes other weights.
    """
    return fetch_model(run_id, seals_with(run_id, weights), into)


def seals_with(run_id: str, weights: str, remedy: str = DOCTOR) -> dict[str, str]:
    """The sha256 of each file that a run published, where its weights are the ones of that sha256.

    Raises:
        UserError: the run publishes other weights.
    """
    seals = seals_of(run_id)
    if (found := seals.get(WEIGHTS)) != weights:
        raise UserError(
            f"MLflow run {run_id} publishes weights with sha256 {found or '(none)'}.",
            expected=f"{weights}, which the checkpoint names",
            remedy=remedy,
        )
    return seals


@translates_errors
def load_checkpoint(checkpoint: Checkpoint, device: str = "cpu") -> Model:
    """The model of a checkpoint, whose weights are the very bytes of the checkpoint's digest; see `load_sealed`."""
    return load_sealed(checkpoint.run_id, seals_with(checkpoint.run_id, checkpoint.weights_digest), device)


def load_sealed(run_id: str, seals: dict[str, str], device: str = "cpu") -> Model:
    """Download a published model, hold every file against its seal, and what is loaded against that of the weights.

    Raises:
        UserError: something is missing or differs; nothing was loaded.
    """
    from genfoundry.training import loader  # imports torch

    with tempfile.TemporaryDirectory() as folder:
        return loader.load_model(fetch_model(run_id, seals, Path(folder)), device, seals.get(WEIGHTS, ""))


def _write_mlmodel(path: Path, run_id: str, model: Model) -> None:
    from mlflow.models import Model as Metadata

    from genfoundry.training.loader import SERVED

    metadata = Metadata(artifact_path=FOLDER, run_id=run_id, signature=task.of(model.task).signature(model))
    metadata.add_flavor("python_function", loader_module=SERVED)
    metadata.save(str(path))
