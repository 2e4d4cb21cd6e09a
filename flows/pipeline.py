"""The flow: fetch → validate → train → evaluate → register."""

from __future__ import annotations

from typing import Any

from prefect import flow

from genfoundry.recipe import Recipe
from genfoundry.records import Checkpoint, ModelVersion, ValidatedDataset
from genfoundry.stages.outcome import trained

from . import leases, shelf, tasks
from .shelf import RecipeName


@flow(name="genfoundry", flow_run_name="{recipe.value}", persist_result=False)
def pipeline(recipe: RecipeName, overrides: dict[str, Any] | None = None) -> ModelVersion:
    """Take a recipe from versioned data to a judged, registered model.

    Args:
        recipe: the recipe's name.
        overrides: dotted settings over it, `{"model.latent_dim": 64}`.
    """
    leases.own()
    plan = shelf.load(RecipeName(recipe).value, overrides)
    version = tasks.fetch(plan.name, plan.dataset.name)
    validated = tasks.finished(
        plan.name, "validate", tasks.validate(plan.name, version, plan.validation, return_state=True)
    )
    checkpoint = tasks.finished(plan.name, "train", tasks.train(plan, validated, return_state=True))
    with trained(plan.name):
        state = tasks.evaluate(plan.name, checkpoint, plan.evaluation, extractor_of(plan, validated), return_state=True)
        evaluation = tasks.finished(plan.name, "evaluate", state)
        return tasks.register(plan.name, evaluation, plan.gate, plan.registered_name)


def extractor_of(plan: Recipe, validated: ValidatedDataset) -> Checkpoint | None:
    """The classifier whose features judge this recipe's samples, trained now if it was not; none without labels."""
    name = plan.evaluation.extractor
    if name is None or name == plan.name or getattr(validated.version.spec, "num_classes", 0) < 2:
        return None
    overrides = {"dataset.name": plan.dataset.name}
    return pipeline(RecipeName(name), overrides).evaluation.checkpoint
