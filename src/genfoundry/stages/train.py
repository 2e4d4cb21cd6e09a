"""Train: the supervisor of one training process.

The process runs in its own group, reports by its journal, and is believed only by its completion marker. The journal
is relayed to MLflow in batches from here, so a tracker that is away costs no step.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from genfoundry import job, tracking
from genfoundry.dataset import locate, read_card
from genfoundry.errors import UserError
from genfoundry.files import ROOM, canonical_json, ensure_room, publish, state_dir
from genfoundry.identity import run_key
from genfoundry.intake.quarantine import put_aside
from genfoundry.journal import FILE as JOURNAL
from genfoundry.recipe import ModelSection
from genfoundry.records import Checkpoint, ValidatedDataset
from genfoundry.report import render_validation
from genfoundry.schedule import Settings
from genfoundry.stages.relay import Relay

POLL_SECONDS = 0.5
LEAST = 10**6  # bytes: where less is free, a process that left no result ended for want of room
GRACE_SECONDS = 30.0
CHECKPOINT = "checkpoint.json"

interrupted = threading.Event()
"""Set by whoever handles signals; every training under way then saves and ends."""


class Progress(NamedTuple):
    """How far a training is: what a progress bar shows."""

    run_key: str
    step: int
    of: int
    metrics: dict[str, float]


class Interrupted(UserError):  # noqa: N818, the user reads its sentence
    """The training was stopped and can go on."""

    exit_code = 143


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
        UserError: the training failed, with the reason; or the tracker is away.
        DiskFull: there is too little room to begin.
    """
    version = validated.version
    key = run_key(model.family, model.settings, training.model_dump(mode="json"), version)
    folder = state_dir("jobs", key[:16])
    with FileLock(folder / ".lock"):
        if found := find_checkpoint(key):
            return found.model_copy(update={"skipped": True, "recipe": recipe})
        ensure_room(folder, ROOM)
        order = job.Order(
            run_key=key,
            family=model.family,
            settings=model.settings,
            training=training.model_dump(mode="json"),
            dataset=version,
            folder=locate(version),
            threads=training.threads or max(1, (os.cpu_count() or 1) // max(1, share)),
        )
        run_id = tracking.start_run(
            key,
            recipe=recipe,
            tags={"family": model.family, "kind": version.kind, "dataset": version.name},
            params={**model.settings, **order.training, "family": model.family},
            dataset=version,
        )
        relay = Relay(run_id, folder)
        result = finished(folder, key) or supervise(order, folder, relay, report)
        _log_validation(run_id, validated, order.folder)
        return _publish(recipe, order, result, run_id, folder, relay)


def find_checkpoint(key: str) -> Checkpoint | None:
    """The checkpoint that a run of this key published, if its weights are still what they were."""
    run = tracking.find_run(key)
    if run is None or not tracking.has_artifact(run.run_id, CHECKPOINT):
        return None
    checkpoint = Checkpoint.model_validate_json(tracking.read_text(run.run_id, CHECKPOINT))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            tracking.fetch_model(run.run_id, tracking.seals_of(run.run_id), Path(scratch))
        except UserError:
            return None
    return checkpoint


def finished(folder: Path, key: str) -> job.Result | None:
    """The completion marker of an earlier process, where it ended with weights."""
    marker = folder / job.RESULT
    if not marker.exists():
        return None
    result = job.Result.model_validate_json(marker.read_text(encoding="utf-8"))
    return result if result.run_key == key and result.weights_digest else None


def supervise(order: job.Order, folder: Path, relay: Relay, report: Callable[[Progress], None]) -> job.Result:
    """Start the training process and follow it to its end.

    Raises:
        UserError: it ended without a completion marker; says how, and where its output is.
    """
    (folder / job.RESULT).unlink(missing_ok=True)
    publish(folder / job.ORDER, order.model_dump_json(indent=1))
    with (folder / "output.log").open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "genfoundry.trainer", str(folder)],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=_environment(order.threads),
            start_new_session=True,
        )
    try:
        _follow(child, order, relay, report)
    finally:
        _end(child)
    marker = folder / job.RESULT
    if marker.exists():
        return job.Result.model_validate_json(marker.read_text(encoding="utf-8"))
    ensure_room(folder, LEAST)
    raise UserError(
        f"The training process of {order.family} ended with status {child.returncode} and left no result "
        f"({_manner(child.returncode)}).",
        remedy=f"run it again: it goes on from its last snapshot. Its output is in {folder / 'output.log'}",
    )


