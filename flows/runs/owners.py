"""Flow runs whose process is gone: a killed one can't say so, and Prefect shows it RUNNING for ever.

Each flow run of ours carries a label with its host, process and the process's start, counted from the machine's: the
clock may be set while a run lasts. On the same host that decides; of other hosts Prefect's own heartbeats do
(`deployments/automations/close-lost-runs.yaml`).
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterState, FlowRunFilterStateType
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
    state: str

    @property
    def sentence(self) -> str:
        return f"Prefect's flow run '{self.name}' is {self.state}, but its owner {self.owner} does not live."


def owner() -> str:
    """This process, such that no later one is taken for it."""
    return f"{socket.gethostname()}:{os.getpid()}:{_began(os.getpid())}"


def _began(number: int) -> int:
    """When a process began, in hundredths of a second since the machine did."""
    return round(100 * (psutil.Process(number).create_time() - psutil.boot_time()))


def own() -> None:
    """Label the present flow run with its owner."""
    from prefect.runtime import flow_run

    if flow_run.id:
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(UUID(str(flow_run.id)), {OWNER: owner()})


def lost() -> list[Lost]:
    """Every open flow run of this host whose process is gone."""
    with get_client(sync_client=True) as client:
        return _lost(client, _open(client))


def _lost(client: SyncPrefectClient, runs: list[FlowRun]) -> list[Lost]:
    """Of runs that were open when they were listed, those that are so still though their process is gone."""
    gone = [run.id for run in runs if is_gone(str(run.labels.get(OWNER, "")))]
    now = _open(client, gone) if gone else []  # the last word of a process that is gone has been said
    return [Lost(run.id, run.name, str(run.labels[OWNER]), run.state_type.value) for run in now if run.state_type]


def close_lost() -> list[str]:
    """Close them as Crashed, which frees their slots; says what was done."""
    done = []
    found = lost()
    with get_client(sync_client=True) as client:
        for each in found:
            message = "Its process died; running it again goes on from its last snapshot."
            client.set_flow_run_state(each.id, Crashed(message=message), force=True)
            done.append(f"{each.sentence} It was closed as Crashed.")
    return done


def _open(client: SyncPrefectClient, among: list[UUID] | None = None) -> list[FlowRun]:
    """The open runs, of these or of all."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=OPEN))
    wanted = FlowRunFilter(state=state, id=FlowRunFilterId(any_=among) if among else None)
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
        if len(page) < PAGE:
            break
    return found


def is_gone(owner: str) -> bool:
    """Whether a process that was one of this host's has ended; False for one of another host."""
    host, _, rest = owner.partition(":")
    if host != socket.gethostname():
        return False
    number, _, began = rest.partition(":")
    try:
        return _began(int(number)) != int(began)
    except psutil.NoSuchProcess:
        return True
