"""The training process, killed and stopped for real."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file
from support.trained import digits, order, start

from genfoundry.files import file_digest
from genfoundry.training import snapshot
from genfoundry.training.job import RESULT, Result

pytestmark = pytest.mark.slow


def result_of(folder):
    return Result.model_validate_json((folder / RESULT).read_text())


def events(folder, kind=None):
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines() if line.strip()]
    return [line for line in lines if kind in (None, line["event"])]


def wait_for_step(folder, step, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        path = folder / "journal.jsonl"
        if path.exists() and any(f'"step": {n},' in path.read_text() for n in range(step, step + 20)):
            return
        time.sleep(0.02)
    raise AssertionError((folder / "output.log").read_text())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A training of 240 steps that nothing happens to."""
    root = tmp_path_factory.mktemp("undisturbed")
    digits(root)
    folder = root / "job"
    order(root, folder, max_steps=240, ema_decay=0.9)
    assert start(folder).wait() == 0, (folder / "output.log").read_text()
    return root, folder


def test_ends_with_a_marker_a_journal_and_weights(undisturbed):
    _, folder = undisturbed
    result = result_of(folder)
    assert result.outcome == "COMPLETED"
    assert result.step == 240
    assert result.weights_digest == file_digest(folder / "model" / "weights.safetensors")
    assert [e["step"] for e in events(folder, "metrics")] == list(range(4, 241, 4))
    assert result.cost.parameters > 0
    assert result.cost.flops_per_sample > 0


@pytest.mark.parametrize("step", [5, 90])
def test_killed_at_a_step_it_ends_with_the_same_weights(undisturbed, step, tmp_path):
    root, whole = undisturbed
    order(root, tmp_path, max_steps=240, ema_decay=0.9)
    child = start(tmp_path)
    wait_for_step(tmp_path, step)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (tmp_path / RESULT).exists()
    assert start(tmp_path).wait() == 0
    if step > 8:
        assert events(tmp_path, "resumed"), "it began anew"
    weights = "model/weights.safetensors"
    assert (tmp_path / weights).read_bytes() == (whole / weights).read_bytes()


def test_sigterm_saves_and_says_preempted(undisturbed, tmp_path):
    root, whole = undisturbed
    order(root, tmp_path, max_steps=240, ema_decay=0.9)
    child = start(tmp_path)
    wait_for_step(tmp_path, 20)
    child.terminate()
    assert child.wait() == 143
    result = result_of(tmp_path)
    assert result.outcome == "PREEMPTED"
    assert snapshot.latest(tmp_path)[0] == result.step
    assert start(tmp_path).wait() == 0
    weights = "model/weights.safetensors"
    assert (tmp_path / weights).read_bytes() == (whole / weights).read_bytes()


def test_the_death_of_the_parent_is_noticed(undisturbed, tmp_path):
    root, _ = undisturbed
    order(root, tmp_path, max_steps=100_000)
    command = f"[sys.executable, '-m', 'genfoundry.training.trainer', {str(tmp_path)!r}], start_new_session=True"
    code = f"import subprocess, sys, time; subprocess.Popen({command}); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
    wait_for_step(tmp_path, 8)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while not (tmp_path / RESULT).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert result_of(tmp_path).outcome == "PREEMPTED"


