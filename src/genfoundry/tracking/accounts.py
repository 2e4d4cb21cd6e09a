"""Accounts of an MLflow server that has users."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from genfoundry.tracking.store import translates_errors, uri

ADMIN = "admin"


@translates_errors
def ensure_account(name: str, password: str, admin_password: str) -> None:
    """Make the account in MLflow, as the admin, or bring its password to the one given.

    Raises:
        TrackerDown: MLflow does not answer, or refuses the admin's password.
    """
    from mlflow.exceptions import RestException
    from mlflow.server import get_app_client

    with _as(ADMIN, admin_password):
        users = get_app_client("basic-auth", tracking_uri=uri())
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
