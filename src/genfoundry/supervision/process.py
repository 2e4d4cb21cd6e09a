"""The supervisor of one training process.

The process runs in its own group, reports by its journal, and is believed only by its completion marker. The journal
is relayed to MLflow in batches from here, so a tracker that is away costs no step.
"""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import require_free
from genfoundry.project.root import ROOT, project_root
from genfoundry.stopping import interrupted
from genfoundry.supervision.gpus import own_gpu
from genfoundry.supervision.relay import Relay
from genfoundry.training import job
from genfoundry.training.journal import LEFT_OUT

POLL_SECONDS = 0.5
LEAST = 10**6  # bytes: where less is free, a process that left no result ended for want of room
GRACE_SECONDS = 30.0


class Progress(NamedTuple):
    """How far a training is: what a progress bar shows. `doing` says what it does once its steps are done."""

    run_key: str
    step: int
    of: int
    metrics: dict[str, float]
    doing: str = ""


def supervise(order: job.Order, folder: Path, relay: Relay, report: Callable[[Progress], None]) -> job.Result:
    """Start the training process and follow it to its end.

    Raises:
        UserError: it ended without a completion marker; says how, and where its output is.
    """
    (folder / job.RESULT).unlink(missing_ok=True)
    seal = job.write_order(folder, order)
    collections.deque(relay.read(), maxlen=0)  # what an earlier process wrote was told then
    with own_gpu(str(order.training.get("accelerator", "auto"))) as seen:
        child = _start(folder, seal, {**_environment(order.threads), **seen})
        try:
            _follow(child, order, relay, report)
        finally:
            _end(child)
    _report(order, relay, report)
    if result := job.read_result(folder):
        return result
    require_free(folder, LEAST)
    raise UserError(
        f"The training process of {order.family} ended with status {child.returncode} and left no result "
        f"({_manner(child.returncode)}).",
        remedy=f"run it again: it goes on from its last snapshot. Its output is in {folder / 'output.log'}",
    )


def _start(folder: Path, seal: str, environment: dict[str, str]) -> subprocess.Popen:
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "genfoundry.training.trainer", str(folder), seal],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )


def _environment(threads: int) -> dict[str, str]:
    quiet = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore", "OMP_WAIT_POLICY": "passive"}
    root = {ROOT: str(project_root())}  # whose own entries it trains, wherever it works
    return {**os.environ, **quiet, **job.MEMORY, **root, "OMP_NUM_THREADS": str(threads)}


def _follow(child: subprocess.Popen, order: job.Order, relay: Relay, report: Callable[[Progress], None]) -> None:
    asked = 0.0
    while child.poll() is None:
        _report(order, relay, report)
        relay.send()
        if interrupted.is_set() and not asked:
            child.send_signal(signal.SIGTERM)
            asked = time.monotonic()
        if asked and time.monotonic() - asked > GRACE_SECONDS:
            return
        time.sleep(POLL_SECONDS)


def _report(order: job.Order, relay: Relay, report: Callable[[Progress], None]) -> None:
    """Tell what the journal says that is new: progress, and what the process left out."""
    for event in relay.read():
        if event["event"] == "metrics":
            report(Progress(order.run_key, event["step"], event["of"], event["metrics"]))
        if event["event"] == "fitting":
            doing = f"the last fit, on {event['examples']:,} examples"
            report(Progress(order.run_key, event["step"], event["of"], {}, doing))
        if event["event"] == LEFT_OUT:
            sealed.say(event["sentence"])


def _end(child: subprocess.Popen) -> None:
    """No orphan: whatever of the process group is left is killed."""
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _manner(status: int) -> str:
    if status >= 0:
        return "see the end of its output"
    name = signal.Signals(-status).name
    return f"killed by {name}" + (", often for want of memory" if name == "SIGKILL" else "")
