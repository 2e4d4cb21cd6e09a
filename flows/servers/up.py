"""The servers of one machine, without containers: MLflow, Prefect and a worker, kept alive by supervisord.

All listen on the loopback and ask for no password. What they write lies in `.genfoundry/`; with
`GENFOUNDRY_DATABASE_URL` both servers keep their tables in PostgreSQL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
import xmlrpc.client
from contextlib import suppress
from http.client import HTTPException
from typing import Any, NamedTuple

from supervisor.xmlrpc import SupervisorTransport

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.project.root import project_root, state_dir

from . import databases, processes
from .declarations import pool
from .environment import CLIENTS, MARK, told
from .services import (
    HOST,
    PORTS,
    Service,
    address,
    clients,
    configuration,
    control,
    folder,
    port,
    services,
)

SECONDS = 90  # that a server may take to answer
DOWN = (OSError, HTTPException, xmlrpc.client.ProtocolError)


class Standing(NamedTuple):
    """How a service stands: supervisord's word for it, its process, where it is reached."""

    name: str
    state: str
    pid: int
    address: str


def _supervisor() -> Any:
    """supervisord's own calls, over its socket."""
    transport = SupervisorTransport(serverurl=f"unix://{control()}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport).supervisor


def is_up() -> bool:
    """Whether supervisord answers."""
    try:
        _supervisor().getState()
    except DOWN:
        return False
    return True


def up() -> None:
    """Start what is not running, and return once both servers answer; twice is the same as once.

    Raises:
        UserError: a port is taken (names it and by whom), the database can't be used, a server does not get well
            (shows the end of its log).
    """
    environment = _environment()
    if not is_up():
        processes.end(processes.marked(state_dir()))
        for name, (variable, _) in PORTS.items():
            processes.check_port(HOST, port(name), name, variable)
        if tracking.is_local() and not os.environ.get(databases.VARIABLE):
            tracking.experiment_id()  # made here, its artifacts can be read without the server too
        _start(environment)
    supervisor = _supervisor()
    for name in ("mlflow", "prefect"):
        _ensure(supervisor, name)
    for service in services():
        if service.health:
            _await(service)
    write_atomic(state_dir() / CLIENTS, told(clients()))


def start_worker() -> None:
    """Start the worker, once its pool is there, and return once it runs.

    Raises:
        UserError: it ends at once, again and again.
    """
    supervisor, deadline = _supervisor(), time.monotonic() + SECONDS
    _ensure(supervisor, "worker")
    while supervisor.getProcessInfo("worker")["statename"] != "RUNNING":
        if time.monotonic() > deadline:
            raise UserError("The worker does not stay up.", remedy=f"see {folder() / 'worker.log'}")
        time.sleep(0.25)


def down() -> list[str]:
    """Stop exactly what `up` started, and return what that was; data and databases stay."""
    (state_dir() / CLIENTS).unlink(missing_ok=True)
    stopped = [each.name for each in standing() if each.pid]
    if is_up():
        with suppress(*DOWN):
            _supervisor().shutdown()
        processes.wait(processes.marked(state_dir()))
    processes.end(processes.marked(state_dir()))
    control().unlink(missing_ok=True)
    return stopped


def standing() -> list[Standing]:
    """How each service stands; an empty list where nothing is up."""
    try:
        found = {each["name"]: each for each in _supervisor().getAllProcessInfo()}
    except DOWN:
        return []
    where = {name: address(name) for name in PORTS} | {"worker": f"work pool '{pool()}'"}
    return [Standing(name, str(found[name]["statename"]), int(found[name]["pid"]), where[name]) for name in where]


def _environment() -> dict[str, str]:
    """Of supervisord and all below it. A password is here only: in no file, and in no command line."""
    given = os.environ.get(databases.VARIABLE)
    tables = databases.prepare(given) if given else {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{state_dir()}/mlflow.db"}
    own = {MARK: str(state_dir()), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **tables}
    kept = {key: value for key, value in os.environ.items() if key not in clients()}
    return {**kept, **own, "GENFOUNDRY_ROOT": str(project_root())}


def _start(environment: dict[str, str]) -> None:
    path = write_atomic(folder() / "supervisord.conf", configuration())
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)]
    done = subprocess.run(command, env=environment, cwd=project_root(), capture_output=True, text=True, timeout=60)
    deadline = time.monotonic() + 20
    while not is_up():
        if done.returncode or time.monotonic() > deadline:
            raise UserError(f"supervisord did not start: {done.stderr.strip()[-300:]}", remedy=f"see {folder()}")
        time.sleep(0.1)


def _ensure(supervisor, name: str) -> None:
    """Start a service that does not run."""
    if supervisor.getProcessInfo(name)["statename"] not in ("RUNNING", "STARTING", "BACKOFF"):
        supervisor.startProcess(name, False)


def _await(service: Service) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if answers(service.health):
            return
        if _supervisor().getProcessInfo(service.name)["statename"] == "FATAL":
            break
        time.sleep(0.25)
    log = folder() / f"{service.name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    last = next((line for line in reversed(lines) if line.strip()), "it wrote nothing")
    raise UserError(f"{service.name} does not answer at {service.health}: {last[:300]}", remedy=f"see {log}")


def answers(url: str) -> bool:
    """Whether `url` answers 200 within five seconds."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
