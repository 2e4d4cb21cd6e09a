"""Which flow runs are closed: those whose process is gone, and no other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from genfoundry_flows.runs import owners
from genfoundry_flows.servers import declarations
from support.services import prefect_server, process

SCRIPT = """
import json, sys
from uuid import UUID
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Cancelling, Completed, Running
from genfoundry_flows.runs import owners

@flow
def train(): ...

with get_client(sync_client=True) as client:
    runs = {}
    for name, owner in json.loads(sys.argv[1]).items():
        state = Cancelling() if name == "cancelled" else Running()
        runs[name] = client.create_flow_run(train, name=name, state=Running()).id
        client.update_flow_run_labels(runs[name], {owners.OWNER: owner})
        client.set_flow_run_state(runs[name], state, force=True)
    listed = owners._open(client)
    client.set_flow_run_state(runs["just ended"], Completed(), force=True)
    seen = {each.name: each.sentence for each in owners._lost(client, listed)}
    done = owners.close_lost()
    states = {name: client.read_flow_run(run).state_type.value for name, run in runs.items()}
print(json.dumps({"listed": sorted(run.name for run in listed), "seen": seen, "done": len(done), "states": states}))
"""


def test_a_process_is_itself_whatever_the_clock_says():
    host, number, began = owners.owner().split(":")
    assert (host, int(number)) == (socket.gethostname(), os.getpid())
    now = 100 * time.clock_gettime(time.CLOCK_BOOTTIME)  # which nobody sets
    assert now - 100 * 3600 < int(began) <= now
    assert not owners.is_gone(owners.owner())


def test_one_of_the_same_number_is_another():
    host, number, began = owners.owner().split(":")
    assert owners.is_gone(f"{host}:{number}:{int(began) - 1}")
    child = subprocess.Popen(["true"])
    child.wait()
    assert owners.is_gone(f"{host}:{child.pid}:{began}")
    assert not owners.is_gone(f"another-{host}:{child.pid}:{began}")
    assert not owners.is_gone("")


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_that_ends_while_it_is_looked_at_stays_as_it_ended(tmp_path: Path):
    child = subprocess.Popen(["true"])
    child.wait()
    dead, mine = f"{socket.gethostname()}:{child.pid}:1", owners.owner()
    marked = {"lost": dead, "cancelled": dead, "just ended": dead, "alive": mine, "elsewhere": f"other:{child.pid}:1"}
    with prefect_server(tmp_path / "prefect") as address:
        env = {**os.environ, "PREFECT_API_URL": address, "PREFECT_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-c", SCRIPT, json.dumps(marked)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["listed"] == sorted(marked)
    assert found["seen"] == {
        "lost": f"Prefect's flow run 'lost' is RUNNING, but its owner {dead} does not live.",
        "cancelled": f"Prefect's flow run 'cancelled' is CANCELLING, but its owner {dead} does not live.",
    }
    assert found["done"] == 2
    assert found["states"] == {
        "lost": "CRASHED", "cancelled": "CRASHED", "just ended": "COMPLETED", "alive": "RUNNING",
        "elsewhere": "RUNNING",
    }  # fmt: skip


FALLS_SILENT = """
import sys, time
from pathlib import Path
from genfoundry_flows.servers import deployments, environment
environment.prepare()
from prefect import flow, runtime
deployments.ensure_automation(Path(sys.argv[1]))

@flow
def train():
    print(runtime.flow_run.id, flush=True)
    time.sleep(600)

train()
"""


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_that_falls_silent_is_closed_by_the_server_itself(tmp_path: Path):
    """As that of another host, which `reconcile` can't look at; with a shorter patience than the shipped one."""
    shipped = (declarations.SHIPPED / "automations" / "close-lost-runs.yaml").read_text()
    (tmp_path / "close-lost-runs.yaml").write_text(shipped.replace("within: 240", "within: 45"))
    with prefect_server(tmp_path / "prefect") as address:
        env = {"PREFECT_API_URL": address, "PREFECT_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-c", FALLS_SILENT, str(tmp_path / "close-lost-runs.yaml")]
        with process(command, tmp_path, "lost", **env) as started:
            run = await_line(tmp_path / "lost.log", started)
            time.sleep(70)  # two heartbeats, of which the second is late enough for the automation to have been read
            assert state_of(address, run) == "RUNNING", "closed while it lived"
        closed = time.monotonic() + 120
        while state_of(address, run) == "RUNNING" and time.monotonic() < closed:
            time.sleep(1)
        assert state_of(address, run) == "CRASHED"


def await_line(log: Path, started: subprocess.Popen, seconds: float = 90) -> str:
    """The last line of a log, as soon as it holds a flow run's identity."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and started.poll() is None:
        lines = log.read_text().split()
        if lines and len(lines[-1]) == 36:
            return lines[-1]
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def state_of(address: str, run: str) -> str:
    with urllib.request.urlopen(f"{address}/flow_runs/{run}", timeout=10) as answer:
        return json.loads(answer.read())["state_type"]
