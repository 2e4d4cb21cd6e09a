"""`genfoundry report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("names", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
@click.option("--markdown", is_flag=True, help="Print tables of every version instead, a recipe's seeds in one line.")
def report(names: tuple[str, ...], output: Path | None, markdown: bool) -> None:
    """Write the HTML report of the registered models NAMES (default: all): each champion, else the newest version."""
    from genfoundry import tracking
    from genfoundry.errors import UserError, closest

    from .. import reporting

    known = {model.name: model for model in tracking.list_models()}
    for name in names:
        if name not in known:
            raise UserError(f"There is no registered model '{name}'; {closest(name, known)}")
    if not known:
        raise UserError("Nothing is registered yet.", remedy="genfoundry run --default")
    if markdown:
        from genfoundry.report.tables import as_markdown

        click.echo(as_markdown([v for name in names or known for v in reporting.every_version(known[name])]))
        return
    versions = [found for name in names or known if (found := reporting.registered(known[name]))]
    if not versions:
        raise UserError("No version has an evaluation that is what was registered.", remedy="genfoundry doctor")
    click.echo(reporting.write(versions, output))
