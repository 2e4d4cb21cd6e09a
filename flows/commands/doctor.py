"""`genfoundry doctor`."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--mend", is_flag=True, help="Mend what is safe to mend, then look again.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(mend: bool, as_json: bool) -> None:
    """List what is wrong with data, runs and registry, and the commands that mend it. Exits with 1 if anything is."""
    from genfoundry import tracking
    from genfoundry.stages.ingest import status

    for sentence in tracking.reconcile() if mend else []:
        click.echo(f"{click.style('mended', fg='green')} {sentence}", err=as_json)
    damaged = [row for row in status() if row["state"] in ("changed", "missing")]
    found = [(f"dataset {row['name']} is {row['state']}", "dvc checkout data.dvc") for row in damaged]
    found += [(problem.sentence, problem.command) for problem in tracking.doctor()]
    if as_json:
        click.echo(json.dumps([{"problem": problem, "remedy": remedy} for problem, remedy in found], indent=1))
    for problem, remedy in [] if as_json else found:
        click.echo(f"{click.style('✗', fg='red')} {problem}\n  To mend it: {remedy}")
    if found:
        raise click.exceptions.Exit(1)
    if not as_json:
        click.echo(f"{click.style('✓', fg='green')} nothing is wrong ({tracking.uri()})")
