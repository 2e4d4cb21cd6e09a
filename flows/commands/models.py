"""`genfoundry models`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genfoundry.catalog import Entry
    from genfoundry.task import Task


@click.command()
@click.argument("family", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def models(family: str | None, as_json: bool) -> None:
    """List the families that can be trained; with FAMILY, its paper and its settings."""
    from genfoundry.project.looks import one_look

    entries, rows, broken = one_look(_listed)(family)
    for sentence in broken:
        click.echo(f"{click.style('Left out:', fg='yellow')} {sentence}", err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif family:
        click.echo(f"{entries[0].docstring}\n\nSettings (--set model.NAME=VALUE):")
        for name, kind in entries[0].config.items():
            click.echo(f"  {name:<28} {kind}")
        click.echo(f"\nRecipes: {', '.join(rows[0]['recipes']) or 'none'}")
    else:
        _table(rows)


def _listed(family: str | None) -> tuple[list[Entry], list[dict], list[str]]:
    """The entries, a row for each, and what is left out, a sentence each."""
    from genfoundry import task

    from .. import recipes

    entries, broken = _entries(family)
    lost: list[str] = []
    tasks, of_recipe = task.every(), _families(lost)
    rows = [_row(entry, tasks, of_recipe) for entry in entries]
    return entries, rows, [*broken, *recipes.files().lost, *lost]


def _families(broken: list[str]) -> dict[str, str]:
    """The family of each recipe; what is wrong with a recipe that does not load is appended to `broken`."""
    from genfoundry.errors import UserError

    from .. import recipes

    found = {}
    for name in recipes.names():
        try:
            found[name] = recipes.load(name).model.family
        except UserError as error:
            broken.append(str(error))
    return found


def _row(entry: Entry, tasks: list[Task], of_recipe: dict[str, str]) -> dict:
    from genfoundry import catalog

    return {
        "family": entry.name,
        "origin": catalog.place_of("models", entry.name).origin,
        "file": str(catalog.source("models", entry.name)),
        "kind": entry.attributes.get("kind"),
        "task": entry.attributes.get("task"),
        "tasks": [each.name for each in tasks if each.fits(entry)],
        "conditions": list(entry.conditions),
        "paper": entry.title,
        "capabilities": _capabilities(entry),
        "settings": entry.config,
        "recipes": [name for name, own in of_recipe.items() if own == entry.name],
    }


def _entries(family: str | None) -> tuple[list[Entry], list[str]]:
    """The entry of one family, else of all; and what is wrong with those that are none."""
    from genfoundry import catalog, task

    if family:
        return [catalog.describe("models", catalog.full_name("models", family))], []
    found, broken = catalog.readable("models")
    return found, [*broken, *task.broken()]


def _capabilities(entry: Entry) -> list[str]:
    from genfoundry import catalog

    words = catalog.capabilities()
    if "label" in entry.conditions:
        words |= {"sample": "samples of any class"}
    if not entry.attributes.get("exact_likelihood"):
        words |= {"log_likelihood": "a bound of the likelihood"}
    return [word for method, word in words.items() if method in entry.methods]


def _table(rows: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        does = ", ".join(row["capabilities"])
        table.add_row(row["family"], f"{row['paper']}\n{row['kind']}: {does}\nrecipes: {', '.join(row['recipes'])}")
    Console().print(table)
