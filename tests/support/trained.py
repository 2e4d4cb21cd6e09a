"""Small real trainings for tests: a digits dataset in the test's project root, and jobs on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from genfoundry import catalog, dataset
from genfoundry.data.building import write_sealed
from genfoundry.records import DatasetVersion
from genfoundry.training.job import ORDER, Order
from genfoundry.training.settings import Settings


def digits(root: Path) -> DatasetVersion:
    """The 8×8 digits, sealed in `root`/data."""
    return built(root, "digits")


def built(root: Path, name: str) -> DatasetVersion:
    """A dataset of images of the catalogue, sealed in `root`/data."""
    entry = catalog.module("datasets", name)
    folder = root / "data" / name
    return write_sealed(folder, entry.CARD, entry.examples())


def order(root: Path, folder: Path, family: str = "dcgan", data: str = "digits", **training) -> Order:
    """A job on the digits, or on other data of `root`, written to `folder`."""
    settings = {"max_steps": 40, "batch_size": 16, "log_every": 4, "snapshot_every": 8, "sample_every": 16, **training}
    version = dataset.verify(root / "data" / data).version
    made = Order(
        run_key="k" * 64,
        family=family,
        settings={},
        training=Settings(**settings).model_dump(),
        dataset=version,
        folder=root / "data" / data,
        threads=1,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORDER).write_text(made.model_dump_json())
    return made


def start(folder: Path) -> subprocess.Popen:
    """The training process of a job."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    output = (folder / "output.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "genfoundry.training.trainer", str(folder)], stdout=output, stderr=output, env=env
    )
