"""`genfoundry publish`."""

from __future__ import annotations

import click


@click.command()
def publish() -> None:
    """Publish, judge and register what was trained while MLflow was away. Nothing is trained again."""
    from genfoundry.outcomes import MEANINGS, Outcome, outcome, sentence

    from .. import fleet, pending

    worst = 0
    for recipe, overrides in (found := pending.waiting()):
        result = fleet.run([recipe], overrides or None, 1)[0]
        word = outcome(result)
        click.echo(f"{recipe}: {word}: {sentence(result)}", err=isinstance(result, BaseException))
        worst = max(worst, 0 if word == Outcome.REJECTED else MEANINGS[word].status)
    if not found:
        click.echo("nothing waits to be published")
    if worst:
        raise click.exceptions.Exit(worst)
