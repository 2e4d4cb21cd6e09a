"""Real servers for tests, each a process group that is gone at the end of its `with` block."""

from __future__ import annotations

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from genfoundry_flows.servers import declarations, environment

HERE = Path(__file__).parents[2]
NEVER = "0 0 29 2 *"


def calm_project(folder: Path) -> Path:
    """What is deployed, as shipped, but with schedules that start nothing while a test looks."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = (declarations.SHIPPED / declarations.FILE).read_text()
    (folder / declarations.FILE).write_text(re.sub('cron: ".*"', f'cron: "{NEVER}"', shipped))
    return folder


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def process(command: Sequence[str], folder: Path, name: str, **env: str) -> Iterator[subprocess.Popen]:
    """A process in a group of its own, its output in `<folder>/<name>.log`; the group is killed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("a") as log:
        started = subprocess.Popen(
            list(command), stdout=log, stderr=log, cwd=folder, env={**os.environ, **env}, start_new_session=True
        )
    try:
        yield started
    finally:
        kill(started)


def kill(started: subprocess.Popen) -> None:
    """End a process group at once, as a power cut would."""
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def await_answer(url: str, started: subprocess.Popen, seconds: float = 90) -> None:
    """Wait until `url` answers 200.

    Raises:
        AssertionError: the process ended, or it took longer.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and started.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer; process {started.pid} ended with {started.poll()}")


@contextmanager
def mlflow_server(folder: Path, port: int = 0, database: str = "", **env: str) -> Iterator[str]:
    """The address of an `mlflow server` that keeps everything in `folder`, or its tables in `database`."""
    folder, port = folder.resolve(), port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    store = database or f"sqlite:///{folder}/mlflow.db"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **env}
    with process(command, folder, "mlflow", **quiet) as started:
        await_answer(f"http://127.0.0.1:{port}/health", started)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def prefect_server(folder: Path, port: int = 0, **env: str) -> Iterator[str]:
    """The API address of a `prefect server` that keeps everything in `folder`."""
    folder, port = folder.resolve(), port or free_port()
    home = {"PREFECT_HOME": str(folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **env}
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
    with process(command, folder, "prefect", **home) as started:
        await_answer(f"http://127.0.0.1:{port}/api/health", started)
        yield f"http://127.0.0.1:{port}/api"


def binaries() -> Path:
    """Where Debian puts PostgreSQL's programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb")) or [shutil.which("initdb")]
    assert found[-1], "PostgreSQL's initdb is not on this machine: apt-get install postgresql"
    return Path(found[-1]).parent


@contextmanager
def postgres_cluster() -> Iterator[str]:
    """The address of a private PostgreSQL cluster on a free port, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="genfoundry-postgres-", dir="/tmp"))
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres", "postgres")
    port, log = free_port(), folder.parent / f"{folder.name}.log"

    def call(program: str, *arguments: str) -> None:
        command = [str(binaries() / program), "-D", str(folder / "data"), *arguments]
        with log.open("a") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=120, **user)
        assert done.returncode == 0, log.read_text()[-2000:]

    try:
        call("initdb", "-U", "postgres", "--auth=trust", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
        call("pg_ctl", "-w", "-o", options, "-l", str(folder / "server.log"), "start")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink(missing_ok=True)


def supervising(root: Path) -> subprocess.Popen:
    """A process that passes for the supervisor of a project's servers, once the kernel shows its environment."""
    mark = f"{environment.MARK}={root / '.genfoundry'}"
    process = subprocess.Popen(["sleep", "600"], env={**os.environ, environment.MARK: str(root / ".genfoundry")})
    while mark not in Path(f"/proc/{process.pid}/environ").read_text(errors="replace").split("\0"):
        time.sleep(0.01)
    return process
