"""The flow that looks whether data changed, and retrains exactly the recipes for which the change is worth it.

Where nothing changed, nothing is imported but Prefect: MLflow's server is asked over HTTP, see `tracking/newest.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect.artifacts import create_markdown_artifact
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Completed

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.recipe import Recipe, dataset_kind
from genfoundry.report.markdown import plain, table
from genfoundry.stages.watch import Look, look

from . import recipes as recipe_files
from .commands.checkout import ensure_own_code
from .naming import named
from .recipes import RecipeName
from .runs import owners
from .runs.beginning import flow

if TYPE_CHECKING:
    from genfoundry.records import ModelVersion

    Results = dict[str, ModelVersion | BaseException]

Overrides = dict[str, Any]


class Unwell(UserError):  # noqa: N818, the user reads its sentence
    """Some data were refused, or some recipe came to no version."""

    exit_code = 1
    watched: Watched | None = None


class Watched(NamedTuple):
    """What was found of each dataset, and what each retrained recipe came to, by `recipe` or `recipe on dataset`."""

    looks: list[Look]
    results: Results

    @property
    def sentence(self) -> str:
        """One line for a list of runs."""
        return "; ".join(f"{found.dataset}: {found.decision}" for found in self.looks)


@flow(name=named("watch-data"), persist_result=False)
def watch(
    datasets: list[str] = [],  # noqa: B006
    recipes: list[RecipeName] = [],  # noqa: B006
    overrides: dict[str, Any] = {},  # noqa: B006
    dry_run: bool = False,
    untrained: bool = True,
) -> Any:
    """Compare each dataset with the version that was last trained on; retrain what a change is worth a training for.

    Where nothing changed the run's state is SKIPPED, and no page is made of it; else an artifact shows what was found.

    Args:
        datasets: which, by name; by default those that the recipes read.
        recipes: which; by default the default fleet, and where datasets are named every recipe that was trained on one.
        overrides: dotted settings over all recipes, `{"model.latent_dim": 64}`.
        dry_run: only look.
        untrained: train what was never trained too; else that waits for a run that someone starts.

    Raises:
        Unwell: after all has ended, where data were refused or a recipe failed.
    """
    owners.own()
    _adopt_moved_project()
    names = [RecipeName(name).value for name in recipes]
    watched = _recipes(names, datasets, overrides)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // max(1, len(watched)))))
    groups = _by_dataset(watched).items()
    looks = [found for name, members in groups for found in look(name, members, _extractor(members), untrained)]
    _announce(looks)
    watched = Watched(looks, {} if dry_run else _retrained(looks, overrides))
    if all(found.decision == "SKIPPED" for found in looks):
        return Completed(name="SKIPPED", message=watched.sentence, data=watched)
    create_markdown_artifact(decisions_page(watched), key=named("watch-data"), description=watched.sentence)
    if bad := _bad(watched):
        error = Unwell("\n".join(bad))
        error.watched = watched
        raise error
    return Completed(message=watched.sentence, data=watched)


def _adopt_moved_project() -> None:
    """Of a project that was moved or copied, bring the addresses along before the first question to its store."""
    ensure_own_code()
    for sentence in tracking.adopt():
        from .progress import screen

        screen.console.print(sentence, soft_wrap=True, markup=False)


def _recipes(names: list[str], datasets: list[str], overrides: Overrides) -> list[Recipe]:
    """The recipes that are looked after, each on its dataset.

    Raises:
        UserError: there is no such recipe or dataset, or nothing that is looked after reads a dataset.
    """
    at_home = [recipe_files.load(name, overrides) for name in names or recipe_files.DEFAULT]
    if not datasets:
        return at_home
    found = [recipe for dataset in datasets for recipe in _readers(dataset, at_home, names, overrides)]
    return list({(recipe.registered_name): recipe for recipe in found}.values())


def _readers(dataset: str, at_home: list[Recipe], names: list[str], overrides: Overrides) -> list[Recipe]:
    kind = dataset_kind(dataset)
    own = [recipe for recipe in at_home if recipe.dataset.name == dataset]
    if names and not own:
        own = [_on(recipe.name, dataset, overrides) for recipe in at_home if dataset_kind(recipe.dataset.name) == kind]
    if not names:
        every = (recipe_files.load(name, overrides) for name in recipe_files.names_for(dataset))
        others = [_on(recipe.name, dataset, overrides) for recipe in every if dataset_kind(recipe.dataset.name) == kind]
        trained = tracking.newest(recipe.registered_name for recipe in others)
        own += [recipe for recipe in others if recipe.registered_name in trained]
    if not own:
        raise UserError(
            f"No recipe that is looked after reads '{dataset}'.",
            expected=f"one that was trained on it, or named: genfoundry watch RECIPE --data {dataset}",
        )
    return own


def _on(name: str, dataset: str, overrides: Overrides) -> Recipe:
    return recipe_files.load(name, {**overrides, "dataset.name": dataset})


def _by_dataset(recipes: Iterable[Recipe]) -> dict[str, list[Recipe]]:
    found: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        found.setdefault(recipe.dataset.name, []).append(recipe)
    return found


def _extractor(recipes: list[Recipe]) -> str | None:
    """The registered model of the classifier that judges these recipes' samples, if one has any."""
    names = (recipe.evaluation.extractor for recipe in recipes if recipe.evaluation.extractor)
    name = next(names, None)
    return name and _on(name, recipes[0].dataset.name, {}).registered_name