def test_a_torn_snapshot_is_passed_over(undisturbed, tmp_path):
    _, folder = undisturbed
    names = sorted(folder.glob("snapshot-*"))
    for path in names:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    newest = sorted(tmp_path.glob("snapshot-*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    step, path = snapshot.latest(tmp_path)
    assert step < 240
    assert path != newest


def test_altered_data_is_refused_by_name(root, tmp_path):
    digits(root)
    order(root, tmp_path / "job")
    images = root / "data" / "digits" / "train-images.npy"
    damaged = bytearray(images.read_bytes())
    damaged[-1] ^= 1
    images.write_bytes(damaged)
    assert start(tmp_path / "job").wait() == 1
    result = result_of(tmp_path / "job")
    assert result.outcome == "FAILED"
    assert "train-images.npy was changed" in result.sentence


def test_divergence_before_any_snapshot_publishes_nothing(root, tmp_path):
    digits(root)
    made = order(root, tmp_path / "job", family="vae", max_steps=200, snapshot_every=4)
    wild = made.model_copy(update={"settings": {"learning_rate": 1e18, "clip": 1e30}})
    (tmp_path / "job" / "job.json").write_text(wild.model_dump_json())
    assert start(tmp_path / "job").wait() == 3, (tmp_path / "job" / "output.log").read_text()
    result = result_of(tmp_path / "job")
    assert result.outcome == "DIVERGED"
    assert "at step" in result.sentence
    assert not result.weights_digest
    assert not (tmp_path / "job" / "model").exists()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A vae of 16 steps that went well, and its project root."""
    root = tmp_path_factory.mktemp("sound")
    digits(root)
    folder = root / "job"
    order(root, folder, family="vae", max_steps=16)
    assert start(folder).wait() == 0, (folder / "output.log").read_text()
    return root, folder


@pytest.mark.parametrize(
    ("learning_rate", "training"),
    [
        (1e18, {"max_steps": 200}),  # the loss of a step before the next snapshot is not finite
        (1e39, {"max_steps": 200, "log_every": 1, "snapshot_every": 1}),  # a step with a sound loss spoils the weights
        (1e39, {"max_steps": 17, "log_every": 1}),  # so does the last one of all
    ],
)
def test_divergence_after_a_snapshot_publishes_that_snapshot(sound, tmp_path, learning_rate, training):
    root, whole = sound
    folder = shutil.copytree(whole, tmp_path / "job")
    weights = folder / "model" / "weights.safetensors"
    weights.unlink()
    made = order(root, folder, family="vae", **training)
    wild = made.model_copy(update={"settings": {"learning_rate": learning_rate, "clip": 1e30}})
    (folder / "job.json").write_text(wild.model_dump_json())
    assert start(folder).wait() == 3, (folder / "output.log").read_text()
    result = result_of(folder)
    assert (result.outcome, result.step) == ("DIVERGED", 16)
    assert result.weights_digest == file_digest(weights)
    assert weights.read_bytes() == (whole / "model" / "weights.safetensors").read_bytes()
    assert all(tensor.isfinite().all() for tensor in load_file(weights).values())
    assert [event["step"] for event in events(folder, "snapshot")] == [8, 16]


HEAVY = """
import sys, time
from pathlib import Path
from genfoundry.training import trainer
from genfoundry.models.vae import VAE
real = VAE.after_training
def heavy(self, batches):
    held = b"x" * (600 << 20)
    time.sleep(1.5)
    return real(self, batches)
VAE.after_training = heavy
sys.exit(trainer.main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("outcome", ["COMPLETED", "DIVERGED"])
def test_what_is_fitted_last_is_told_and_belongs_to_the_cost(sound, tmp_path, outcome):
    """The prior of a vae, made to take 600 MB and 1.5 s more than it does."""
    root, whole = sound
    light, folder = result_of(whole).cost, tmp_path / "job"
    if outcome == "DIVERGED":
        shutil.copytree(whole, folder)
    made = order(root, folder, family="vae", max_steps=16 if outcome == "COMPLETED" else 200)
    if outcome == "DIVERGED":
        made = made.model_copy(update={"settings": {"learning_rate": 1e18, "clip": 1e30}})
    (folder / "job.json").write_text(made.model_dump_json())
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", HEAVY, folder], env=environment, capture_output=True, check=False)
    result = result_of(folder)
    assert (done.returncode, result.outcome) == ({"COMPLETED": 0, "DIVERGED": 3}[outcome], outcome), done.stderr
    begun, ended = events(folder, "fitting")[-1], events(folder, "fitted")[-1]
    assert begun["examples"] > 1000
    assert result.cost.seconds > ended["seconds"] >= 1.5
    assert result.cost.peak_memory_mb > light.peak_memory_mb + 300
    assert result.cost.steps >= result.step == 16
    assert ended["time"] <= events(folder, "ended")[-1]["time"]


def test_the_names_of_the_classes_are_published_with_the_weights(undisturbed):
    from genfoundry.training.loader import load_model

    assert load_model(undisturbed[1] / "model").names == tuple("0123456789")


def test_imports_none_of_the_pipelines_vendors():
    code = (
        "import sys, genfoundry.training.trainer; print('\\n'.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    found = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert not found & {"prefect", "mlflow", "dvc", "great_expectations", "pandas", "pyarrow", "sklearn"}
    assert {"torch", "pytorch_lightning", "safetensors", "pydantic"} <= found


WATCHED = """
import sys
from pathlib import Path
from genfoundry.training import trainer
from genfoundry.models.vae import VAE
def fit(self, batches):
    for _ in range(2):
        print("rows", sum(len(batch) for batch in batches()), "of", {p.requires_grad for p in self.parameters()})
VAE.before_training = fit
sys.exit(trainer.main(Path(sys.argv[1])))
"""


def test_what_is_fitted_first_sees_all_training_rows_as_often_as_it_asks(root, tmp_path):
    digits(root)
    order(root, tmp_path / "job", family="vae", max_steps=4)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WATCHED, tmp_path / "job"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    counts = json.loads((root / "data" / "digits" / "card.json").read_text())["counts"]
    assert done.stdout.count(f"rows {counts['train']} of") == 2
