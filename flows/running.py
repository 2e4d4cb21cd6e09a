"""A run as a person asks for it, from the command line and from Python: what is set over a recipe, and how it ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from genfoundry.errors import UserError, closest
from genfoundry.recipe import BUDGETS

from .progress import screen


def overrides(
    settings: Mapping[str, Any], *, seed: int | None = None, data: str | None = None, budget: str | None = None
) -> dict[str, Any]:
    """Dotted settings over a recipe: `settings` before the budget's, the seed and the data before both.

    Raises:
        UserError: there is no such budget.
    """
    if budget is not None and budget not in BUDGETS:
        raise UserError(f"There is no budget '{budget}'; {closest(budget, BUDGETS)}")
    found = {**BUDGETS[budget or "full"], **settings}
    found |= {} if seed is None else {"training.seed": seed}
    return found | ({} if data is None else {"dataset.name": data})


def go(recipes: list[str], over: dict[str, Any], jobs: int | None = None, work: str = "fleet") -> list[Any]:
    """Run the fleet, or its `trials`, such that a signal ends every training with a snapshot."""
    from . import fleet

    with _ended_by_signals(fleet.halt), screen.live():
        jobs = jobs or min(os.cpu_count() or 1, len(recipes))
        return fleet.run(recipes, over or None, jobs, getattr(fleet, work))


@contextmanager
def _ended_by_signals(handler: Any) -> Iterator[None]:
    """Within it the handler has the signals that end a process; only the main thread can say so."""
    names = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {name: signal.signal(name, handler) for name in names}
    try:
        yield
    finally:
        for name, handled in before.items():
            signal.signal(name, signal.SIG_DFL if handled is None else handled)
