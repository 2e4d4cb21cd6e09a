"""The flow that schedules and triggers run: the fleet, with a form in Prefect's UI, and one page of what came of it."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Any

from prefect.artifacts import create_markdown_artifact

from genfoundry.outcomes import Outcome, outcome, sentence
from genfoundry.recipe import BUDGETS
from genfoundry.records import ModelVersion
from genfoundry.report.markdown import plain

from . import fleet
from . import recipes as recipe_files
from .naming import named
from .recipes import RecipeName
from .runs import owners
from .runs.beginning import flow

BAD = (Outcome.FAILED, Outcome.DIVERGED, Outcome.TRAINED_NOT_PUBLISHED, Outcome.PREEMPTED)


class Budget(StrEnum):
    """How much of the steps: a tenth, a third, all."""

    quick = "quick"
    ci = "ci"
    full = "full"


class NotAllWell(Exception):  # noqa: N818, the user reads its sentence
    """Some recipe came to no version; the sentence names each."""


DEFAULT = [RecipeName(name) for name in recipe_files.DEFAULT]


@flow(name=named("retrain"), persist_result=False)
def retrain(
    recipes: list[RecipeName] = DEFAULT,
    overrides: dict[str, Any] = {},  # noqa: B006
    budget: Budget = Budget.full,
    jobs: int | None = None,
) -> None:
    """Take recipes from versioned data to judged, registered models; what is unchanged is SKIPPED.

    Args:
        recipes: which, by name.
        overrides: dotted settings over all of them, `{"model.latent_dim": 64}`.
        budget: how much of the steps. Less than all is a trial: judged, never champion.
        jobs: recipes at a time; by default as many as there are cores.

    Raises:
        NotAllWell: after all have ended, where one failed.
    """
    owners.own()
    names = [RecipeName(name).value for name in recipes]
    settings = {**BUDGETS[budget], **overrides}
    for name in names:
        recipe_files.load(name, settings)
    together = jobs or min(os.cpu_count() or 1, len(names))
    results = dict(zip(names, fleet.run(names, settings or None, together), strict=True))
    create_markdown_artifact(outcomes_page(results), key=named("retrain"), description="What each recipe came to")
    if bad := [name for name, result in results.items() if outcome(result) in BAD]:
        raise NotAllWell("; ".join(f"{name}: {outcome(results[name])}: {sentence(results[name])}" for name in bad))


def outcomes_page(results: dict[str, ModelVersion | BaseException]) -> str:
    """A table in Markdown: recipe, outcome, why."""
    rows = [f"| {name} | **{outcome(it)}** | {plain(' '.join(sentence(it).split()))} |" for name, it in results.items()]
    return "\n".join(["| recipe | outcome | why |", "|---|---|---|", *rows])
