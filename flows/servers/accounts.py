"""What the composed servers are told once, before a worker starts: an account for trainings, and what to run.

`python -m genfoundry_flows.servers.accounts POOL` makes the account that `MLFLOW_TRACKING_USERNAME` names, as the
admin, and then the pool, the deployments and the automations. The account may make experiments and models and sees its
own only, so that a training that goes astray can't touch what others made.
"""

from __future__ import annotations

import os
import sys

import click

from genfoundry.errors import UserError
from genfoundry.tracking.accounts import ensure_account


def main(pool: str) -> None:
    """Tell both servers; a user's mistake is a sentence and an exit status."""
    from ..runs.credentials import explained
    from .deployments import deploy

    account = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    try:
        ensure_account(*account, os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"])
        with explained():
            click.echo(f"Account '{account[0]}'; deployments: {', '.join(deploy(pool))}")
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(sys.argv[1])
