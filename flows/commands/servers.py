"""`genfoundry up`, `down` and `servers`."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--no-worker", is_flag=True, help="Only the two servers: no worker, no deployments.")
def up(no_worker: bool) -> None:
    """Start MLflow, Prefect, a worker and the deployments on this machine, in the background.

    What runs already stays as it is; what died is started again. They listen on the loopback and ask for no password.
    """
    import os

    from ..servers.environment import make_home

    make_home()
    from genfoundry import tracking

    from ..servers import declarations, deployments, services, up

    ours = services.clients()
    os.environ["PREFECT_API_URL"] = ours["PREFECT_API_URL"]  # before Prefect is imported: it reads its settings once
    if not no_worker:
        declarations.check()
    for sentence in tracking.adopt():
        click.echo(sentence)
    up.up()
    os.environ.update(ours)
    if not no_worker:
        deployments.deploy(declarations.pool())
        up.start_worker()
        click.echo(f"runs      {declarations.timetable()}")
    _page()
    click.echo("They listen on this machine's loopback only, and ask for no password.   Stop them: make down")


@click.command()
def down() -> None:
    """Stop what `genfoundry up` started, and nothing else. Data and databases stay."""
    from ..servers import up

    stopped = up.down()
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was up")


@click.command("servers")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def status(as_json: bool) -> None:
    """Show what runs where. Exits with 1 if something does not run."""
    from ..servers import up

    found = up.standing()
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found], indent=1))
    elif found:
        _page()
    else:
        click.echo("nothing is up   (start it: make up)")
    if not found or any(each.state != "RUNNING" for each in found):
        raise click.exceptions.Exit(1)


def _page() -> None:
    from genfoundry.project.root import state_dir

    from ..servers import databases, services, up

    for each in up.standing():
        log = services.folder() / f"{each.name}.log"
        click.echo(f"{each.name:<9} {each.state:<9} {each.address:<24} process {each.pid or '-':<8} log {log}")
    click.echo(f"tables    {databases.where() or state_dir()}")
