"""Which flow runs are closed: those whose process is gone, and no other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from genfoundry_flows import leases
from services import prefect_server

SCRIPT = """
import json, sys
from uuid import UUID
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Cancelling, Completed, Running
from genfoundry_flows import leases

@flow
def train(): ...

with get_client(sync_client=True) as client:
    runs = {}
    for name, owner in json.loads(sys.argv[1]).items():
        state = Cancelling() if name == "cancelled" else Running()
        runs[name] = client.create_flow_run(train, name=name, state=Running()).id
        client.update_flow_run_labels(runs[name], {leases.OWNER: owner})
        client.set_flow_run_state(runs[name], state, force=True)
    listed = leases._open(client)
    client.set_flow_run_state(runs["just ended"], Completed(), force=True)
    seen = {each.name: each.sentence for each in leases._lost(client, listed)}
    done = leases.reconcile()
    states = {name: client.read_flow_run(run).state_type.value for name, run in runs.items()}
print(json.dumps({"listed": sorted(run.name for run in listed), "seen": seen, "done": len(done), "states": states}))
"""


def test_a_process_is_itself_whatever_the_clock_says():
    host, number, began = leases.owner().split(":")
    assert (host, int(number)) == (socket.gethostname(), os.getpid())
    now = 100 * time.clock_gettime(time.CLOCK_BOOTTIME)  # which nobody sets
    assert now - 100 * 3600 < int(began) <= now
    assert not leases.is_gone(leases.owner())


def test_one_of_the_same_number_is_another():
    host, number, began = leases.owner().split(":")
    assert leases.is_gone(f"{host}:{number}:{int(began) - 1}")
    child = subprocess.Popen(["true"])
    child.wait()
    assert leases.is_gone(f"{host}:{child.pid}:{began}")
    assert not leases.is_gone(f"another-{host}:{child.pid}:{began}")
    assert not leases.is_gone("")


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_that_ends_while_it_is_looked_at_stays_as_it_ended(tmp_path: Path):
    child = subprocess.Popen(["true"])
    child.wait()
    dead, mine = f"{socket.gethostname()}:{child.pid}:1", leases.owner()
    owners = {"lost": dead, "cancelled": dead, "just ended": dead, "alive": mine, "elsewhere": f"other:{child.pid}:1"}
    with prefect_server(tmp_path / "prefect") as address:
        env = {**os.environ, "PREFECT_API_URL": address, "PREFECT_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-c", SCRIPT, json.dumps(owners)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["listed"] == sorted(owners)
    assert found["seen"] == {
        "lost": f"Prefect's flow run 'lost' is RUNNING, but its owner {dead} does not live.",
        "cancelled": f"Prefect's flow run 'cancelled' is CANCELLING, but its owner {dead} does not live.",
    }
    assert found["done"] == 2
    assert found["states"] == {
        "lost": "CRASHED", "cancelled": "CRASHED", "just ended": "COMPLETED", "alive": "RUNNING",
        "elsewhere": "RUNNING",
    }  # fmt: skip
