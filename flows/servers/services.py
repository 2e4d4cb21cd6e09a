"""What `make up` keeps alive: the servers' ports, their commands, and supervisord's configuration of them."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.project.root import project_root, state_dir

from .declarations import pool

HOST = "127.0.0.1"
PORTS = {"mlflow": ("GENFOUNDRY_MLFLOW_PORT", 5000), "prefect": ("GENFOUNDRY_PREFECT_PORT", 4200)}


class Service(NamedTuple):
    """One supervised process: what it runs, what it sees, and the address that answers 200 when it is well."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    health: str


def address(name: str) -> str:
    """Where a server is reached: `http://127.0.0.1:5000` for MLflow, `…:4200` for Prefect."""
    return f"http://{HOST}:{port(name)}"


def port(name: str) -> int:
    """Where a server listens.

    Raises:
        UserError: the variable that chooses it holds no port.
    """
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
    mlflow = ("mlflow", "server", "--host", HOST, "--port", str(port("mlflow")), "--workers", "1")
    artifacts = ("--artifacts-destination", str(state_dir("mlartifacts")))
    prefect = ("prefect", "server", "start", "--host", HOST, "--port", str(port("prefect")))
    worker = ("prefect", "worker", "start", "--pool", pool(), "--type", "process", "--name", socket.gethostname())
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


def control() -> Path:
    """supervisord's socket. A socket's path has at most 107 bytes, that of a checkout may be longer: so elsewhere."""
    return Path(tempfile.gettempdir()) / f"genfoundry-{digest(str(state_dir()))[:12]}.sock"


def configuration() -> str:
    """supervisord's configuration; a `%` is doubled there."""
    here = str(folder()).replace("%", "%%")
    head = (
        f"[unix_http_server]\nfile={control()}\nchmod=0700\n\n"
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
