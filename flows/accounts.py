"""What the composed servers are told once, before a worker starts: an account for trainings, and what to run.

`python -m genfoundry_flows.accounts POOL` makes the account that `MLFLOW_TRACKING_USERNAME` names, as the admin, and
then the pool, the deployments and the automations. The account may make experiments and models and sees its own only,
so that a training that goes astray can't touch what others made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from genfoundry.errors import UserError
from genfoundry.tracking.store import guarded

ADMIN = "admin"


@guarded
def ensure_account(name: str, password: str, admin_password: str) -> None:
    """Make the account in MLflow, or bring its password to the one given.

    Raises:
        UserError: MLflow does not answer, or refuses the admin's password.
    """
    from mlflow.exceptions import RestException
    from mlflow.server import get_app_client

    with _as(ADMIN, admin_password):
        users = get_app_client("basic-auth", tracking_uri=os.environ["MLFLOW_TRACKING_URI"])
        try:
            users.create_user(name, password)
        except RestException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            users.update_user_password(name, password)


@contextmanager
def _as(name: str, password: str) -> Iterator[None]:
    """MLflow's client reads who it is at each call."""
    variables = {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}
    before = {key: os.environ.get(key, "") for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.update(before)


def main(pool: str) -> None:
    """Tell both servers; a user's mistake is a sentence and an exit status."""
    from .deployments import deploy

    account = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    try:
        ensure_account(*account, os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"])
        click.echo(f"Account '{account[0]}'; deployments: {', '.join(deploy(pool))}")
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(sys.argv[1])
