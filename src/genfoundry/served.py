"""What `mlflow.pyfunc.load_model` finds behind a published model, where genfoundry is installed.

MLflow imports this module because the model's `MLmodel` names it; the folder itself carries no code. From a registry
that you don't trust, load through `genfoundry.tracking.load_version`, which checks the folder before MLflow reads it.

What goes in and comes out is the model's task to say: see `tasks/<task>/predictor.py`. A class and a series are known
by the names that were published with the weights (see `genfoundry.training.naming`). Models that were published without
know numbers alone: `label` is a place, and series give theirs in the column `series` (long).
"""

from __future__ import annotations

from pathlib import Path

from genfoundry import task
from genfoundry.task import Predictor
from genfoundry.training.loader import load_model


def _load_pyfunc(path: str) -> Predictor:
    """MLflow calls this with the folder that it downloaded.

    Raises:
        UserError: the folder is not exactly a published model; see `genfoundry.training.loader`.
    """
    model = load_model(Path(path))
    return task.of(model.task).predictor(model)
