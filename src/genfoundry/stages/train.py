"""Train: the supervisor of one training process.

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
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from genfoundry import sealed, tracking
from genfoundry.dataset import open_version
from genfoundry.errors import UserError
from genfoundry.files import ROOM, ensure_room, state_dir
from genfoundry.identity import run_key
from genfoundry.recipe import ModelSection
from genfoundry.records import Checkpoint, DatasetVersion, ValidatedDataset
from genfoundry.stopping import ensure_wanted, interrupted
from genfoundry.supervision.gpus import own_gpu
from genfoundry.supervision.handover import find_checkpoint, hand_over, log_validation, trained
from genfoundry.supervision.relay import Relay
from genfoundry.training import job
from genfoundry.training.journal import LEFT_OUT
from genfoundry.training.settings import Settings

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


def train_model(
    recipe: str,
    validated: ValidatedDataset,
    model: ModelSection,
    training: Settings,
    *,
    share: int = 1,
    report: Callable[[Progress], None] = lambda _: None,
) -> Checkpoint:
    """Train `model` on the validated data, or find the checkpoint that an equal run left.

    Args:
        recipe: whose run this is.
        share: how many trainings share this machine's cores.
        report: called with the progress, a few times a second at most.

    Returns:
        the checkpoint in MLflow; `skipped` where an equal run had made it and its weights still verify.

    Raises:
        Interrupted: stopped by a signal; the next call goes on from the last snapshot.
        NotPublished: it is trained, but the tracker was away at the end; the next call publishes it.
        Diverged: a loss left the finite numbers before the first snapshot.
        UserError: the training failed, with the reason; or the tracker is away at the start.
        DiskFull: there is too little room to begin.
    """
    ensure_wanted()
    version = validated.version
    key = run_key(model.family, model.settings, training.model_dump(mode="json"), version)
    folder = state_dir("jobs", key[:16])
    with FileLock(folder / ".lock"):
        done = finished(folder, key)
        with trained(recipe) if done else nullcontext():
            if found := find_checkpoint(key, whole=done is not None):
                return found.model_copy(update={"skipped": True, "recipe": recipe})
            ensure_room(folder, ROOM)
            order = _order(key, version, model, training, share)
            run_id = _open_run(recipe, order)
        with tracking.closing(run_id):
            relay = Relay(run_id, folder)
            result = done or supervise(order, folder, relay, report)
            with trained(recipe) if result.weights_digest else nullcontext():
                log_validation(run_id, validated, order.folder)
                relay.finish()
                return hand_over(recipe, order, result, run_id, folder)


def _order(key: str, version: DatasetVersion, model: ModelSection, training: Settings, share: int) -> job.Order:
    return job.Order(
        run_key=key,
        family=model.family,
        settings=model.settings,
        training=training.model_dump(mode="json"),
        dataset=version,
        folder=open_version(version).folder,
        threads=training.threads or max(1, (os.cpu_count() or 1) // max(1, share)),
    )


def _open_run(recipe: str, order: job.Order) -> str:
    return tracking.start_run(
        order.run_key,
        recipe=recipe,
        tags={"family": order.family, "kind": order.dataset.kind, "dataset": order.dataset.name},
        params={**order.settings, **order.training, "family": order.family},
        dataset=order.dataset,
    )


def finished(folder: Path, key: str) -> job.Result | None:
    """The completion marker of an earlier process, where it ended with weights, and these are still there whole."""
    result = job.read_result(folder)
    if result is None or result.run_key != key or not result.weights_digest:
        return None
    return result if job.is_whole(folder, result) else None


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
    ensure_room(folder, LEAST)
    raise UserError(
        f"The training process of {order.family} ended with status {child.returncode} and left no result "
        f"({_manner(child.returncode)}).",
        remedy=f"run it again: it goes on from its last snapshot. Its output is in {folder / 'output.log'}",
    )


def _start(folder: Path, seal: str, environment: dict[str, str]) -> subprocess.Popen:
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "genfoundry.training.trainer", str(folder), seal],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )


def _environment(threads: int) -> dict[str, str]:
    quiet = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore", "OMP_WAIT_POLICY": "passive"}
    return {**os.environ, **quiet, **job.MEMORY, "OMP_NUM_THREADS": str(threads)}


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
