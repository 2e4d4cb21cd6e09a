"""The command line around the training, as whole processes in a project of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genfoundry_flows.servers.environment import QUIET

from benchmarks.measure import Clock, Row, Timing, median

RECIPE = ["run", "cnn", "--set", "training.max_steps=20", "--no-report"]
COMMAND = [str(Path(sys.executable).with_name("genfoundry"))]


def rows(root: Path, rounds: int) -> Iterator[Row]:
    """Rows of the command line's own time; goals are those of the slower kind of processor."""
    environment = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    yield Row("genfoundry --help", _repeated(["--help"], environment, rounds), goal="≤ 1")
    building = ["data", "build", "mnist-5k", "--force"]
    yield Row("genfoundry data build mnist-5k", _repeated(building, environment, rounds))
    yield Row("genfoundry data validate mnist-5k", _repeated(["data", "validate", "mnist-5k"], environment, rounds))
    first = _timed(RECIPE, environment)
    yield Row("genfoundry run cnn, 20 steps, first time", first)
    yield Row("… again: SKIPPED, no server", _repeated(RECIPE, environment, rounds))
    with server(environment, root / ".genfoundry" / "prefect") as address:
        served = {**environment, "PREFECT_API_URL": address}
        _timed(RECIPE, served)
        yield Row("… again: SKIPPED, with a running Prefect server", _repeated(RECIPE, served, rounds), goal="≤ 8")
        with tracker(environment, root / ".genfoundry" / "mlflow.db") as address:
            tracked = {**served, "MLFLOW_TRACKING_URI": address}
            yield Row("… again: SKIPPED, both servers", _repeated(RECIPE, tracked, rounds), goal="≤ 8")
            yield Row(
                "genfoundry watch cnn: SKIPPED, both servers", _repeated(["watch", "cnn"], tracked, rounds), goal="≤ 4"
            )


def _repeated(arguments: list[str], environment: dict[str, str], rounds: int) -> Timing:
    return median([_timed(arguments, environment) for _ in range(rounds)])


def _timed(arguments: list[str], environment: dict[str, str]) -> Timing:
    clock = Clock()
    done = subprocess.run(COMMAND + arguments, env=environment, capture_output=True, text=True, check=False)
    timing = clock.read()
    if done.returncode:
        raise RuntimeError(f"genfoundry {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return timing


@contextmanager
def server(environment: dict[str, str], home: Path) -> Iterator[str]:
    """A Prefect server over the database of `home`, gone at the end of the block."""
    with _serving(
        "prefect", ["server", "start", "--no-ui"], {**environment, **QUIET, "PREFECT_HOME": str(home)}
    ) as address:
        yield f"{address}/api"


@contextmanager
def tracker(environment: dict[str, str], database: Path) -> Iterator[str]:
    """An MLflow server over an SQLite file, gone at the end of the block."""
    store = ["server", "--workers", "1", "--backend-store-uri", f"sqlite:///{database}"]
    quiet = {**QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with _serving("mlflow", store, {**environment, **quiet}) as address:
        yield address


@contextmanager
def _serving(program: str, arguments: list[str], environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name(program)), *arguments, "--host", "127.0.0.1", "--port", str(port)]
    null = subprocess.DEVNULL
    child = subprocess.Popen(command, env=environment, stdout=null, stderr=null, start_new_session=True)
    try:
        _await(port, child)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(60)


def _await(port: int, child: subprocess.Popen, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"the server did not answer in {seconds:.0f} s")
