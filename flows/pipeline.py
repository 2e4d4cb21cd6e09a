"""The flow: fetch → validate → train → evaluate → register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from genfoundry.recipe import Recipe
from genfoundry.records import Checkpoint, Evaluation, ModelVersion, ValidatedDataset
from genfoundry.stages.ownership import ensure_own
from genfoundry.supervision.handover import trained

from . import recipes, tasks
from .naming import named
from .recipes import RecipeName
from .runs import owners
from .runs.beginning import flow
from .runs.shared import once


class JudgedModel(NamedTuple):
    """An evaluation, and the classifier in whose features it was made, where there was one."""

    evaluation: Evaluation
    extractor: Checkpoint | None


@flow(name=named("genfoundry"), flow_run_name="{recipe.value}", persist_result=False)
def pipeline(recipe: RecipeName, overrides: dict[str, Any] | None = None) -> ModelVersion:
    """Take a recipe from versioned data to a judged, registered model.

    Args:
        recipe: the recipe's name.
        overrides: dotted settings over it, `{"model.latent_dim": 64}`.
    """
    owners.own()
    loaded = recipes.load(RecipeName(recipe).value, overrides)
    found = judged(loaded, lambda name, settings: pipeline(name, settings).evaluation)
    with trained(loaded.name):
        return tasks.register(
            loaded.name, found.evaluation, loaded.gate, loaded.registered_name, loaded.evaluation, found.extractor
        )


@flow(name=named("trial"), flow_run_name="{recipe.value}", persist_result=False)
def trial(recipe: RecipeName, overrides: dict[str, Any] | None = None) -> Evaluation:
    """The same without the registry: what a change does is judged before it may become a version.

    Args:
        recipe: the recipe's name.
        overrides: dotted settings over it, `{"model.latent_dim": 64}`.
    """
    owners.own()
    return judged(recipes.load(RecipeName(recipe).value, overrides), trial).evaluation


def judged(recipe: Recipe, classify: Callable[[RecipeName, dict[str, Any]], Evaluation]) -> JudgedModel:
    """Take a recipe to its evaluation; `classify` trains the extractor, where one is needed and was not trained."""
    version = tasks.fetch(recipe.name, recipe.dataset.name)
    validated = tasks.finished(
        recipe.name, "validate", tasks.validate(recipe.name, version, recipe.validation, return_state=True)
    )
    ensure_own(recipe.registered_name, version)
    checkpoint = tasks.finished(recipe.name, "train", tasks.train(recipe, validated, return_state=True))
    with trained(recipe.name):
        needed = extractor_of(recipe, validated)
        extractor = once(classify, *needed, validated.version.digest).checkpoint if needed else None
        state = tasks.evaluate(recipe.name, checkpoint, recipe.evaluation, extractor, return_state=True)
        return JudgedModel(tasks.finished(recipe.name, "evaluate", state), extractor)


def extractor_of(recipe: Recipe, validated: ValidatedDataset) -> tuple[RecipeName, dict[str, Any]] | None:
    """The classifier whose features judge this recipe's samples, and on which data; none without labels."""
    name = recipe.evaluation.extractor
    if name is None or name == recipe.name or getattr(validated.version.spec, "num_classes", 0) < 2:
        return None
    return RecipeName(name), {"dataset.name": recipe.dataset.name}
