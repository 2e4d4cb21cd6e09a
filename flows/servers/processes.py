"""The processes below `make up`, found by the mark in their environment; and who holds a port."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from genfoundry.errors import UserError

from .environment import MARK

SECONDS = 30  # that a process may take to end when it is asked to


def marked(state: Path) -> list[psutil.Process]:
    """Every process below the servers of that state folder, also where supervisord itself was killed."""
    return [each for each in psutil.process_iter() if each.pid != os.getpid() and _mark(each) == str(state)]


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def wait(found: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still live after a while."""
    return psutil.wait_procs(list(found), timeout=SECONDS)[1]


def end(found: Iterable[psutil.Process]) -> None:
    """Ask, wait, then kill."""
    for signalled in (psutil.Process.terminate, psutil.Process.kill):
        for process in (found := list(found)):
            with suppress(psutil.NoSuchProcess):
                signalled(process)
        found = wait(found)


def check_port(host: str, port: int, name: str, variable: str) -> None:
    """See that a server can listen there.

    Raises:
        UserError: another process does; names it, and the variable that chooses another port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise UserError(
                f"Port {port}, which {name} is to listen on, is taken{_taker(port)}.",
                remedy=f"stop that, or choose another: {variable}={port + 1} make up",
            ) from None


def _taker(port: int) -> str:
    with suppress(psutil.Error):
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr[1] == port and found.pid:
                return f" by process {found.pid} ({psutil.Process(found.pid).name()})"
    return ""
