"""Whoever reads the output may go away before all is said: `genfoundry … | head`.

SIGPIPE stays ignored, as Python has it: its default ends the process at a write to any pipe, and Prefect's events and
MLflow's requests are sockets, which a server or a long sleep may have closed. So a write to a closed one raises, and
only where that was standard output or standard error is it the end of the work.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from genfoundry.errors import UserError

CLOSED = 141  # what a shell shows of a program that SIGPIPE ended


class Disconnected(UserError):  # noqa: N818, the user reads its sentence
    """A connection broke that no library mended."""

    exit_code = 3


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """End with `CLOSED`, without a word, where whoever read the output is gone.

    Raises:
        Disconnected: another connection broke.
    """
    try:
        yield
    except BrokenPipeError as error:
        if silence_closed():
            raise click.exceptions.Exit(CLOSED) from None
        raise Disconnected(
            f"A connection to a server broke: {error}",
            expected="what was done before is kept",
            remedy="run the same command again: it goes on where it stopped",
        ) from error


def silence_closed() -> bool:
    """Lead what is still written to a closed output nowhere; says whether one was closed."""
    gone = [stream for stream in (sys.stdout, sys.stderr) if _is_closed(stream)]
    for stream in gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(gone)


def _is_closed(stream: TextIO | None) -> bool:
    """Whether nobody reads what is written there."""
    try:
        asked = select.poll()
        asked.register(stream.fileno(), select.POLLOUT)  # pyright: ignore[reportOptionalMemberAccess]
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))
    except (OSError, ValueError, AttributeError):  # a test's own stream, or none at all
        return False


def flushed(status: int) -> int:
    """Write out what is held back, so that the interpreter has nothing left to fail with; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            silence_closed()
            status = status or CLOSED
        except (OSError, ValueError, AttributeError):
            pass
    return status
