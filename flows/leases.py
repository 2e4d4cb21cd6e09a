"""Flow runs whose process is gone: a killed one can't say so, and Prefect shows it RUNNING for ever.

Each flow run of ours carries a label with its host, process and the process's start. On the same host that decides; of
other hosts Prefect's own heartbeats do (`automations/close-lost-runs.yaml`).
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple
from uuid import UUID

import psutil
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

OWNER = "genfoundry.owner"
OPEN = [StateType.RUNNING, StateType.CANCELLING]
PAGE = 200


class Lost(NamedTuple):
    """A flow run that nobody runs any more."""

    id: UUID
    name: str
    owner: str

    @property
    def sentence(self) -> str:
        return f"Prefect's flow run '{self.name}' is RUNNING, but its owner {self.owner} does not live."


def owner() -> str:
    """This process, such that no later one is taken for it."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(psutil.Process().create_time())}"


def own() -> None:
    """Label the present flow run with its owner."""
    from prefect.runtime import flow_run

    if flow_run.id:
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(UUID(str(flow_run.id)), {OWNER: owner()})


def lost() -> list[Lost]:
    """Every open flow run of this host whose process is gone."""
    with get_client(sync_client=True) as client:
        return [Lost(run.id, run.name, str(run.labels[OWNER])) for run in _open(client) if _is_gone(run)]


def reconcile() -> list[str]:
    """Close them as Crashed, which frees their slots; says what was done."""
    done = []
    found = lost()
    with get_client(sync_client=True) as client:
        for each in found:
            message = "Its process died; running it again goes on from its last snapshot."
            client.set_flow_run_state(each.id, Crashed(message=message), force=True)
            done.append(f"{each.sentence} It was closed as Crashed.")
    return done


def _open(client) -> list[FlowRun]:
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=OPEN)))
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
        if len(page) < PAGE:
            break
    return found


def _is_gone(run: FlowRun) -> bool:
    host, _, rest = str(run.labels.get(OWNER, "")).partition(":")
    if host != socket.gethostname():
        return False
    number, _, began = rest.partition(":")
    try:
        return int(psutil.Process(int(number)).create_time()) != int(began)
    except psutil.NoSuchProcess:
        return True
