"""`make up` and what it runs, for real: two servers, a worker, a deployment, a browser, kills."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from genfoundry_flows.servers import declarations
from support.sites import CANARY, OVER, Site, left_over

pytestmark = [pytest.mark.slow, pytest.mark.servers]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("site"))
    began = time.monotonic()
    try:
        made("up")
        made.seconds = time.monotonic() - began
        yield made
    finally:
        made("down")
    assert left_over(made.root) == []


def test_up_twice_is_up_once_and_what_died_is_started_again(site):
    before = {name: site.pid(name) for name in ("mlflow", "prefect", "worker")}
    shown = site("up")
    assert {name: site.pid(name) for name in before} == before
    assert "loopback only" in shown
    assert "retrain-nightly" in shown
    os.kill(before["mlflow"], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while site.pid("mlflow") in (0, before["mlflow"]) and time.monotonic() < deadline:
        time.sleep(0.5)
    site("up")
    assert site.pid("mlflow") not in (0, before["mlflow"])
    assert "RUNNING" in site("servers")


def test_the_deployments_are_as_prefect_yaml_says(site):
    found = {each["name"]: each for each in site.api("/deployments/filter", {})}
    assert {"retrain-nightly", "watch-data", "judge-champions"} <= set(found)
    for each in found.values():
        assert each["description"]
        assert each["tags"]
        assert each["global_concurrency_limit"]["limit"] == 1
        assert each["concurrency_options"]["collision_strategy"]
        assert each["schedules"][0]["active"]
    form = found["retrain-nightly"]["parameter_openapi_schema"]
    assert "dcgan" in form["definitions"]["RecipeName"]["enum"]
    assert "overrides" in form["properties"]


def test_a_triggered_run_ends_with_a_version_that_both_pages_show(site):
    run = site.trigger("retrain/retrain-nightly", {"recipes": ["gan"], "overrides": OVER})
    state = site.ended(run)
    assert state["type"] == "COMPLETED", (state, site.log("worker"))
    listed = json.loads(site("registry", "list", "--json"))
    assert [row["name"] for row in listed] == ["gan-digits"]
    artifact = site.api("/artifacts/filter", {"artifacts": {"key": {"any_": ["retrain"]}}})[0]
    assert any(word in artifact["data"] for word in ("PROMOTED", "REJECTED", "HOLD"))
    said = site.api("/events/filter", {"filter": {"event": {"prefix": ["genfoundry."]}}})["events"]
    assert [each["resource"]["genfoundry.name"] for each in said] == ["gan-digits"]
    assert "gan-digits version 1" in said[0]["payload"]["sentence"]
    mlflow = site.address("mlflow")
    assert "gan-digits" in site.page(f"{mlflow}/#/models")
    prefect = site.address("prefect")
    assert "retrain" in site.page(f"{prefect}/runs/flow-run/{run}")


def test_an_unknown_recipe_and_a_bad_override_end_with_a_sentence(site):
    run = site.trigger("retrain/retrain-nightly", {"recipes": ["gan"], "overrides": {"model.latent_dmi": 3}})
    state = site.ended(run)
    assert state["type"] == "FAILED"
    assert "latent_dmi" in state["message"]
    assert "did you mean 'latent_dim'" in state["message"]


def test_a_run_that_is_killed_is_closed_and_goes_on_under_the_same_run_id(site):
    over = {**OVER, "training.max_steps": 600, "training.snapshot_every": 20, "training.seed": 5}
    run = site.trigger("retrain/retrain-nightly", {"recipes": ["gan"], "overrides": over})
    trainer = site.training()
    for process in (psutil.Process(site.pid("worker")), trainer.parent(), trainer):  # as a power cut would
        process.kill()
    begun = {each["info"]["run_id"] for each in site.runs("attributes.status = 'RUNNING'")}
    assert len(begun) == 1
    assert site.api(f"/flow_runs/{run}")["state_type"] == "RUNNING"
    assert "genfoundry reconcile" in site("doctor", status=1)
    site("reconcile")
    assert site.api(f"/flow_runs/{run}")["state_type"] == "CRASHED"
    assert site.open_runs() == []
    assert site.runs("attributes.status = 'RUNNING'") == []
    again = site.trigger("retrain/retrain-nightly", {"recipes": ["gan"], "overrides": over})
    assert site.ended(again)["type"] == "COMPLETED"
    assert {each["info"]["run_id"] for each in site.runs("params.seed = '5'")} == begun


def test_both_servers_away_for_twenty_seconds_cost_a_run_nothing(site):
    over = {**OVER, "training.max_steps": 900, "training.snapshot_every": 20, "training.seed": 6}
    run = site.trigger("retrain/retrain-nightly", {"recipes": ["gan"], "overrides": over})
    site.training()
    site.without("mlflow", "prefect", seconds=20)
    site("up")
    state = site.ended(run)
    assert state["type"] == "COMPLETED", (state, site.log("worker"))
    (found,) = site.runs("params.seed = '6'")
    assert found["info"]["status"] == "FINISHED"
    tags = {each["key"]: each["value"] for each in found["data"]["tags"]}
    assert tags["outcome"] in ("PROMOTED", "HOLD", "REJECTED")
    steps = [each["step"] for each in site.points(found["info"]["run_id"], "train/generator")]
    assert steps == sorted(set(steps))
    assert steps[-1] == 900
    assert site.open_runs() == []
    assert site.runs("attributes.status = 'RUNNING'") == []


def test_a_schedule_fires_once_an_interval_across_a_restart_of_the_server(site):
    """Of a run that is still under way the deployment says what happens to the next: watch-data cancels it."""
    deployment = site.api("/deployments/name/watch-data/watch-data")
    every = {"interval": 15, "anchor_date": "2020-01-01T00:00:00Z", "timezone": "UTC"}
    quick = {"recipes": ["gan"], "datasets": ["digits"], "overrides": OVER}
    schedules = f"/deployments/{deployment['id']}/schedules"
    made = site.api(schedules, [{"schedule": every, "active": True, "parameters": quick}])[0]
    time.sleep(35)
    site.without("prefect", seconds=5)
    site("up")
    time.sleep(35)
    site.api(f"{schedules}/{made['id']}", method="DELETE")
    fired = {"state": {"name": {"not_any_": ["Scheduled", "Late"]}}, "deployment_id": {"any_": [deployment["id"]]}}
    times = [run["expected_start_time"] for run in site.api("/flow_runs/filter", {"flow_runs": fired})]
    assert len(times) >= 3
    assert len(set(times)) == len(times)
    assert all(int(each[17:19]) % 15 == 0 for each in times)


@pytest.mark.parametrize(
    "path", sorted((declarations.SHIPPED / "automations").glob("*.yaml")), ids=lambda path: path.stem
)
def test_prefect_takes_every_automation_that_is_shipped(site, path):
    command = [sys.executable, "-m", "prefect", "automation", "create", "--from-file", str(path)]
    env = {**site.env, "PREFECT_API_URL": f"{site.address('prefect')}/api"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_secret_of_the_environment_is_in_no_file(site):
    """Databases, logs, artifacts, journals, configuration: whatever the runs above left behind."""
    files = [path for path in site.root.rglob("*") if path.is_file() and "browser" not in path.parts]
    assert len(files) > 50
    assert [str(path) for path in files if CANARY.encode() in path.read_bytes()] == []


def test_a_port_in_use_is_named_and_nothing_is_started(tmp_path):
    other = Site(tmp_path)
    with socket.create_server(("127.0.0.1", int(other.ports["GENFOUNDRY_MLFLOW_PORT"]))):
        shown = other("up", status=2)
    assert other.ports["GENFOUNDRY_MLFLOW_PORT"] in shown
    assert f"process {os.getpid()}" in shown
    assert "Traceback" not in shown
    assert "nothing is up" in other("servers", status=1)
