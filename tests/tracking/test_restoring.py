"""Damage behind a version: doctor names it with a remedy, and the remedy repairs it. On a real SQLite store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tracked import PASS, evaluation, tiny_model

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.outcomes import Interrupted
from genfoundry.records import Evaluation
from genfoundry.tracking.store import client


@pytest.fixture
def judged(run_id: str, name: str, home: Path, tmp_path: Path) -> Evaluation:
    """A registered champion whose job's folder is still there."""
    job = home / ".genfoundry" / "jobs" / name[:16] / "model"
    shutil.rmtree(job.parent, ignore_errors=True)
    made = evaluation(name, run_id, tiny_model(job)).model_copy(update={"digest": "f" * 64})
    tracking.publish_model(run_id, job)
    tracking.finish(run_id, "FINISHED", "COMPLETED", "Trained.")
    tracking.log_text(run_id, made.model_dump_json(), f"{made.folder}/evaluation.json")
    tracking.register(name, run_id, made, PASS, digest([name, made.digest]), "A card.", {"family": "gan"})
    tracking.set_alias(name, "champion", 1, "first")
    return made


def artifacts(info: tracking.VersionInfo) -> Path:
    return Path(info.source.removeprefix("file://")).parent


def problems(name: str) -> list[tracking.repair.Problem]:
    return [problem for problem in tracking.diagnose(name, deep=True) if f"'{name}'" in problem.sentence]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("lost", ["weights.safetensors", "model.json", "MLmodel", "all of it"])
def test_weights_are_published_anew_from_the_job_that_trained_them(judged, name, lost):
    info = tracking.get_version(name, 1)
    model = artifacts(info) / "model"
    shutil.rmtree(model) if lost == "all of it" else flip(model / lost)
    with pytest.raises(UserError):
        tracking.load_version(name, 1)
    (problem,) = problems(name)
    assert problem.command.startswith("genfoundry reconcile")
    (done,) = tracking.republish_all(name)
    assert "published anew" in done
    assert problems(name) == []
    assert tracking.load_version(name, 1)
    assert tracking.republish_all(name) == []


@pytest.mark.parametrize("damage", ["flipped", "no text", "gone", "both copies"])
def test_an_evaluation_is_stored_anew_from_the_runs_own(judged, name, damage):
    info = tracking.get_version(name, 1)
    stored = artifacts(info) / info.tags["genfoundry.evaluation"]
    stored.unlink() if damage == "gone" else stored.write_bytes(b"\xff" * 40) if damage == "no text" else flip(stored)
    if damage == "both copies":
        flip(artifacts(info) / judged.folder / "evaluation.json")
    (problem,) = problems(name)
    if damage == "both copies":
        assert "genfoundry reconcile" not in problem.command
        assert tracking.republish_all(name) == []
        tracking.log_text(info.run_id, judged.model_dump_json(), f"{judged.folder}/evaluation.json")  # judged again
        (problem,) = problems(name)
    assert problem.command.startswith("genfoundry reconcile")
    (done,) = tracking.republish_all(name)
    assert "stored anew" in done
    assert problems(name) == []
    assert tracking.evaluation_of(tracking.get_version(name, 1)) == judged


def test_without_the_job_the_remedy_is_the_command_that_trains_it_again(judged, name, home):
    shutil.rmtree(home / ".genfoundry" / "jobs" / name[:16])
    flip(artifacts(tracking.get_version(name, 1)) / "model" / "weights.safetensors")
    (known,) = tracking.diagnose(name, rerun=lambda info: f"genfoundry run {info.run_id}")
    assert known.command.startswith(f"genfoundry run {judged.checkpoint.run_id} ")
    (unknown,) = problems(name)
    assert "from a backup" in unknown.command


def test_a_job_of_other_weights_mends_nothing(judged, name, home):
    tiny_model(home / ".genfoundry" / "jobs" / name[:16] / "model", seed=1)
    flip(artifacts(tracking.get_version(name, 1)) / "model" / "weights.safetensors")
    assert "reconcile" not in problems(name)[0].command
    assert tracking.republish_all(name) == []


@pytest.mark.parametrize(
    ("model", "data", "command"),
    [
        ("mlp-mydata", "mydata", "genfoundry run mlp --data mydata"),
        ("mlp-fashion", "fashion-mnist", "genfoundry run mlp-fashion"),
        ("mlp", "mnist-5k", "genfoundry run mlp"),
        ("vae", "", "genfoundry run vae"),
    ],
)
def test_the_command_of_a_registered_model_names_recipe_and_data(sqlite, model, data, command):
    client().create_registered_model(model, tags={"dataset": data} if data else {})
    try:
        assert tracking.run_command(model) == command
    finally:
        client().delete_registered_model(model)


