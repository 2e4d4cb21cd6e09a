"""A signal asks the process to end: what is under way comes to a sound end soon, and nothing new begins."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

from genfoundry.outcomes import Interrupted

Item = TypeVar("Item")

interrupted = threading.Event()
"""Set by whoever handles signals; every training under way then saves and ends."""


def stopped() -> Interrupted:
    """What whoever started the work is told."""
    return Interrupted("Stopped by a signal.", remedy="run it again: what was done is not done again")


def raise_if_interrupted() -> None:
    """Look whether to go on.

    Raises:
        Interrupted: a signal came.
    """
    if interrupted.is_set():
        raise stopped()


def until_interrupted(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, up to a signal.

    Raises:
        Interrupted: a signal came before the next one.
    """
    for item in items:
        raise_if_interrupted()
        yield item