def _announce(looks: list[Look]) -> None:
    """Say what is new; what an earlier look had found was said then."""
    for found in looks:
        never = found.decision == "RETRAIN" and not found.before
        if found.decision != "SKIPPED" and not found.known and not never:
            from .events import announce  # starts a thread and a connection

            drifted = found.drift is not None and found.drift.exceeds
            event = "refused" if found.decision == "FAILED" else "drifted" if drifted else "changed"
            announce(f"data.{event}", found.dataset, found.sentence, decision=found.decision, digest=found.now)


def _retrained(looks: list[Look], overrides: Overrides) -> Results:
    """Run the fleet once for all recipes at home, and once for each dataset that is another's."""
    results: Results = {}
    groups: dict[str, list[str]] = {}
    for found in looks:
        if found.decision == "RETRAIN":
            for name in found.recipes:
                home = recipe_files.load(name, overrides).dataset.name == found.dataset
                groups.setdefault("" if home else found.dataset, []).append(name)
    for dataset, names in groups.items():
        from . import fleet  # reads all that trains

        settings = {**overrides, "dataset.name": dataset} if dataset else overrides
        with temporary_settings(restore_defaults={PREFECT_FLOWS_HEARTBEAT_FREQUENCY}):
            outcomes = fleet.run(names, settings or None, min(os.cpu_count() or 1, len(names)))
        named = [f"{name} on {dataset}" if dataset else name for name in names]
        results |= dict(zip(named, outcomes, strict=True))
    return results


def _bad(watched: Watched) -> list[str]:
    lines = [f"{found.dataset} was refused: {found.sentence}" for found in watched.looks if found.decision == "FAILED"]
    if watched.results:
        from genfoundry.outcomes import outcome, sentence

        from .retrain import BAD

        words = {name: outcome(result) for name, result in watched.results.items()}
        lines += [f"{name}: {word}: {sentence(watched.results[name])}" for name, word in words.items() if word in BAD]
    return lines


def decisions_page(watched: Watched) -> str:
    """The whole decision in Markdown: what was found of each dataset, by which measures, and what came of it."""
    parts = [_decisions(watched.looks), *(_measures(found) for found in watched.looks if found.drift)]
    if watched.results:
        from .retrain import outcomes_page as outcomes

        parts.append(outcomes(watched.results))
    return "\n\n".join(parts)


def _decisions(looks: list[Look]) -> str:
    rows = [
        (
            plain(found.dataset),
            ", ".join(found.recipes),
            f"**{found.decision}**",
            plain(found.sentence),
            (f"{found.hours_saved:.3f}" if found.decision == "NOT_WORTH_IT" else ""),
        )
        for found in looks
    ]
    return table(("dataset", "recipes", "decision", "why", "hours saved"), rows)


def _measures(found: Look) -> str:
    rows = [
        (measure.name, f"{measure.value:.3g}", f"{measure.low:.3g} to {measure.high:.3g}", f"{measure.noise:.3g}",
         "yes" if measure.exceeds else "no")
        for measure in (found.drift.measures if found.drift else ())
    ]  # fmt: skip
    head = f"**{plain(found.dataset)}** from {found.before[:12]} to {found.now[:12]}"
    return f"{head}\n\n" + table(("measure", "value", "95 %", "noise", "beyond it"), rows)
