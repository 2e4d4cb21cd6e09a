"""The flow: fetch → validate → train → evaluate → register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from prefect import flow

from genfoundry.recipe import Recipe
from genfoundry.records import Checkpoint, Evaluation, ModelVersion, ValidatedDataset
from genfoundry.stages.ownership import ensure_same_data
from genfoundry.supervision.handover import trained

from . import recipes, tasks
from .recipes import RecipeName
from .runs import owners
from .runs.shared import once


class Judged(NamedTuple):
    """An evaluation, and the classifier in whose features it was made, where there was one."""

    evaluation: Evaluation
    extractor: Checkpoint | None


@flow(name="genfoundry", flow_run_name="{recipe.value}", persist_result=False)
def pipeline(recipe: RecipeName, overrides: dict[str, Any] | None = None) -> ModelVersion:
    """Take a recipe from versioned data to a judged, registered model.

    Args:
        recipe: the recipe's name.
        overrides: dotted settings over it, `{"model.latent_dim": 64}`.
    """
    owners.own()
    plan = recipes.load(RecipeName(recipe).value, overrides)
    found = judged(plan, lambda name, settings: pipeline(name, settings).evaluation)
    with trained(plan.name):
        return tasks.register(
            plan.name, found.evaluation, plan.gate, plan.registered_name, plan.evaluation, found.extractor
        )


@flow(name="trial", flow_run_name="{recipe.value}", persist_result=False)
def trial(recipe: RecipeName, overrides: dict[str, Any] | None = None) -> Evaluation:
    """The same without the registry: what a change does is judged before it may become a version.

    Args:
        recipe: the recipe's name.
        overrides: dotted settings over it, `{"model.latent_dim": 64}`.
    """
    owners.own()
    return judged(recipes.load(RecipeName(recipe).value, overrides), trial).evaluation


def judged(plan: Recipe, classify: Callable[[RecipeName, dict[str, Any]], Evaluation]) -> Judged:
    """Take a recipe to its evaluation; `classify` trains the extractor, where one is needed and was not trained."""
    version = tasks.fetch(plan.name, plan.dataset.name)
    validated = tasks.finished(
        plan.name, "validate", tasks.validate(plan.name, version, plan.validation, return_state=True)
    )
    ensure_same_data(plan.registered_name, plan.dataset.name)
    checkpoint = tasks.finished(plan.name, "train", tasks.train(plan, validated, return_state=True))
    with trained(plan.name):
        needed = extractor_of(plan, validated)
        extractor = once(classify, *needed, validated.version.digest).checkpoint if needed else None
        state = tasks.evaluate(plan.name, checkpoint, plan.evaluation, extractor, return_state=True)
        return Judged(tasks.finished(plan.name, "evaluate", state), extractor)


def extractor_of(plan: Recipe, validated: ValidatedDataset) -> tuple[RecipeName, dict[str, Any]] | None:
    """The classifier whose features judge this recipe's samples, and on which data; none without labels."""
    name = plan.evaluation.extractor
    if name is None or name == plan.name or getattr(validated.version.spec, "num_classes", 0) < 2:
        return None
    return RecipeName(name), {"dataset.name": plan.dataset.name}
