"""`genfoundry publish`."""

from __future__ import annotations

import click


@click.command()
def publish() -> None:
    """Publish, judge and register what was trained while MLflow was away. Nothing is trained again."""
    from genfoundry.outcomes import outcome, sentence

    from ..servers.environment import make_home

    make_home()
    from .. import fleet
    from ..runs import unpublished
    from .run import status_of

    results = []
    for recipe, overrides in unpublished.waiting():
        results += fleet.run([recipe], overrides or None, 1)
        click.echo(
            f"{recipe}: {outcome(results[-1])}: {sentence(results[-1])}", err=isinstance(results[-1], BaseException)
        )
    if not results:
        click.echo("nothing waits to be published")
    if status := status_of(results):
        raise click.exceptions.Exit(status)
