"""Evaluate: load the published weights, let the judge of their kind judge them, put the findings beside them.

torch is imported once there is something to judge: an evaluation that is found costs none of it.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genfoundry import exhibit, tracking
from genfoundry.dataset import locate, verify
from genfoundry.errors import UserError
from genfoundry.files import publish
from genfoundry.identity import evaluation_key
from genfoundry.recipe import EvaluationPlan
from genfoundry.records import Checkpoint, Evaluation
from genfoundry.stopping import ensure_wanted
from genfoundry.supervision.handover import find_evaluation

if TYPE_CHECKING:
    from genfoundry.task import Judgement


def evaluate_model(
    checkpoint: Checkpoint, plan: EvaluationPlan, extractor: Checkpoint | None = None, *, again: bool = False
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
    identity = evaluation_key(checkpoint, plan, extractor)
    if found := find_evaluation(checkpoint.run_id, identity):
        return found.model_copy(update={"skipped": True})
    ensure_wanted()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        task, judgement = _judge(checkpoint, plan, extractor, Path(scratch))
        evaluation = Evaluation(
            checkpoint=checkpoint,
            primary=judgement.primary,
            scores=judgement.scores,
            protocol=judgement.protocol,
            details=judgement.details,
            task=task,
            trivial=judgement.trivial,
            digest=identity,
            seconds=round(time.monotonic() - began, 2),
        )
        publish(Path(scratch) / "gallery" / exhibit.FILE, exhibit.to_json(judgement.exhibits))
        tracking.log_files(checkpoint.run_id, Path(scratch) / "gallery", evaluation.folder)
    tracking.log_scores(checkpoint.run_id, evaluation, "today" if again else "eval")
    tracking.log_text(checkpoint.run_id, evaluation.model_dump_json(indent=1), f"{evaluation.folder}/evaluation.json")
    return evaluation


def _judge(
    checkpoint: Checkpoint, plan: EvaluationPlan, extractor: Checkpoint | None, scratch: Path
) -> tuple[str, Judgement]:
    """The task, and what its judge found."""
    from genfoundry.judging.features import Extractor
    from genfoundry.training.loader import load_model

    data = locate(checkpoint.dataset)
    verify(data, checkpoint.dataset.digest)
    model = load_model(tracking.fetch_weights(checkpoint.run_id, checkpoint.weights_digest, scratch / "model"))
    domain = None
    if extractor:
        proved = tracking.fetch_weights(extractor.run_id, extractor.weights_digest, scratch / "extractor")
        classifier = load_model(proved)
        domain = Extractor(classifier, extractor.weights_digest[:8])
    gallery = scratch / "gallery"
    gallery.mkdir()
    task = plan.task or model.task
    return task, importlib.import_module(f"genfoundry.tasks.{task}.judge").judge(model, data, plan, domain, gallery)
