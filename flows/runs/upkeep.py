"""What is wrong with the runs of both servers, and what can be mended without asking."""

from __future__ import annotations

import os

from genfoundry import tracking
from genfoundry.stages.diagnose import Finding

from ..servers.environment import make_home
from . import unpublished


def findings() -> list[Finding]:
    """Flow runs without a process, and what waits to be published. Prefect is asked only where a server runs."""
    waiting, lost = unpublished.look()
    found = [Finding(f"{recipe} is trained and waits to be published.", "genfoundry publish") for recipe, _ in waiting]
    found += [
        Finding(f"{path} no longer says which training waits to be published.", f"rm {path}   ({unpublished.REMEDY})")
        for path in lost
    ]
    if os.environ.get("PREFECT_API_URL"):
        make_home()
        from . import owners

        found += [Finding(lost.sentence, "genfoundry reconcile") for lost in owners.lost()]
    return found


def mend() -> list[str]:
    """Bring a moved project's addresses along, close runs without an owner, finish moves, tag orphans, publish anew
    what is damaged and lies whole on this machine; says what was done.
    """
    done = [*tracking.adopt(), *tracking.reconcile(), *tracking.restore()]
    if os.environ.get("PREFECT_API_URL"):
        make_home()
        from . import owners

        done += owners.reconcile()
    return done
