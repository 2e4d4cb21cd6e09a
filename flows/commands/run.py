"""`genfoundry run`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from genfoundry.records import ModelVersion


def complete_recipes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """What the shell offers where a recipe's name is asked for."""
    from .. import recipes as recipe_files

    return [name for name in recipe_files.names() if name.startswith(incomplete)]


def overrides_of(assignments: tuple[str, ...]) -> dict[str, Any]:
    """`("model.latent_dim=64", …)` as a mapping; values are read as YAML.

    Raises:
        UserError: one has no `=`, or its value is not YAML.
    """
    import yaml

    from genfoundry.errors import UserError

    found = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"--set {assignment}", expected="section.key=value, as in --set model.latent_dim=64")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UserError(f"--set {assignment}: the value is not YAML: {error}") from None
    return found


@click.command()
@click.argument("recipes", nargs=-1, shell_complete=complete_recipes)
@click.option("--default", "default", is_flag=True, help="The default fleet: what `make run` trains.")
@click.option("--all", "everything", is_flag=True, help="Every recipe that this machine can run.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override, as in model.latent_dim=64.")
@click.option("--seed", type=int, help="Short for --set training.seed=N.")
@click.option("--data", "dataset", help="Short for --set dataset.name=NAME.")
@click.option(
    "--budget",
    type=click.Choice(["quick", "ci", "full"]),
    default="full",
    help="A tenth, a third, or all of the steps.",
)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Recipes at a time (default: cores, at most recipes).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--no-report", is_flag=True, help="Write no HTML report.")
@click.option("--strict", is_flag=True, help="Exit with 5 where the gate rejects.")
def run(
    recipes: tuple[str, ...],
    default: bool,
    everything: bool,
    assignments: tuple[str, ...],
    seed: int | None,
    dataset: str | None,
    budget: str,
    jobs: int | None,
    as_json: bool,
    no_report: bool,
    strict: bool,
) -> None:
    """Take RECIPES from data to judged, registered models.

    What an earlier run did is not done again. Exits with 1 if a recipe failed, 4 if MLflow was away in the end, 6 if a
    training diverged, 143 if it was stopped.
    """
    from .. import recipes as recipe_files
    from .. import running

    chosen = [recipe_files.meant(each) for each in recipes] or (
        _runnable() if everything else list(recipe_files.DEFAULT) if default else []
    )
    if not chosen:
        raise click.UsageError(f"Name a recipe ({', '.join(recipe_files.names())}), or --default, or --all.")
    overrides = running.overrides(overrides_of(assignments), seed=seed, data=dataset, budget=budget)
    for name in chosen:
        recipe_files.load(name, overrides)
    outcomes = running.go(list(dict.fromkeys(chosen)), overrides, jobs)
    results = dict(zip(dict.fromkeys(chosen), outcomes, strict=True))
    _show(results, as_json, no_report)
    if status := status_of(outcomes, strict):
        raise click.exceptions.Exit(status)


def status_of(results: Iterable[Any], strict: bool = False) -> int:
    """The exit status of the worst outcome; an error that has a status of its own keeps it."""
    from genfoundry.errors import UserError
    from genfoundry.outcomes import MEANINGS, Outcome, outcome

    words = {outcome(result) for result in results} - (set() if strict else {Outcome.REJECTED})
    statuses = {MEANINGS[word].status for word in words}
    if statuses == {1} or statuses == {0, 1}:
        own = {each.exit_code for each in results if isinstance(each, UserError)}
        return own.pop() if len(own) == 1 and own != {UserError.exit_code} else 1
    return max(statuses, default=0)


def _runnable() -> list[str]:
    """Every recipe, without those for a GPU where there is none."""
    import shutil

    from .. import recipes as recipe_files

    names = recipe_files.names()
    if shutil.which("nvidia-smi"):
        return names
    left = [name for name in names if recipe_files.load(name).training.accelerator == "gpu"]
    click.echo(f"Left out, no GPU here: {', '.join(left)}", err=True)
    return [name for name in names if name not in left]


def _untried(versions: list[ModelVersion]) -> list[str]:
    """A recipe of each family that was not run, where one is named after it."""
    from genfoundry import catalog

    from .. import recipes as recipe_files

    tried = {version.evaluation.checkpoint.family for version in versions}
    names = (family.replace("_", "-") for family in catalog.names("models") if family not in tried)
    return [name for name in names if name in recipe_files.names()]


def _show(outcomes: dict[str, Any], as_json: bool, no_report: bool) -> None:
    from rich.console import Console

    from genfoundry.records import ModelVersion
    from genfoundry.report import leaderboard

    from .. import reporting

    versions = [outcome for outcome in outcomes.values() if isinstance(outcome, ModelVersion)]
    failures = {name: error for name, error in outcomes.items() if not isinstance(error, ModelVersion)}
    page = None if no_report or not versions else reporting.write(versions)
    if as_json:
        failed = {name: str(error) for name, error in failures.items()}
        click.echo(json.dumps({"versions": json.loads(leaderboard.as_json(versions)), "failed": failed}, indent=1))
    else:
        console = Console()
        if versions:
            console.print(leaderboard.leaderboard(versions))
        if page:
            console.print(f"\nReport    {page}", soft_wrap=True)
            console.print(f"MLflow    {reporting.in_mlflow()}", soft_wrap=True)
        if others := _untried(versions):
            console.print(f"More      genfoundry run {' '.join(others)}", soft_wrap=True)
    for name, error in failures.items():
        click.echo(f"\n{click.style('Error', fg='red', bold=True)} in {name}: {error}", err=True)
