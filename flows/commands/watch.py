"""`genfoundry watch`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .run import complete_recipes, overrides_of

if TYPE_CHECKING:
    from ..watch import Watched

COLOURS = {"SKIPPED": "white", "NOT_WORTH_IT": "cyan", "RETRAIN": "yellow", "FAILED": "red"}


@click.command()
@click.argument("recipes", nargs=-1, shell_complete=complete_recipes)
@click.option("--data", "datasets", multiple=True, metavar="NAME", help="Look at this dataset only; may be repeated.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override, as in model.latent_dim=64.")
@click.option("--dry-run", is_flag=True, help="Look and say, but train nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def watch(
    recipes: tuple[str, ...], datasets: tuple[str, ...], assignments: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Look whether data changed, and retrain the RECIPES for which the change is worth it (default: the default fleet).

    Exits with 0 where nothing had to be done, too; with 1 where data were refused or a training failed.
    """
    from genfoundry.recipe import dataset_kind

    from .. import recipes as recipe_files

    overrides = overrides_of(assignments)
    for name in recipes or recipe_files.DEFAULT:
        recipe_files.load(name, overrides)  # a mistake is said before Prefect is imported
    for name in datasets:
        dataset_kind(name)
    watched, error = _go(list(recipes), list(datasets), overrides, dry_run)
    if watched:
        _show(watched, as_json)
    if error:
        raise error


def _go(
    recipes: list[str], datasets: list[str], overrides: dict[str, Any], dry_run: bool
) -> tuple[Watched | None, Exception | None]:
    import logging

    from ..servers.environment import make_home

    make_home()
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from .. import watch
    from ..runs.beginning import flow

    # without parameters Prefect imports no web framework to encode them
    @flow(name=watch.watch.name, persist_result=False)
    def look() -> Any:
        return watch.watch.fn(datasets, [watch.RecipeName(name) for name in recipes], overrides, dry_run)

    logging.getLogger("EventsWorker").setLevel(logging.ERROR)  # that it sends its last event is no warning
    # a flow's end waits up to a second for its heartbeat; while the fleet runs it beats
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        state = look(return_state=True)
    found = state.result(raise_on_failure=False)
    if isinstance(found, Exception):
        return getattr(found, "watched", None), found
    return found, None


def _show(watched: Watched, as_json: bool) -> None:
    if as_json:
        from genfoundry.outcomes import outcome

        looks = [found.model_dump(mode="json") for found in watched.looks]
        results = {name: str(outcome(result)) for name, result in watched.results.items()}
        click.echo(json.dumps({"looks": looks, "results": results}, indent=1))
        return
    for found in watched.looks:
        word = click.style(f"{found.decision:<12}", fg=COLOURS[found.decision], bold=True)
        click.echo(f"{word} {found.dataset:<14} {', '.join(found.recipes)}")
        click.echo(f"             {found.sentence}")
        if found.decision == "NOT_WORTH_IT":
            saved = f"{found.hours_saved:.2f} h" if found.hours_saved > 0.1 else f"{found.hours_saved * 3600:.0f} s"
            click.echo(f"             Saved: {saved} of training and judging.")
    if watched.results:
        from genfoundry.outcomes import outcome, sentence

        for name, result in watched.results.items():
            click.echo(f"{outcome(result)!s:<12} {name}: {sentence(result)}")
