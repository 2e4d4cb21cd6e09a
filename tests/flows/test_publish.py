"""A tracker that stays away: the training is kept, and published later without being done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.services import free_port, mlflow_server

pytestmark = [pytest.mark.slow, pytest.mark.servers]

OVER = ("dataset.name=digits", "training.max_steps=300", "training.snapshot_every=50", "evaluation.extractor=null")
SMALL = [word for each in (*OVER, "evaluation.num_samples=64") for word in ("--set", each)]


def genfoundry(root: Path, address: str, *words: str) -> subprocess.CompletedProcess[str]:
    own = {"GENFOUNDRY_ROOT": str(root), "MLFLOW_TRACKING_URI": address, "GENFOUNDRY_TRACKER_TRIES": "1"}
    quick = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "genfoundry_flows.cli", *words]
    return subprocess.run(
        command, env={**os.environ, **own, **quick}, cwd=root, capture_output=True, text=True, timeout=240
    )


def test_what_was_trained_without_a_tracker_is_published_later(tmp_path):
    port, root = free_port(), tmp_path / "root"
    root.mkdir()
    ended: list[subprocess.CompletedProcess[str]] = []
    with mlflow_server(tmp_path / "server", port) as address:
        work = threading.Thread(target=lambda: ended.append(genfoundry(root, address, "run", "gan", *SMALL)))
        work.start()
        _await_snapshot(root)
    work.join()
    assert ended[0].returncode == 4, ended[0].stderr
    assert "genfoundry publish" in ended[0].stderr
    assert "Traceback" not in ended[0].stderr
    away = genfoundry(root, address, "publish")
    assert away.returncode in (3, 4)
    assert "does not answer" in away.stderr
    journal = next(root.glob(".genfoundry/jobs/*/journal.jsonl")).read_text()
    with mlflow_server(tmp_path / "server", port) as address:
        assert "waits to be published" in genfoundry(root, address, "doctor").stdout
        done = genfoundry(root, address, "publish")
        assert done.returncode == 0, done.stdout + done.stderr
        assert next(root.glob(".genfoundry/jobs/*/journal.jsonl")).read_text() == journal
        listed = json.loads(genfoundry(root, address, "registry", "list", "--json").stdout)
        assert [row["versions"] for row in listed] == [1]
        assert "nothing waits" in genfoundry(root, address, "publish").stdout


def _await_snapshot(root: Path) -> None:
    deadline = time.monotonic() + 240
    while not list(root.glob(".genfoundry/jobs/*/snapshot*")):
        assert time.monotonic() < deadline, "no training began"
        time.sleep(0.05)
