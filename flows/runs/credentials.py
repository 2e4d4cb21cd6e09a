"""How a call to a Prefect server that does not let one in ends: a sentence, as for MLflow's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from genfoundry.errors import UserError


class PrefectRefused(UserError):  # noqa: N818
    """Prefect answers, but not to these credentials."""

    exit_code = 3


@contextmanager
def explained() -> Iterator[None]:
    """Turn Prefect's 401 and 403 into `NotLetIn`; all else passes as it is."""
    try:
        yield
    except Exception as error:
        if (refused := _refused(error)) is None:
            raise
        raise refused from error


def _refused(error: Exception) -> PrefectRefused | None:
    response = getattr(error, "response", None)
    if type(error).__name__ != "PrefectHTTPStatusError" or response is None or response.status_code not in (401, 403):
        return None
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL

    given = "these credentials" if PREFECT_API_AUTH_STRING.value() else "a client without credentials"
    return PrefectRefused(
        f"Prefect at {PREFECT_API_URL.value()} does not let in {given} ({response.status_code}).",
        expected="the server's user:password in PREFECT_API_AUTH_STRING",
        remedy="set it, or unset PREFECT_API_URL to run without a server; then run the same command again",
    )
