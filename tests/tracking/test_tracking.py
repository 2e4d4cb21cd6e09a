"""The door to MLflow, on a real SQLite store and on a real `mlflow server`."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.services import mlflow_server
from support.tracked import DATA, PASS, evaluation, registered, trained

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.tracking.registry import follow
from genfoundry.tracking.store import client


@pytest.fixture(scope="module")
def server(home):
    """The address of a real server on SQLite, which also keeps the artifacts."""
    with mlflow_server(home / "server") as address:
        yield address


@pytest.fixture(params=["sqlite", "server"])
def store(request, sqlite, monkeypatch) -> str:
    """The default store of a checkout, then the same through a server."""
    if request.param == "server":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("server"))
    return tracking.uri()


def test_the_default_store_lies_in_the_state_folder(sqlite, home):
    assert sqlite == f"sqlite:///{home}/.genfoundry/mlflow.db"
    assert tracking.store.store_id() == tracking.store.store_id()
    assert not (home / "mlruns").exists()


def test_a_run_is_made_once_and_shows_what_it_was_made_of(store, name):
    def start() -> str:
        return tracking.start_run(name, recipe="tiny", tags={"a": 1}, params={"lr": 1e-3, "n": 7}, dataset=DATA)

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: start(), range(4)))
    assert len(ids) == 1
    run = client().get_run(ids.pop())
    assert run.data.params == {"lr": "0.001", "n": "7"}
    assert run.data.tags["genfoundry.owner"] == f"{socket.gethostname()}:{os.getpid()}"
    assert run.inputs
    inputs = [(entry.dataset.name, entry.dataset.digest) for entry in run.inputs.dataset_inputs]
    assert inputs == [("digits", DATA.digest)]
    assert len(DATA.digest) == 36
    info = tracking.find_run(name)
    assert info
    assert (info.run_id, info.status, info.outcome) == (run.info.run_id, "RUNNING", "")
    tracking.finish(info.run_id, "FAILED", "FAILED", "The disk was full.")
    again = tracking.find_run(name)
    assert again
    assert (again.status, again.outcome) == ("FAILED", "FAILED")
    assert start() == info.run_id
    resumed = tracking.find_run(name)
    assert resumed
    assert resumed.status == "RUNNING"
    assert tracking.find_run("nobody's") is None


def test_the_git_revision_is_recorded_where_there_is_one(tmp_path, monkeypatch):
    from genfoundry.tracking.runs import _git

    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    assert _git() == {}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "a").write_text("1")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert _git() == {"mlflow.source.git.commit": head, "revision": head}
    (tmp_path / "a").write_text("2")
    assert _git()["revision"] == f"{head}-dirty"


def test_metrics_arrive_once_however_often_they_are_sent(store, name):
    run_id = tracking.start_run(name, recipe="tiny", tags={}, params={}, dataset=DATA)
    rows = [("train/loss", i / 7, i, 1_700_000_000_000 + i) for i in range(2500)]
    tracking.log_metrics(run_id, rows[:1700])
    tracking.log_metrics(run_id, rows)
    history = client().get_metric_history(run_id, "train/loss")
    assert sorted((m.step, m.value) for m in history) == [(i, i / 7) for i in range(2500)]
    tracking.log_metrics(run_id, [])


def test_numbers_that_are_not_finite_are_kept_and_lose_nothing(store, name):
    run_id = tracking.start_run(name, recipe="tiny", tags={}, params={}, dataset=DATA)
    tracking.log_metrics(
        run_id, [("a", math.nan, 0, 1), ("a", math.inf, 1, 2), ("a", -math.inf, 2, 3), ("a", 1.5, 3, 4)]
    )
    values = {m.step: m.value for m in client().get_metric_history(run_id, "a")}
    assert math.isnan(values[0])
    assert values[1] > 1e300
    assert values[2] < -1e300
    assert values[3] == 1.5


def test_scores_are_metrics_with_their_interval_and_floors(run_id, name):
    tracking.log_scores(run_id, evaluation(name, run_id, "0" * 64, 5.0))
    metrics = client().get_run(run_id).data.metrics
    assert metrics["eval/fd_pixels_64"] == 5.0
    assert (metrics["eval/fd_pixels_64_low"], metrics["eval/fd_pixels_64_high"]) == (4.5, 5.5)
    assert metrics["eval/fd_pixels_64/noise"] == 100


def test_artifacts_come_back_as_they_went(store, name, tmp_path):
    run_id = tracking.start_run(name, recipe="tiny", tags={}, params={}, dataset=DATA)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.bin").write_bytes(bytes(range(256)))
    tracking.log_files(run_id, tmp_path / "in", "gallery")
    tracking.log_text(run_id, "grüße", "evaluation/note.txt")
    found = tracking.fetch(run_id, "gallery", tmp_path / "out")
    assert (found / "deep" / "a.bin").read_bytes() == bytes(range(256))
    assert tracking.read_text(run_id, "evaluation/note.txt") == "grüße"
    assert tracking.has_artifact(run_id, "gallery/deep/a.bin")
    assert not tracking.has_artifact(run_id, "gallery/deep/b.bin")
    with pytest.raises(UserError, match="has no artifact 'lost'"):
        tracking.fetch(run_id, "lost", tmp_path)


def test_files_that_only_a_server_can_read_are_named_so(server, home, name, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    run_id = trained(name, tmp_path).checkpoint.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/server/mlflow.db")
    with pytest.raises(tracking.TrackerDown, match=r"(?s)made through a server.*make up"):
        tracking.fetch(run_id, "model", tmp_path / "fetched")


def test_eight_threads_write_to_sqlite_and_nothing_is_lost(sqlite, name):
    def work(number: int) -> str:
        run_id = tracking.start_run(f"{name}-{number}", recipe="tiny", tags={}, params={"n": number}, dataset=DATA)
        for part in range(3):
            tracking.log_metrics(run_id, [("m", float(i), part * 100 + i, i) for i in range(100)])
        return run_id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(work, range(8)))
    assert [len(client().get_metric_history(run_id, "m")) for run_id in ids] == [300] * 8


def test_importing_the_door_brings_neither_mlflow_nor_torch():
    code = "import genfoundry.tracking, sys; print([m for m in ('mlflow', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_version_is_made_once_whatever_is_repeated(store, name, tmp_path):
    found = trained(name, tmp_path)
    arguments = (name, found.checkpoint.run_id, found, PASS, "key", "A card.", {"family": "gan"})
    with ThreadPoolExecutor(3) as pool:
        numbers = list(pool.map(lambda _: tracking.register(*arguments), range(3)))
    assert numbers == [1, 1, 1]
    (only,) = tracking.list_versions(name)
    assert (only.decision, only.description, only.tags["family"]) == ("PROMOTE", "A card.", "gan")
    assert tracking.evaluation_of(only) == found


RACER = """
import sys
from genfoundry import tracking
for version in (1, 2, 1, 2):
    tracking.set_alias(sys.argv[1], "champion", version, "race of machines")
