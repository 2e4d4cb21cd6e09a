"""`genfoundry trial`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("recipes", nargs=-1, required=True)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override, as in model.latent_dim=64.")
@click.option("--budget", type=click.Choice(["quick", "ci", "full"]), default="ci", show_default=True)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Recipes at a time (default: cores, at most recipes).")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the JSON (default: print it).")
def trial(
    recipes: tuple[str, ...], assignments: tuple[str, ...], budget: str, jobs: int | None, output: Path | None
) -> None:
    """Train and judge RECIPES and register nothing; ends with JSON: each one's evaluation, or why there is none.

    This is what `genfoundry ci` runs on both sides of a change. Exits with 0 where a recipe fails too.
    """
    from genfoundry.identity import PACKAGE
    from genfoundry.records import Evaluation

    from .. import recipes as recipe_files
    from ..review.sides import NO_SUCH_RECIPE
    from ..running import go, overrides
    from .run import overrides_of

    recipes = tuple(recipe_files.meant(each) if each.endswith(".yaml") else each for each in recipes)
    over = overrides(overrides_of(assignments), budget=budget)
    there = [name for name in recipes if name in recipe_files.names()]
    unknown = {"error": NO_SUCH_RECIPE.error, "status": NO_SUCH_RECIPE.status}
    found = {name: unknown for name in recipes if name not in there}
    for name, result in zip(there, go(there, over, jobs, "trials") if there else (), strict=True):
        if isinstance(result, Evaluation):
            found[name] = {"evaluation": json.loads(result.model_dump_json())}
        else:
            words = str(result) or type(result).__name__
            found[name] = {"error": words, "status": getattr(result, "exit_code", 1)}
    document = json.dumps({"package": str(PACKAGE), "recipes": found}, indent=1)
    if output:
        output.write_text(document, encoding="utf-8")
    else:
        click.echo(document)
