"""What a training came to: a checkpoint in MLflow, found again or published, or a sentence."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genfoundry import tracking
from genfoundry.data import sealed
from genfoundry.data.quarantine import put_aside
from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.files import canonical_json, digest
from genfoundry.outcomes import Diverged, Interrupted, NotPublished
from genfoundry.records import Checkpoint, Evaluation, ValidatedDataset
from genfoundry.report import render_validation
from genfoundry.training import job
from genfoundry.training.journal import FILE as JOURNAL

CHECKPOINT, EVALUATION = "checkpoint.json", "evaluation.json"
BESIDE = ("settings.json", JOURNAL, "validation/validation.json")


@contextmanager
def trained(recipe: str) -> Iterator[None]:
    """From here on a tracker that is away means: trained, and not published.

    Raises:
        NotPublished: in place of `TrackerDown`.
    """
    try:
        yield
    except tracking.TrackerDown as error:
        found = f"{recipe} is trained, but not published. {error.found}"
        raise NotPublished(
            found, remedy="genfoundry publish   (once MLflow answers; nothing is trained again)"
        ) from error


def find_checkpoint(key: str, *, whole: bool = False) -> Checkpoint | None:
    """The checkpoint that a run of this key published, if its weights are still what they were; else says why not.

    Args:
        whole: ask the same of all that lies beside them: whoever still has it publishes it anew.
    """
    run = tracking.find_run(key)
    if run is None or not tracking.has_artifact(run.run_id, CHECKPOINT):
        return None
    with tempfile.TemporaryDirectory() as scratch, _passed_over("What was trained is published anew, or trained again"):
        checkpoint = Checkpoint.model_validate_json(tracking.read_text(run.run_id, CHECKPOINT))
        tracking.fetch_weights(run.run_id, checkpoint.weights_digest, Path(scratch) / "model")
        for path in BESIDE if whole else ():
            if tracking.has_artifact(run.run_id, path):
                tracking.fetch(run.run_id, path, Path(scratch))
        return checkpoint
    return None


def find_evaluation(run_id: str, identity: str) -> Evaluation | None:
    """The evaluation of that identity that the run holds, if all of it is still what it was; else says why not."""
    folder = f"evaluation/{identity[:16]}"
    if not tracking.has_artifact(run_id, f"{folder}/{EVALUATION}"):
        return None
    with tempfile.TemporaryDirectory() as scratch, _passed_over("It is judged again"):
        text = (tracking.fetch(run_id, folder, Path(scratch)) / EVALUATION).read_text(encoding="utf-8")
        found = Evaluation.model_validate_json(text)
        return found if found.digest == identity else None
    return None


@contextmanager
def _passed_over(then: str) -> Iterator[None]:
    """Say what does not hold, and what becomes of it."""
    try:
        yield
    except tracking.TrackerDown:
        raise
    except (UserError, ValueError) as error:
        said = error.found if isinstance(error, UserError) else f"An artifact does not parse: {error}"
        sealed.say(f"{said} {then}.")


def hand_over(recipe: str, order: job.Order, result: job.Result, run_id: str, folder: Path) -> Checkpoint:
    """Send what the training left in `folder` to MLflow, and name the checkpoint that it is.

    Raises:
        Interrupted: it was stopped and can go on.
        Diverged: there is nothing finite to go back to.
        UserError: it failed.
    """
    if error := _without_weights(recipe, order.dataset.name, result, folder):
        status = "KILLED" if isinstance(error, Interrupted) else "FAILED"
        tracking.finish(run_id, status, result.outcome, result.sentence)
        raise error
    checkpoint = Checkpoint(
        recipe=recipe,
        family=order.family,
        run_key=order.run_key,
        run_id=run_id,
        weights_digest=result.weights_digest,
        dataset=order.dataset,
        seed=order.training["seed"],
        fraction=order.training["fraction"],
        variant=_variant(order),
        cost=result.cost,
        outcome=result.outcome,  # pyright: ignore[reportArgumentType], the others came to no weights
    )
    settings = {"family": order.family, "model": order.settings, "training": order.training}
    tracking.publish_model(run_id, folder / job.MODEL)
    tracking.log_text(run_id, canonical_json(settings), "settings.json")
    if (folder / JOURNAL).is_file():
        tracking.log_files(run_id, folder / JOURNAL, "")
    tracking.log_metrics(run_id, _cost(result))
    tracking.finish(run_id, "FINISHED", result.outcome, result.sentence)
    tracking.log_text(run_id, checkpoint.model_dump_json(indent=1), CHECKPOINT)  # last: it says that all is there
    return checkpoint


def _variant(order: job.Order) -> str:
    training = {key: value for key, value in order.training.items() if key not in ("seed", "threads")}
    return digest([order.settings, training])[:12]


def _without_weights(recipe: str, data: str, result: job.Result, folder: Path) -> UserError | None:
    """Why a training came to no weights, and what to do; None where it has them."""
    if result.outcome == "PREEMPTED":
        return Interrupted(
            f"Training of {recipe} was {result.sentence}.", remedy=f"genfoundry run {recipe} --data {data}"
        )
    if result.outcome == "FAILED":
        remedy = result.remedy or f"see {folder / 'output.log'}"
        return UserError(f"Training of {recipe} failed: {result.sentence}", remedy=remedy)
    if not result.weights_digest:
        return Diverged(
            f"Training of {recipe} diverged before its first snapshot: {result.sentence}.",
            remedy=f"genfoundry run {recipe} --data {data} --set model.learning_rate=…   (a lower one)",
        )
    return None


def log_validation(run_id: str, validated: ValidatedDataset, folder: Path) -> None:
    """Put the validation of the data, and its page, beside the run that trains on them."""
    page = render_validation(validated, read_card(folder).model_dump(mode="json"), put_aside(validated.version.name))
    tracking.log_text(run_id, page, "validation/index.html")
    tracking.log_text(run_id, validated.model_dump_json(indent=1), "validation/validation.json")


def _cost(result: job.Result) -> list[tuple[str, float, int, int]]:
    now = int(time.time() * 1000)
    costs = result.cost.model_dump().items()
    return [(f"cost/{name}", value, 0, now) for name, value in costs if isinstance(value, int | float)]