def _environment(threads: int) -> dict[str, str]:
    quiet = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore", "OMP_WAIT_POLICY": "passive"}
    return {**os.environ, **quiet, "OMP_NUM_THREADS": str(threads)}


def _follow(child: subprocess.Popen, order: job.Order, relay: Relay, report: Callable[[Progress], None]) -> None:
    asked = 0.0
    while child.poll() is None:
        for event in relay.read():
            if event["event"] == "metrics":
                report(Progress(order.run_key, event["step"], event["of"], event["metrics"]))
        relay.send()
        if interrupted.is_set() and not asked:
            child.send_signal(signal.SIGTERM)
            asked = time.monotonic()
        if asked and time.monotonic() - asked > GRACE_SECONDS:
            return
        time.sleep(POLL_SECONDS)


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


def _publish(recipe: str, order: job.Order, result: job.Result, run_id: str, folder: Path, relay: Relay) -> Checkpoint:
    """Send the rest of the journal and the weights to MLflow, and name the checkpoint that they are."""
    for _ in relay.read():
        pass
    relay.flush()
    if result.outcome == "PREEMPTED":
        tracking.finish(run_id, "KILLED", "PREEMPTED", result.sentence)
        raise Interrupted(f"Training of {recipe} was {result.sentence}.", remedy=f"genfoundry run {recipe}")
    if result.outcome == "DIVERGED" and not result.weights_digest:
        tracking.finish(run_id, "FAILED", "DIVERGED", result.sentence)
        raise UserError(
            f"Training of {recipe} diverged before its first snapshot: {result.sentence}.",
            remedy=f"genfoundry run {recipe} --set model.learning_rate=…   (a lower one)",
        )
    if result.outcome == "FAILED":
        tracking.finish(run_id, "FAILED", "FAILED", result.sentence)
        raise UserError(
            f"Training of {recipe} failed: {result.sentence}", remedy=result.remedy or f"see {folder / 'output.log'}"
        )
    checkpoint = Checkpoint(
        recipe=recipe,
        family=order.family,
        run_key=order.run_key,
        run_id=run_id,
        weights_digest=result.weights_digest,
        dataset=order.dataset,
        seed=order.training["seed"],
        cost=result.cost,
        outcome=result.outcome,
    )
    tracking.publish_model(run_id, folder / job.MODEL)
    tracking.log_text(run_id, canonical_json(_settings(order)), "settings.json")
    tracking.log_files(run_id, folder / JOURNAL, "")
    tracking.relay(run_id, _cost(result))
    tracking.finish(run_id, "FINISHED", result.outcome, result.sentence)
    tracking.log_text(run_id, checkpoint.model_dump_json(indent=1), CHECKPOINT)  # last: it says that all is there
    return checkpoint


def _log_validation(run_id: str, validated: ValidatedDataset, folder: Path) -> None:
    page = render_validation(validated, read_card(folder).model_dump(mode="json"), put_aside(validated.version.name))
    tracking.log_text(run_id, page, "validation/index.html")
    tracking.log_text(run_id, validated.model_dump_json(indent=1), "validation/validation.json")


def _settings(order: job.Order) -> dict[str, Any]:
    return {"family": order.family, "model": order.settings, "training": order.training}


def _cost(result: job.Result) -> list[tuple[str, float, int, int]]:
    now = int(time.time() * 1000)
    costs = result.cost.model_dump().items()
    return [(f"cost/{name}", value, 0, now) for name, value in costs if isinstance(value, int | float)]
