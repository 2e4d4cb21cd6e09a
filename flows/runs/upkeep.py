"""What is wrong with the runs of both servers, and what can be repaired without asking."""

from __future__ import annotations

import os
import shlex

from genfoundry import tracking
from genfoundry.stages.diagnose import Diagnosis

from ..servers.environment import make_home
from . import unpublished


def diagnose() -> list[Diagnosis]:
    """Flow runs without a process, and what waits to be published. Prefect is asked only where a server runs."""
    waiting, lost = unpublished.look()
    found = [
        Diagnosis(f"{recipe} is trained and waits to be published.", "genfoundry publish") for recipe, _ in waiting
    ]
    found += [
        Diagnosis(
            f"{path} no longer says which training waits to be published.",
            f"rm {shlex.quote(str(path))}   ({unpublished.REMEDY})",
        )
        for path in lost
    ]
    if os.environ.get("PREFECT_API_URL"):
        make_home()
        from . import owners

        found += [Diagnosis(lost.sentence, "genfoundry reconcile") for lost in owners.lost()]
    return found


def repair() -> list[str]:
    """Bring a moved project's addresses along, close runs without an owner, finish moves, tag orphans, publish anew
    what is damaged and lies whole on this machine; says what was done.
    """
    done = [*tracking.adopt(), *tracking.repair_store(), *tracking.republish_all()]
    if os.environ.get("PREFECT_API_URL"):
        make_home()
        from . import owners

        done += owners.close_lost()
    return done