def test_a_challenger_that_was_moved_outside_is_put_back(judged, name, home):
    other = evaluation(name, judged.checkpoint.run_id, judged.checkpoint.weights_digest, 6.0)
    for key in ("second", "third"):
        tracking.register(name, judged.checkpoint.run_id, other, PASS, key, "A card.", {})
    tracking.set_alias(name, "challenger", 1, "it was")
    tracking.set_alias(name, "challenger", 2, "it is")
    client().set_registered_model_alias(name, "challenger", "3")
    (problem,) = problems(name)
    assert problem.command.startswith("genfoundry reconcile")
    assert any("was put back to version 2" in line for line in tracking.repair_store(name))
    assert problems(name) == []
    assert tracking.aliases(name)["challenger"] == 2


def test_a_deleted_champion_s_remedy_names_a_version_that_is_there(judged, name):
    tracking.register(name, judged.checkpoint.run_id, judged, PASS, "second", "A card.", {})
    client().delete_model_version(name, "1")
    (problem,) = problems(name)
    assert problem.command == f"genfoundry registry promote {name} 2"
    tracking.promote(name, 2)
    assert problems(name) == []


def test_every_registered_model_deleted_leaves_room_for_the_next_version(judged, name):
    client().delete_model_version(name, "1")
    (problem,) = problems(name)
    assert problem.command == f"genfoundry run {name}"
    assert tracking.finish_cut_off_moves(name) == []
    tracking.register(name, judged.checkpoint.run_id, judged, PASS, "second", "A card.", {})
    tracking.set_alias(name, "champion", 2, "the next run", expected=None)
    assert problems(name) == []


def leave(run_id: str, error: BaseException, way_out: Callable[[], object] = lambda: None) -> None:
    with tracking.closing(run_id):
        way_out()
        raise error


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (UserError("It is so."), "FAILED", "FAILED"),
        (RuntimeError("It is so."), "FAILED", "FAILED"),
        (Interrupted("Stopped."), "KILLED", "PREEMPTED"),
        (KeyboardInterrupt(), "KILLED", "FAILED"),
    ],
)
def test_a_run_is_closed_on_every_way_out(run_id, name, error, status, outcome):
    with pytest.raises(type(error)):
        leave(run_id, error)
    run = tracking.find_run(name)
    assert run is not None
    assert (run.status, run.outcome) == (status, outcome)
    assert run.tags["genfoundry.sentence"] == (str(error) or "KeyboardInterrupt")


def test_a_run_that_was_closed_keeps_what_was_said_of_it(run_id, name):
    with pytest.raises(UserError):
        leave(run_id, UserError("It diverged."), lambda: tracking.finish(run_id, "FAILED", "DIVERGED", "NaN."))
    run = tracking.find_run(name)
    assert run is not None
    assert (run.outcome, run.tags["genfoundry.sentence"]) == ("DIVERGED", "NaN.")


def test_a_tracker_that_is_away_hides_no_error(run_id, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = lambda: monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # noqa: E731
    with pytest.raises(UserError, match="It is so"):
        leave(run_id, UserError("It is so."), away)


def test_an_artifact_is_what_was_logged_or_refused(run_id, caplog):
    tracking.log_text(run_id, json.dumps({"a": 1}), "deep/er/x.json")
    path = next(path for path in _files(run_id) if path.name == "x.json")
    assert tracking.read_text(run_id, "deep/er/x.json") == '{"a": 1}'
    path.write_text('{"a": 2}')
    with pytest.raises(tracking.artifacts.Altered, match=r"deep/er/x.json of MLflow run .* is not what was logged"):
        tracking.read_text(run_id, "deep/er/x.json")
    assert not tracking.fetch_whole(run_id, "deep/er/x.json", path.parent.parent / "copy").exists()
    assert "It is left out" in caplog.text


def test_artifacts_of_the_release_before_are_read_once_said_and_sealed(run_id, caplog, tmp_path):
    from genfoundry.tracking import runs

    for number in range(3):
        runs.log_text(run_id, f"text {number}", f"old/{number}.txt")
    assert tracking.read_text(run_id, "old/1.txt") == "text 1"
    assert len([said for said in caplog.messages if "sealed nothing" in said]) == 1
    caplog.clear()
    assert tracking.read_text(run_id, "old/2.txt") == "text 2"
    assert not caplog.messages
    next(path for path in _files(run_id) if path.name == "2.txt").write_text("text 9")
    with pytest.raises(tracking.artifacts.Altered):
        tracking.read_text(run_id, "old/2.txt")


def test_more_files_than_one_tag_holds(run_id, tmp_path):
    (tmp_path / "grids").mkdir()
    for number in range(150):
        (tmp_path / "grids" / f"{number:08d}.png").write_bytes(bytes([number]))
    tracking.log_files(run_id, tmp_path / "grids", "samples")
    found = tracking.fetch_whole(run_id, "samples", tmp_path / "out")
    assert len(list(found.iterdir())) == 150


def _files(run_id: str) -> list[Path]:
    root = Path(client().get_run(run_id).info.artifact_uri.removeprefix("file://"))
    return [path for path in root.rglob("*") if path.is_file()]
