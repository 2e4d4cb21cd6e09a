"""How often a process looks where the project is, and what lies in it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar, cast

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

_looks: ContextVar[dict[str, Any] | None] = ContextVar("looks", default=None)


def one_look(function: F) -> F:
    """While the function runs, the project and its entries are looked for once, and are what they were then.

    Each look is a walk up the folders; what asks for a thousand entries, as a list of recipes does, takes one.
    """

    @functools.wraps(function)
    def looking(*args: Any, **kwargs: Any) -> Any:
        if _looks.get() is not None:
            return function(*args, **kwargs)
        token = _looks.set({})
        try:
            return function(*args, **kwargs)
        finally:
            _looks.reset(token)

    return cast(F, looking)


def looked(what: str, look: Callable[[], R]) -> R:
    """What a look gives; within `one_look` what the first one gave."""
    found = _looks.get()
    if found is None:
        return look()
    if what not in found:
        found[what] = look()
    return found[what]
