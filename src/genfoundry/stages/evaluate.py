"""Evaluate: load the published weights, let the judge of their kind judge them, put the findings beside them.

torch is imported once there is something to judge: an evaluation that is found costs none of it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from genfoundry import exhibit, task, tracking
from genfoundry.dataset import open_version
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.identity import evaluation_key, task_of
from genfoundry.records import Checkpoint, Evaluation
from genfoundry.stopping import raise_if_interrupted
from genfoundry.supervision.handover import find_evaluation
from genfoundry.task import Judgement, Plan, Task


def evaluate_model(
    checkpoint: Checkpoint, plan: Plan, extractor: Checkpoint | None = None, *, again: bool = False
) -> Evaluation:
    """Judge a checkpoint on the test split of the data that it was trained on.

    Args:
        extractor: the classifier of the same data whose features are the domain, where there is one.
        again: the weights were judged before, on what may be another version of the data: `checkpoint` names the one
            to judge them on now, the extractor may have read another, and the scores are logged apart, as `today/…`.

    Returns:
        every score with its interval, floors and baselines beside them; `skipped` where an equal evaluation is there.

    Raises:
        Interrupted: a signal came.
        UserError: the data or the weights are gone or altered, or the extractor was trained on other data.
    """
    if extractor and not again and extractor.dataset.digest != checkpoint.dataset.digest:
        raise UserError(
            f"The extractor '{extractor.recipe}' read {extractor.dataset.name} at {extractor.dataset.digest}.",
            expected=f"the data being judged, {checkpoint.dataset.name} at {checkpoint.dataset.digest}",
        )
    judging = _judging(checkpoint.family, plan)
    identity = evaluation_key(checkpoint, plan, extractor)
    if found := find_evaluation(checkpoint.run_id, identity):
        return found.model_copy(update={"skipped": True})
    raise_if_interrupted()
    with tempfile.TemporaryDirectory() as scratch:
        began, gallery = time.monotonic(), Path(scratch) / "gallery"
        judgement = _judge(judging, checkpoint, plan, extractor, gallery)
        evaluation = _evaluation(checkpoint, judging, judgement, identity, time.monotonic() - began)
        write_atomic(gallery / exhibit.FILE, exhibit.to_json(judgement.exhibits))
        tracking.log_files(checkpoint.run_id, gallery, evaluation.folder)
    tracking.log_scores(checkpoint.run_id, evaluation, "today" if again else "eval")
    tracking.log_text(checkpoint.run_id, evaluation.model_dump_json(indent=1), f"{evaluation.folder}/evaluation.json")
    return evaluation


def _evaluation(
    checkpoint: Checkpoint, judging: Task, judgement: Judgement, identity: str, seconds: float
) -> Evaluation:
    return Evaluation(
        checkpoint=checkpoint,
        primary=judgement.primary,
        scores=judgement.scores,
        protocol=judgement.protocol,
        details=judgement.details,
        task=judging.name,
        trivial=judgement.trivial,
        digest=identity,
        seconds=round(seconds, 2),
    )


def _judge(judging: Task, checkpoint: Checkpoint, plan: Plan, extractor: Checkpoint | None, gallery: Path) -> Judgement:
    from genfoundry.judging.features import Extractor

    dataset = open_version(checkpoint.dataset)
    model = tracking.load_checkpoint(checkpoint)
    domain = Extractor(tracking.load_checkpoint(extractor), extractor.weights_digest[:8]) if extractor else None
    gallery.mkdir()
    return judging.judge(model, dataset, plan, domain, gallery)


def _judging(family: str, plan: Plan) -> Task:
    """The task that a plan asks for, or the family's own.

    Raises:
        UserError: the plan is for another task, as where the recipe has another family now.
    """
    judging = task.of(task_of(family, plan))
    if not isinstance(plan, judging.plan):
        raise UserError(
            f"'{family}' is judged by the task '{judging.name}', and the recipe's evaluation is for another one.",
            expected=f"an evaluation with the keys {', '.join(judging.plan.model_fields)}",
        )
    return judging
