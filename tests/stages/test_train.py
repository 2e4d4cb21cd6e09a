"""Training under a supervisor: two triggers for one run key, a process that is killed, state that is damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.trained import built

from genfoundry import dataset, tracking
from genfoundry.errors import UserError
from genfoundry.recipe import ModelSection
from genfoundry.records import Checkpoint, ValidatedDataset
from genfoundry.stages.train import train_model
from genfoundry.training.journal import Follower
from genfoundry.training.settings import Settings


@pytest.mark.slow
def test_of_two_equal_trainings_at_once_one_is_skipped(root):
    version = built(root, "digits")
    validated = ValidatedDataset(version=version, counts={}, checks=())
    plan = (ModelSection(family="mlp", settings={}), Settings(max_steps=20, batch_size=32, fraction=0.5))
    tracking.experiment_id()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: train_model("mlp", validated, *plan), range(2))
    assert sorted([one.skipped, other.skipped]) == [False, True]
    assert one.run_id == other.run_id
    assert one.fraction == other.fraction == 0.5
    assert one.weights_digest == other.weights_digest
    assert [run.run_key for run in tracking.runs.list_runs()] == [one.run_key]


def trained(root: Path, **training) -> Checkpoint:
    """A small perceptron on the digits of `root`."""
    folder = root / "data" / "digits"
    version = dataset.verify(folder).version if folder.exists() else built(root, "digits")
    settings = Settings(**{"max_steps": 20, "snapshot_every": 10, "batch_size": 32, **training})
    validated = ValidatedDataset(version=version, counts={}, checks=())
    return train_model("mlp", validated, ModelSection(family="mlp", settings={}), settings)


@pytest.mark.slow
def test_a_trainer_that_is_killed_leaves_no_run_open(root):
    """As the kernel does where memory is short: SIGKILL, to the training process alone."""
    tracking.experiment_id()
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(trained, root, max_steps=1_000_000, snapshot_every=100_000)
        os.kill(_pid(root), signal.SIGKILL)
        with pytest.raises(UserError, match="ended with status -9 and left no result"):
            training.result()
    (run,) = tracking.runs.list_runs()
    assert (run.status, run.outcome) == ("FAILED", "FAILED")
    assert "killed by SIGKILL" in run.tags["genfoundry.sentence"]
    assert tracking.repair_store() == []


def _pid(root: Path) -> int:
    """Of the training process, once it trains."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for folder in root.glob(".genfoundry/jobs/*"):
            for event in Follower(folder).read():
                if event["event"] == "started":
                    return event["pid"]
        time.sleep(0.05)
    raise AssertionError("it did not start")


@pytest.mark.slow
def test_after_any_damage_to_a_job_the_rerun_comes_to_the_same_weights(root, caplog):
    first = trained(root)
    (job,) = root.glob(".genfoundry/jobs/*")
    artifacts = root / ".genfoundry" / "mlartifacts" / first.run_id / "artifacts"
    for path in (artifacts / "checkpoint.json", job / "result.json", job / "snapshot-00000020.json", job / "job.json"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with (job / "journal.jsonl").open("ab") as file:
        file.write(b'{"event": "metr')
    (job / "relayed.json").write_text("")
    caplog.clear()
    again = trained(root)
    assert not again.skipped
    assert (again.run_id, again.weights_digest) == (first.run_id, first.weights_digest)
    for name in ("checkpoint.json", "result.json", "snapshot-00000020.json", "journal.jsonl", "relayed.json"):
        assert any(name in said for said in caplog.messages), name
    caplog.clear()
    assert trained(root).skipped
    assert not caplog.messages

    weights = job / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    shutil.rmtree(artifacts / "model")
    once_more = trained(root)
    assert (once_more.run_id, once_more.weights_digest) == (first.run_id, first.weights_digest)
    assert any(str(weights) in said for said in caplog.messages)
    assert json.loads((artifacts / "checkpoint.json").read_text())["weights_digest"] == first.weights_digest
