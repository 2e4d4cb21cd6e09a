"""The whole road on real parts: data, a training process, the judge, MLflow on SQLite, Prefect; then again."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.trained import digits

GENFOUNDRY = Path(sys.executable).with_name("genfoundry")
QUICK = (
    "training.max_steps=40",
    "training.batch_size=32",
    "training.sample_every=20",
    "training.snapshot_every=20",
)


def genfoundry(root, *arguments, **env):
    """Run the command line in the project `root`."""
    return subprocess.run(
        [GENFOUNDRY, *arguments],
        cwd=root,
        env={**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1", **env},
        capture_output=True,
        text=True,
        timeout=500,
    )


def settings():
    return [part for setting in QUICK for part in ("--set", setting)]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A project with the digits, and `genfoundry run gan` on them."""
    root = tmp_path_factory.mktemp("project")
    digits(root)
    return root, genfoundry(root, "run", "gan", "--data", "digits", "--json", *settings())


@pytest.mark.slow
def test_ends_with_a_registered_judged_version_and_a_report(first):
    root, done = first
    assert done.returncode == 0, done.stderr
    (version,) = json.loads(done.stdout)["versions"]
    assert version["model"] == "gan-digits"
    listed = json.loads(genfoundry(root, "registry", "list", "--json").stdout)
    assert {model["name"] for model in listed} == {"gan-digits", "cnn-digits"}
    page = (root / ".genfoundry" / "reports" / "report.html").read_text()
    assert "gan-digits" in page


@pytest.mark.slow
def test_again_is_skipped_and_adds_no_version(first):
    root, _ = first
    before = genfoundry(root, "registry", "show", "gan-digits", "--json").stdout
    again = genfoundry(root, "run", "gan", "--data", "digits", "--no-report", *settings())
    assert again.returncode == 0, again.stderr
    for stage in ("validate", "train", "evaluate", "register"):
        assert any(stage in line and "SKIPPED" in line for line in again.stderr.splitlines()), again.stderr
    assert genfoundry(root, "registry", "show", "gan-digits", "--json").stdout == before


def tree(folder):
    """Every file below a folder, its digest, and when it was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) for path in files}


@pytest.mark.slow
@pytest.mark.servers
def test_a_copied_project_goes_on_where_it_is_and_the_first_is_not_touched(first, tmp_path):
    root, _ = first
    before = tree(root)
    copy = tmp_path / "a copy"
    subprocess.run(["cp", "-a", root, copy], check=True)
    again = genfoundry(copy, "run", "gan", "--data", "digits", "--no-report", *settings())
    assert again.returncode == 0, again.stderr
    assert again.stderr.count(f"This project was at {root} and is at {copy} now") == 1
    for stage in ("validate", "train", "evaluate", "register"):
        assert any(stage in line and "SKIPPED" in line for line in again.stderr.splitlines()), again.stderr
    new = genfoundry(copy, "run", "gan", "--data", "digits", "--seed", "9", "--no-report", *settings())
    assert new.returncode == 0, new.stderr
    assert "This project was at" not in new.stderr
    assert genfoundry(copy, "doctor", "--deep").returncode == 0
    assert tree(root) == before


@pytest.mark.slow
@pytest.mark.servers
def test_a_new_seed_is_trained_and_judged_against_the_champion(first):
    root, _ = first
    done = genfoundry(root, "run", "gan", "--data", "digits", "--seed", "5", "--no-report", *settings())
    assert done.returncode == 0, done.stderr
    versions = json.loads(genfoundry(root, "registry", "show", "gan-digits", "--json").stdout)
    assert len(versions) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "dcgna"), "There is no recipe 'dcgna'; did you mean 'dcgan'?"),
        (("run", "dcgan", "--set", "model.latent_dmi=3"), "did you mean 'latent_dim'?"),
        (("run", "dcgan", "--set", "training.max_steps"), "section.key=value"),
        (("run", "dcgan", "--data", "mnist"), "There is no dataset 'mnist'"),
        (("run", "deepar", "--data", "mnist-5k"), "reads series data, on the dataset 'mnist-5k', which is image data"),
        (("data", "add", "nowhere", "--name", "x"), "There is nothing at nowhere"),
    ],
)
def test_a_mistake_is_a_sentence_and_a_status(root, arguments, says):
    done = genfoundry(root, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.servers
def test_sigterm_ends_a_training_soon_with_a_snapshot_to_go_on_from(first):
    root, _ = first
    command = [GENFOUNDRY, "run", "gan", "--data", "digits", *settings(), "--set", "training.max_steps=100000"]
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=root, env=env, text=True, stderr=subprocess.PIPE) as process:
        assert process.stderr
        said = next(line for line in process.stderr if " step " in line)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        said += process.stderr.read()
    assert process.returncode == 143, said
    assert time.monotonic() - began < 60  # the rest of the training would take an hour
    assert "Stopped by a signal" in said
    assert "Traceback" not in said
    orders = [json.loads(path.read_text()) for path in root.glob(".genfoundry/jobs/*/job.json")]
    (key,) = (order["run_key"] for order in orders if order["training"]["max_steps"] == 100_000)
    assert list((root / ".genfoundry/jobs" / key[:16]).glob("snapshot-*.safetensors"))


def test_a_dead_tracker_is_named(root):
    dead = "http://127.0.0.1:9"
    done = genfoundry(root, "registry", "list", MLFLOW_TRACKING_URI=dead, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode != 0
    assert dead in done.stderr
    assert "Traceback" not in done.stderr
