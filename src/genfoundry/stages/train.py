"""Train: one training process, or the checkpoint that an equal one left, handed over to the tracker."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from filelock import FileLock

from genfoundry import tracking
from genfoundry.dataset import open_version
from genfoundry.files import ROOM, require_free
from genfoundry.identity import key_of, run_parts
from genfoundry.project.root import state_dir
from genfoundry.recipe import ModelSection
from genfoundry.records import Checkpoint, DatasetVersion, ValidatedDataset
from genfoundry.stages import anew
from genfoundry.stopping import raise_if_interrupted
from genfoundry.supervision.handover import find_checkpoint, hand_over, log_validation, trained
from genfoundry.supervision.process import Progress, supervise
from genfoundry.supervision.relay import Relay
from genfoundry.training import job
from genfoundry.training.settings import Settings

log = logging.getLogger(__name__)


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
        report: called with the progress, a few times per second at most.

    Returns:
        the checkpoint in MLflow; `skipped` where an equal run had made it and its weights still verify.

    Raises:
        Interrupted: stopped by a signal; the next call goes on from the last snapshot.
        NotPublished: it is trained, but the tracker was away at the end; the next call publishes it.
        Diverged: a loss left the finite numbers before the first snapshot.
        UserError: the training failed, with the reason; or the tracker is away at the start.
        DiskFull: there is too little room to begin.
    """
    raise_if_interrupted()
    version = validated.version
    parts = run_parts(model.family, model.settings, training.model_dump(mode="json"), version)
    key = key_of(parts)
    folder = state_dir("jobs", key[:16])
    with FileLock(folder / ".lock"):
        done = finished(folder, key)
        with trained(recipe) if done else nullcontext():
            if found := find_checkpoint(key, whole=done is not None):
                return found.model_copy(update={"skipped": True, "recipe": recipe})
            require_free(folder, ROOM)
            if sentence := anew.why(recipe, version.name, parts):
                log.warning(sentence)
            order = _order(key, version, model, training, share)
            run_id = _open_run(recipe, order)
        with tracking.closing(run_id):
            anew.keep(run_id, parts)
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
