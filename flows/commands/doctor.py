"""`genfoundry doctor` and `reconcile`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genfoundry.stages.diagnose import Diagnosis


@click.command()
@click.option("--mend", is_flag=True, help="Repair what is safe to repair, then look again.")
@click.option("--deep", is_flag=True, help="Hash every version, load every champion, and ask DVC's remote as well.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(mend: bool, deep: bool, as_json: bool) -> None:
    """List what is wrong with data, runs and registry, and the commands that repair it. Exits with 1 if anything is."""
    from genfoundry import tracking
    from genfoundry.stages.diagnose import diagnose

    from ..runs import remedies, upkeep

    for sentence in upkeep.repair() if mend else []:
        click.echo(f"{click.style('repaired', fg='green')} {sentence}", err=as_json)
    wrong: list[Diagnosis] = []
    for finding in _elsewhere() or [*upkeep.diagnose(), *diagnose(deep=deep, rerun=remedies.rerun)]:
        if finding.command:
            wrong.append(finding)
        if not as_json:
            sign = click.style("✗", fg="red") if finding.command else click.style("✓", fg="green")
            sign = click.style("↻", fg="yellow") if finding.ahead else sign
            click.echo(f"{sign} {finding.sentence}" + (f"  Remedy: {finding.command}" if finding.command else ""))
    if as_json:
        click.echo(json.dumps([{"problem": each.sentence, "remedy": each.command} for each in wrong], indent=1))
    if wrong:
        raise click.exceptions.Exit(1)
    if not as_json:
        click.echo(f"{click.style('✓', fg='green')} nothing is wrong ({tracking.uri()})")


def _elsewhere() -> list[Diagnosis]:
    """The one thing to say of a project that was moved or copied, before anything is read by its addresses."""
    from genfoundry import tracking
    from genfoundry.stages.diagnose import Diagnosis

    old = tracking.origin()
    return [Diagnosis(tracking.elsewhere(old).found, "genfoundry reconcile")] if old else []


@click.command()
def reconcile() -> None:
    """Close runs whose process died, in MLflow and Prefect, and finish what was cut off. What needs a decision stays.

    Of a project that was moved or copied, rewrite the addresses to where it is. Running a recipe does the same first.
    `genfoundry doctor` lists what is left.
    """
    from ..runs import upkeep

    done = upkeep.repair()
    for sentence in done:
        click.echo(sentence)
    if not done:
        click.echo("nothing to repair")
