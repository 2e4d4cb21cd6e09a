"""How Prefect runs each stage: retries, artifacts. No logic of its own.

Prefect's cache of results answers nothing here: it knows that work was done, not that what came of it is still there.
Each stage finds its own earlier work, by a digest of what it reads and of the code that runs, and says SKIPPED once
every seal of it was read. Stages are imported when they run: one that finds its work imports neither torch nor Great
Expectations.
"""

from __future__ import annotations

import os
from typing import Any

from prefect import State, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from genfoundry import tracking
from genfoundry.data.policy import Validation
from genfoundry.files import digest
from genfoundry.gate import Policy
from genfoundry.outcomes import NotPublished, outcome, sentence
from genfoundry.recipe import Recipe
from genfoundry.records import Checkpoint, DatasetVersion, Evaluation, ModelVersion, ValidatedDataset
from genfoundry.report.markdown import plain
from genfoundry.stages import validated_before
from genfoundry.task import Plan

from . import recipes, reporting
from .naming import named
from .progress import screen
from .runs.shared import trainings

TRIES = int(os.environ.get("GENFOUNDRY_TRACKER_TRIES", "6"))  # with ten seconds between: how long MLflow may be away


def _tracker_was_away(task: object, task_run: object, state: State) -> bool:
    return isinstance(state.result(raise_on_failure=False), NotPublished | tracking.TrackerDown)


def _is_published_late(task: object, task_run: object, state: State) -> bool:
    """A training that has not begun does not wait for a tracker: its user is told at once."""
    return isinstance(state.result(raise_on_failure=False), NotPublished)


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2)
def fetch(recipe: str, name: str) -> DatasetVersion:
    """Have the data here, every file hashed. Never cached: it is what notices a change."""
    from genfoundry.stages.fetch import fetch_dataset

    version = fetch_dataset(name)
    screen.stage(recipe, "fetch", f"{version.name} at {version.digest[:12]}")
    return version


@task(cache_policy=NO_CACHE)
def validate(recipe: str, version: DatasetVersion, policy: Validation) -> ValidatedDataset:
    """Hold the data, whose files were hashed when they were fetched, against their card."""
    if found := validated_before.find(version, policy):
        return found
    from genfoundry.stages.validate import validate_dataset

    validated = validate_dataset(version, policy)
    validated_before.keep(validated, policy)
    lines = [f"- {'✓' if c.passed else '⚠'} {plain(c.sentence)}" for c in validated.checks]
    _artifact("validation", version.name, "\n".join(lines))
    return validated


@task(
    cache_policy=NO_CACHE,
    retries=TRIES,
    retry_delay_seconds=10,
    retry_condition_fn=_is_published_late,
)
def train(recipe: Recipe, validated: ValidatedDataset) -> Checkpoint:
    """Train in a process of its own."""
    from genfoundry.stages.train import train_model

    checkpoint = train_model(
        recipe.name,
        validated,
        recipe.model,
        recipe.training,
        share=trainings(),
        report=lambda now: screen.training(recipe.name, now.step, now.of, now.metrics, now.doing),
    )
    if not checkpoint.skipped:
        rows = [f"| {name} | {value} |" for name, value in checkpoint.cost.model_dump().items()]
        _artifact("training", recipe.registered_name, "\n".join(["| cost | |", "|---|---|", *rows]))
    return checkpoint


@task(
    cache_policy=NO_CACHE,
    retries=TRIES,
    retry_delay_seconds=10,
    retry_condition_fn=_tracker_was_away,
)
def evaluate(recipe: str, checkpoint: Checkpoint, plan: Plan, extractor: Checkpoint | None) -> Evaluation:
    """Judge the checkpoint."""
    from genfoundry.stages.evaluate import evaluate_model

    evaluation = evaluate_model(checkpoint, plan, extractor)
    if evaluation.skipped:
        return evaluation
    rows = [f"| {s.name} | {s.subject} | {s.value:.4g} | {s.low:.4g} to {s.high:.4g} |" for s in evaluation.scores]
    name = recipes.registered(recipe, checkpoint.dataset.name)
    _artifact("evaluation", name, "\n".join(["| score | of | value | interval |", "|---|---|---|---|", *rows]))
    return evaluation


@task(cache_policy=NO_CACHE, retries=TRIES, retry_delay_seconds=10, retry_condition_fn=_tracker_was_away)
def register(
    recipe: str,
    evaluation: Evaluation,
    policy: Policy,
    name: str,
    plan: Plan | None = None,
    extractor: Checkpoint | None = None,
) -> ModelVersion:
    """Let the gate decide, beside the champion by the same ruler, and register the version, once."""
    from genfoundry.stages.register import register_model

    version = register_model(evaluation, policy, name, plan, extractor)
    reasons = [f"- {'✓' if r.passed else '✗'} {plain(r.sentence)}" for r in version.reasons]
    _artifact("verdict", name, "\n".join([f"**{outcome(version)}** {plain(sentence(version))}", "", *reasons]))
    if not version.skipped:
        reporting.keep(version)
    elif repaired := tracking.republish(tracking.get_version(name, version.version)):
        screen.console.print("\n".join(repaired), soft_wrap=True)
    alias = f", now {version.alias}" if version.alias else ""
    screen.stage(recipe, "register", f"version {version.version}: {version.decision}{alias}", version.skipped)
    return version


def finished(recipe: str, stage: str, state: State) -> Any:
    """The result of a stage that was run with `return_state=True`, said on screen; raises what the stage raised."""
    result = state.result()
    screen.stage(recipe, stage, _said(result), getattr(result, "skipped", False))
    for check in result.warnings if isinstance(result, ValidatedDataset) else ():
        screen.warn(check.sentence)
    return result


def _said(result: object) -> str:
    if isinstance(result, ValidatedDataset):
        warnings = len(result.warnings)
        return f"{len(result.checks)} checks, {warnings} warning{'s' * (warnings != 1)}"
    if isinstance(result, Checkpoint):
        return f"{result.cost.steps} steps in {result.cost.seconds:.0f} s, {result.outcome}"
    if isinstance(result, Evaluation) and (score := result.score(result.primary)):
        return f"{score.name} {score.value:.3g} [{score.low:.3g}, {score.high:.3g}]"
    return ""


def _artifact(kind: str, name: str, markdown: str) -> None:
    create_markdown_artifact(markdown, key=named(artifact_key(kind, name)))


def artifact_key(kind: str, name: str) -> str:
    """What Prefect calls an artifact of a dataset or a registered model: small letters, digits and dashes.

    A name of other characters has its digest behind it, or `a.b` and `a-b` would be one.
    """
    safe = "".join(c if c.isascii() and (c.islower() or c.isdigit()) else "-" for c in name.lower())
    return f"{kind}-{safe}" if safe == name else f"{kind}-{safe}-{digest(name)[:8]}"
