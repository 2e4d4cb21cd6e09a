"""What every call from Python begins with, as every command does."""

from __future__ import annotations

from ..commands.checkout import ensure_own_code
from ..servers.environment import prepare


def enter() -> None:
    """Look where the call is, and set what the command line sets.

    Raises:
        NoProject: the working directory is in none; says how to begin one.
        UserError: the project is a checkout of genfoundry, and other code than its own would run.
    """
    ensure_own_code()
    prepare()
