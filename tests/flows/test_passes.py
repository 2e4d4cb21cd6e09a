"""The bytes of a dataset are hashed once in a process: a run reads them once, and its training process once more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.counted import counting, passes
from support.trained import digits

from genfoundry import files

GENFOUNDRY = Path(sys.executable).with_name("genfoundry")
TINY = ("training.max_steps=4", "training.batch_size=16", "evaluation.num_samples=32", "evaluation.seeds=1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose digits were written a while ago."""
    root = tmp_path_factory.mktemp("project")
    digits(root)
    time.sleep(files.YOUNG / 1e9)
    return root


def counted(root: Path, scratch: Path, *arguments: str) -> list[float]:
    """How often each process of a command hashed the digits."""
    settings = [part for setting in TINY for part in ("--set", setting)]
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1", **counting(scratch)}
    done = subprocess.run(
        [GENFOUNDRY, *arguments, *settings], cwd=root, env=env, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return passes(scratch, root / "data" / "digits")


@pytest.mark.slow
def test_a_run_reads_the_data_once_and_its_training_once_more(project, tmp_path):
    assert counted(project, tmp_path, "run", "cnn", "--data", "digits") == [1, 1]


@pytest.mark.slow
def test_a_run_that_finds_its_work_reads_the_data_once(project, tmp_path):
    assert counted(project, tmp_path, "run", "cnn", "--data", "digits") == [1]


@pytest.mark.slow
def test_watch_reads_unchanged_data_once(project, tmp_path):
    assert counted(project, tmp_path, "watch", "cnn", "--data", "digits") == [1]
