"""`genfoundry check`."""

from __future__ import annotations

from collections.abc import Iterator

import click


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--all", "everything", is_flag=True, help="Those of installed distributions, too.")
def check(entries: tuple[str, ...], everything: bool) -> None:
    """Try whether your own entries keep what all of their sort promise: families, metrics, datasets, kinds, tasks, and
    recipes.

    ENTRY is a name, as acme:ddpm, or a group and a name, as models/ddpm. Exits with 1 where one does not.
    """
    failed = 0
    for label, found, kept in _tried(entries, everything):
        mark = click.style("kept  ", fg="green") if kept else click.style("broken", fg="red", bold=True)
        click.echo(f"{mark}  {label}  {found}")
        failed += not kept
    if failed:
        raise SystemExit(1)


def _tried(entries: tuple[str, ...], everything: bool) -> Iterator[tuple[str, str, bool]]:
    """Of each entry its label, what was tried or is wrong, and whether it is well."""
    from genfoundry.errors import UserError

    from .. import checking

    found = 0
    for entry in checking.entries(entries, everything):
        found += 1
        try:
            yield entry.label, checking.check(entry), True
        except UserError as error:
            yield entry.label, str(error).replace("\n", "\n        "), False
    if not found:
        click.echo("There are no entries of your own here. To write one: genfoundry new family mine")
