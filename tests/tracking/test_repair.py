"""What `genfoundry doctor` finds wrong with runs, versions and aliases, and what repairs it, on a real SQLite store."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import pytest
from support.tracked import DATA, registered

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.tracking import ledger
from genfoundry.tracking.store import client


def test_a_move_cut_off_before_the_alias_is_finished(run_id, name, tmp_path):
    one, two = (registered(name, tmp_path, 5, seed) for seed in range(2))
    tracking.set_alias(name, "champion", one, "first")
    ledger.append(name, "champion", two, "register", "killed right after this")
    assert tracking.aliases(name) == {"champion": one}
    (problem,) = [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    assert (problem.sentence, problem.command) == (
        f"The move of 'champion' of '{name}' to version {two} was cut off.",
        "genfoundry reconcile",
    )
    assert any("was finished" in line for line in tracking.repair_store(name))
    assert tracking.aliases(name) == {"champion": two}
    assert not [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]


def test_an_alias_moved_outside_is_reported_never_followed(run_id, name, tmp_path):
    one, two = (registered(name, tmp_path, 5, seed) for seed in range(2))
    three = registered(name, tmp_path, 5, 3)
    tracking.set_alias(name, "champion", one, "first")
    tracking.set_alias(name, "champion", two, "second")
    client().set_registered_model_alias(name, "champion", str(three))
    with pytest.raises(UserError, match="moved outside genfoundry"):
        tracking.finish_cut_off_moves(name)
    tracking.repair_store(name)
    (problem,) = [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    assert problem.command.startswith(f"genfoundry registry promote {name} {two}")
    tracking.promote(name, two)
    assert tracking.aliases(name) == {"champion": two}
    assert tracking.history(name)[-1].action == "repair"
    assert tracking.finish_cut_off_moves(name) == []


def test_a_champion_deleted_outside_is_reported_and_stops_nothing(run_id, name, tmp_path):
    one, two = (registered(name, tmp_path, 5, seed) for seed in range(2))
    tracking.set_alias(name, "champion", one, "first")
    client().delete_model_version(name, str(one))
    assert tracking.repair_store(name) == []
    (problem,) = [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    assert problem.sentence.endswith("has 'champion' at version 1, which was deleted outside genfoundry.")
    with pytest.raises(UserError, match="was deleted outside genfoundry"):
        tracking.finish_cut_off_moves(name)
    assert tracking.set_alias(name, "champion", two, "the next run", expected=None) == two
    assert tracking.aliases(name) == {"champion": two}
    assert not [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]


def test_what_a_killed_writer_left_beside_the_chain_is_withdrawn(run_id, name, tmp_path):
    one, two = (registered(name, tmp_path, 5, seed) for seed in range(2))
    tracking.set_alias(name, "champion", one, "first")
    stray = tracking.history(name)[0].model_copy(update={"version": two, "reason": "a writer that died"}).sealed()
    client().set_registered_model_tag(name, stray.tag, stray.model_dump_json())
    with pytest.raises(tracking.ledger.BrokenLedger):
        tracking.history(name)
    assert any("was withdrawn" in line for line in tracking.repair_store(name))
    assert [move.version for move in tracking.history(name)] == [one]


def test_a_run_whose_owner_died_is_found_and_closed(run_id, name):
    gone = subprocess.Popen(["true"])
    gone.wait()
    tracking.set_tags(run_id, {"genfoundry.owner": f"{socket.gethostname()}:{gone.pid}"})
    mine = tracking.start_run(f"{name}-mine", recipe="tiny", tags={}, params={}, dataset=DATA)
    assert [p.command for p in tracking.diagnose(name) if run_id in p.sentence] == ["genfoundry reconcile"]
    assert any(run_id in line for line in tracking.repair_store(name))
    closed, alive = tracking.find_run(name), tracking.find_run(f"{name}-mine")
    assert closed
    assert (closed.status, closed.outcome) == ("KILLED", "FAILED")
    assert alive
    assert (alive.run_id, alive.status) == (mine, "RUNNING")


def test_a_silent_run_of_another_machine_is_closed_after_its_lease(run_id):
    run = next(run for run in tracking.runs.list_runs() if run.run_id == run_id)
    there = {**run.tags, "genfoundry.owner": "elsewhere:1"}
    assert tracking.repair.is_alive(run._replace(tags={**there, "genfoundry.heartbeat": str(time.time() - 60)}))
    assert not tracking.repair.is_alive(run._replace(tags={**there, "genfoundry.heartbeat": str(time.time() - 3600)}))


def test_a_version_that_was_not_registered_to_the_end_is_an_orphan(run_id, name, tmp_path):
    good = registered(name, tmp_path, 5, 0)
    info = tracking.get_version(name, good)
    client().create_model_version(name, info.source, info.run_id)
    (problem,) = [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    assert "version 2 carries no genfoundry.key" in problem.sentence
    tracking.repair_store(name)
    assert [v.version for v in tracking.list_versions(name)] == [good]
    assert not [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]


def test_an_evaluation_that_was_changed_is_not_believed(run_id, name, tmp_path):
    info = tracking.get_version(name, registered(name, tmp_path, 5, 0))
    assert tracking.evaluation_of(info).checkpoint.run_id == info.run_id
    stored = Path(info.source.removeprefix("file://")).parent / info.tags["genfoundry.evaluation"]
    changed = json.loads(stored.read_text())
    changed["scores"][0]["value"] = 0.001
    stored.write_text(json.dumps(changed))
    with pytest.raises(UserError, match="was changed after it was registered"):
        tracking.evaluation_of(info)
    assert any(f"'{name}'" in problem.sentence for problem in tracking.diagnose(name))


def test_a_version_whose_run_was_deleted_is_reported(run_id, name, tmp_path):
    info = tracking.get_version(name, registered(name, tmp_path, 5, 0))
    client().delete_run(info.run_id)
    assert not [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence], "MLflow keeps a deleted run's files"
    client().set_model_version_tag(name, "1", "genfoundry.evaluation", "evaluation/lost.json")
    (problem,) = [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    assert "has no artifact 'evaluation/lost.json'" in problem.sentence