"""


@pytest.mark.slow
def test_two_machines_without_a_common_lock_keep_one_chain(server, home, name, tmp_path, monkeypatch):
    """Each has a state folder, and so locks and a witness, of its own; only the server is shared."""
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    for seed in range(2):
        registered(name, tmp_path, 5, seed)
    env = {**os.environ, "MLFLOW_TRACKING_URI": server}
    machines = [
        subprocess.Popen([sys.executable, "-c", RACER, name], env={**env, "GENFOUNDRY_ROOT": str(tmp_path / str(i))})
        for i in range(2)
    ]
    assert [machine.wait(timeout=120) for machine in machines] == [0, 0]
    chain = tracking.history(name)
    assert {machine.version for machine in chain} == {1, 2}
    assert tracking.aliases(name) == {"champion": chain[-1].version}


@pytest.mark.slow
def test_the_same_alias_put_at_the_same_moment_ends_once(server, home, name, tmp_path, monkeypatch):
    """MLflow inserts an alias without asking: of two inserts at once its database refuses one."""
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    registered(name, tmp_path, 5, 0)
    tracking.set_alias(name, "champion", 1, "first")
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            client().delete_registered_model_alias(name, "champion")
            assert list(pool.map(lambda _: follow(name, "champion"), range(8))) == [1] * 8
