"""How every flow begins, whoever calls it: in a project, with Prefect's state below `.genfoundry/`, on a server.

Where no server is named Prefect starts one that ends with the process. Ctrl-C, and a notebook's interrupt, go to it
too, and would end it under the flows that still have to say what they came to.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from prefect import Flow
from prefect.context import refresh_global_settings_context
from prefect.settings import PREFECT_API_URL, get_current_settings

from genfoundry.project.root import standing_root

from ..servers.environment import make_home, prepare

P = ParamSpec("P")
R = TypeVar("R")


class ProjectFlow(Flow[P, R]):
    """A flow that needs a project, and prepares for it what the command line prepares."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        begin()
        return super().__call__(*args, **kwargs)


def flow(**options: Any) -> Callable[[Callable[P, R]], ProjectFlow[P, R]]:
    """As Prefect's decorator of that name."""
    return lambda function: ProjectFlow(function, **options)


def begin() -> None:
    """Have all ready that a flow needs before its first line.

    Raises:
        NoProject: the working directory is in none; nothing was made.
    """
    standing_root()
    prepare()
    make_home()
    if str(get_current_settings().home) != os.environ["PREFECT_HOME"]:  # it was imported before us, or elsewhere
        refresh_global_settings_context()
    if not PREFECT_API_URL.value():
        _serve()


_served: list[str] = []  # the Prefect home of the server that runs, as long as it does


def _serve() -> None:
    """Start Prefect's own server, deaf to interrupts, unless it runs; one that was ended, or that serves another
    project, gives way to a new one.
    """
    from prefect.server.api.server import SubprocessASGIServer

    server, home = SubprocessASGIServer(), str(get_current_settings().home)
    ended = server.server_process and server.server_process.poll() is not None
    if ended or _served not in ([], [home]):
        server.stop()
        server = SubprocessASGIServer()
    if not server.running:
        with _held(signal.SIGINT):
            server.start()
    _served[:] = [home]


@contextmanager
def _held(number: signal.Signals) -> Iterator[None]:
    """Within it a signal waits, and for ever in the processes that are started there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
