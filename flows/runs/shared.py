"""What the recipes of one fleet share: this machine's cores, and the classifiers that judge them, each made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from genfoundry.records import Evaluation

from ..recipes import RecipeName


class Shared:
    """Evaluations by what they are of. Of two threads that want one at a time the second waits; a failure is not kept,
    so that the next one meets it itself.
    """

    def __init__(self) -> None:
        self._found: dict[str, Evaluation] = {}
        self._locks: dict[str, Lock] = {}

    def once(self, key: str, make: Callable[[], Evaluation]) -> Evaluation:
        """The evaluation of that key, made by the first who asks."""
        with self._locks.setdefault(key, Lock()):
            if key not in self._found:
                self._found[key] = make()
            return self._found[key]


_present: ContextVar[Shared | None] = ContextVar("shared", default=None)
_together: ContextVar[int] = ContextVar("together", default=1)


@contextmanager
def side_by_side(trainings: int) -> Iterator[None]:
    """Say, to all that is done within it and to the threads that it hands work to, how many share this machine."""
    token = _together.set(trainings)
    try:
        yield
    finally:
        _together.reset(token)


def trainings() -> int:
    """How many trainings share this machine's cores; 1 outside of a fleet."""
    return _together.get()


@contextmanager
def sharing() -> Iterator[None]:
    """Within it, and in the threads whose work is handed out within it, `once` remembers."""
    token = _present.set(Shared())
    try:
        yield
    finally:
        _present.reset(token)


def once(
    make: Callable[[RecipeName, dict[str, Any]], Evaluation], recipe: RecipeName, settings: dict[str, Any], data: str
) -> Evaluation:
    """`make(recipe, settings)`, for the whole fleet if this is part of one; `data` is the digest that it reads."""
    here = _present.get()
    if here is None:
        return make(recipe, settings)
    return here.once(json.dumps([recipe, settings, data], sort_keys=True), lambda: make(recipe, settings))
