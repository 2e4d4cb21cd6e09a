"""`genfoundry judge-champions`."""

from __future__ import annotations

import json

import click

COLOURS = {"AS_GOOD": "green", "WORSE": "red", "BEATEN": "red", "NOT_COMPARED": "yellow", "FAILED": "red"}


@click.command("judge-champions")
@click.argument("models", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def judge_champions(models: tuple[str, ...], as_json: bool) -> None:
    """Judge the champion of each of MODELS (default: of all) on today's data, beside those before it; moves no alias.

    Exits with 0 where one is worse, too; with 1 where one could not be judged.
    """
    from ..servers.environment import make_home

    make_home()
    from .. import champions

    state = champions.judge_champions(list(models), return_state=True)
    found = state.result(raise_on_failure=False)
    findings = found if isinstance(found, list) else list(getattr(found, "findings", ()))
    if as_json:
        click.echo(json.dumps([finding.model_dump(mode="json") for finding in findings], indent=1))
    else:
        for finding in findings:
            word = click.style(f"{finding.state:<12}", fg=COLOURS[finding.state], bold=True)
            click.echo(f"{word} {finding.model} version {finding.version}: {finding.sentence}")
    if isinstance(found, Exception):
        raise found
