"""The servers of one machine, without containers: MLflow, Prefect and a worker, kept alive by supervisord.

All listen on the loopback and ask for no password. What they write lies in `.genfoundry/`; with
`GENFOUNDRY_DATABASE_URL` both servers keep their tables in PostgreSQL.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import xmlrpc.client
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.xmlrpc import SupervisorTransport

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.files import digest, project_root, publish, state_dir

from . import databases, processes
from .environment import CLIENTS, MARK

HOST = "127.0.0.1"
PORTS = {"mlflow": ("GENFOUNDRY_MLFLOW_PORT", 5000), "prefect": ("GENFOUNDRY_PREFECT_PORT", 4200)}
SECONDS = 90  # that a server may take to answer
POOL = "genfoundry"
DOWN = (OSError, HTTPException, xmlrpc.client.ProtocolError)


class Service(NamedTuple):
    """One supervised process: what it runs, what it sees, and the address that answers 200 when it is well."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    health: str


class Standing(NamedTuple):
    """How a service stands: supervisord's word for it, its process, where it is reached."""

    name: str
    state: str
    pid: int
    address: str


def address(name: str) -> str:
    """Where a server is reached: `http://127.0.0.1:5000` for MLflow, `…:4200` for Prefect."""
    return f"http://{HOST}:{_port(name)}"


def _port(name: str) -> int:
    variable, default = PORTS[name]
    given = os.environ.get(variable, str(default))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise UserError(f"{variable}={given}", expected="a port, 1 to 65535")
    return int(given)


def clients() -> dict[str, str]:
    """What a client of these servers has in its environment."""
    return {"MLFLOW_TRACKING_URI": address("mlflow"), "PREFECT_API_URL": f"{address('prefect')}/api"}


def services() -> list[Service]:
    """What is supervised, in the order in which it starts."""
    python = (sys.executable, "-m")
    mlflow = ("mlflow", "server", "--host", HOST, "--port", str(_port("mlflow")), "--workers", "1")
    artifacts = ("--artifacts-destination", str(state_dir("mlartifacts")))
    prefect = ("prefect", "server", "start", "--host", HOST, "--port", str(_port("prefect")))
    worker = ("prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", socket.gethostname())
    seen = {"PREFECT_LOGGING_LEVEL": "INFO", "PREFECT_LOGGING_EXTRA_LOGGERS": "genfoundry"}
    home = {"PREFECT_API_URL": f"{address('prefect')}/api"}
    return [
        Service("mlflow", (*python, *mlflow, *artifacts), {}, f"{address('mlflow')}/health"),
        Service("prefect", (*python, *prefect), home, f"{address('prefect')}/api/health"),
        Service("worker", (*python, *worker), {**clients(), **seen, "PREFECT_WORKER_HEARTBEAT_SECONDS": "10"}, ""),
    ]


def folder() -> Path:
    """Where supervisord keeps its configuration and every log."""
    return state_dir("servers")


def _socket() -> Path:
    """In the temporary folder: the path of a socket may have 107 bytes, that of a checkout may be longer."""
    return Path(tempfile.gettempdir()) / f"genfoundry-{digest(str(state_dir()))[:12]}.sock"


def _supervisor() -> Any:
    """supervisord's own calls, over its socket."""
    transport = SupervisorTransport(serverurl=f"unix://{_socket()}")
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
            processes.check_port(HOST, _port(name), name, variable)
        if tracking.is_local() and not os.environ.get(databases.VARIABLE):
            tracking.experiment_id()  # made here, its artifacts can be read without the server too
        _start(environment)
    supervisor = _supervisor()
    for name in ("mlflow", "prefect"):
        _ensure(supervisor, name)
    for service in services():
        if service.health:
            _await(service)
    publish(state_dir() / CLIENTS, "".join(f"{key}={value}\n" for key, value in clients().items()))


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
    _socket().unlink(missing_ok=True)
    return stopped


def standing() -> list[Standing]:
    """How each service stands; an empty list where nothing is up."""
    try:
        found = {each["name"]: each for each in _supervisor().getAllProcessInfo()}
    except DOWN:
        return []
    where = {name: address(name) for name in PORTS} | {"worker": f"work pool '{POOL}'"}
    return [Standing(name, str(found[name]["statename"]), int(found[name]["pid"]), where[name]) for name in where]


def _environment() -> dict[str, str]:
    """Of supervisord and all below it. A password is here only: in no file, and in no command line."""
    given = os.environ.get(databases.VARIABLE)
    tables = databases.prepare(given) if given else {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{state_dir()}/mlflow.db"}
    own = {MARK: str(state_dir()), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **tables}
    kept = {key: value for key, value in os.environ.items() if key not in clients()}
    return {**kept, **own, "GENFOUNDRY_ROOT": str(project_root())}


def _start(environment: dict[str, str]) -> None:
    path = publish(folder() / "supervisord.conf", configuration())
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)]
    done = subprocess.run(command, env=environment, cwd=project_root(), capture_output=True, text=True, timeout=60)
    deadline = time.monotonic() + 20
    while not is_up():
        if done.returncode or time.monotonic() > deadline:
            raise UserError(f"supervisord did not start: {done.stderr.strip()[-300:]}", remedy=f"see {folder()}")
        time.sleep(0.1)


def configuration() -> str:
    """supervisord's configuration; a `%` is doubled there."""
    here = str(folder()).replace("%", "%%")
    head = (
        f"[unix_http_server]\nfile={_socket()}\nchmod=0700\n\n"
        f"[supervisord]\nlogfile={here}/supervisord.log\npidfile={here}/supervisord.pid\n\n"
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
    )
    return head + "".join(_program(service, here) for service in services())


def _program(service: Service, here: str) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in service.environment.items()).replace("%", "%%")
    command = " ".join(f'"{word}"' if " " in word else word for word in service.command).replace("%", "%%")
    lines = {
        "command": command,
        "directory": str(project_root()).replace("%", "%%"),
        "environment": pairs,
        "autostart": str(bool(service.health)).lower(),  # the worker waits for its pool
        "autorestart": "true",
        "startsecs": "3",
        "startretries": "20",
        "stopasgroup": "true",
        "killasgroup": "true",
        "stopwaitsecs": "40",  # a training saves a snapshot and ends
        "redirect_stderr": "true",
        "stdout_logfile": f"{here}/{service.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }
    body = "".join(f"{key}={value}\n" for key, value in lines.items() if value)
    return f"\n[program:{service.name}]\n{body}"


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
