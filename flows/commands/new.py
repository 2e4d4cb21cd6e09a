"""`genfoundry new`."""

from __future__ import annotations

import click

WHAT = ("family", "recipe", "metric", "dataset", "kind", "task")


@click.command()
@click.argument("what", type=click.Choice(WHAT))
@click.argument("name")
@click.option("--from", "parent", default="", metavar="ENTRY", help="Begin with the source of this one.")
@click.option("--family", default="", help="Of a new recipe: the family that it trains.")
def new(what: str, name: str, parent: str, family: str) -> None:
    """Write an entry of your own, which runs as it is: a file in the project's package, or a recipe.

    Nothing that is there is touched. A recipe --from another says what differs from it.
    """
    from genfoundry.errors import UserError

    from .. import new_entries

    if family and (what != new_entries.RECIPE or parent):
        raise UserError(f"--family {family} with {'--from' if parent else f'a new {what}'}.", expected="a recipe alone")
    if what == new_entries.RECIPE:
        made = new_entries.write_recipe(name, parent, family)
    else:
        made = new_entries.write_entry(what, name, parent)
    for path in made.files:
        click.echo(f"Wrote {path}")
    if made.note:
        click.echo(made.note)
    click.echo(_then(what, made.full))


def _then(what: str, full: str) -> str:
    """What to do next."""
    if what == "recipe":
        return f"Run it: genfoundry run {full}"
    return f"Try whether it keeps what it promises: genfoundry check {full}"
