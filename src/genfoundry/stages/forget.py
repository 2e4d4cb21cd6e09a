"""Forget: what the project keeps below `.genfoundry/` and can do without, by bytes, and how each part comes back.

Never the registry: its database, its artifacts and what this machine has seen of its ledgers. One ledger's witness goes
by its own name, where the registered model was deleted on purpose.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from genfoundry import tracking
from genfoundry.files import size_of
from genfoundry.project.root import state_path


class Part(NamedTuple):
    """A part of the state: its folders, and how what it holds comes back."""

    folders: tuple[str, ...]
    back: str


PARTS = {
    "trainings": Part(("jobs",), "by training again; what is registered stays, what was cut off begins anew"),
    "reports": Part(("reports", "reviews"), "by genfoundry report; the pages in MLflow stay"),
    "data-cache": Part(
        ("datasets", "cards", "baselines", "features", "validations", "downloads"),
        "by itself, when it is needed: from data/, DVC or the source",
    ),
    "quarantine": Part(("quarantine",), "not at all: it lists what was bad in files that were added"),
    "environments": Part(("environments",), "by itself, when genfoundry ci needs an older release"),
}


class Holding(NamedTuple):
    """A part of the state as it is: the folders that are there, their bytes, and how it comes back."""

    part: str
    folders: tuple[Path, ...]
    bytes: int
    back: str


def holdings(parts: tuple[str, ...]) -> list[Holding]:
    """These parts of the state, without those that hold nothing."""
    found = []
    for name in parts:
        folders = tuple(path for each in PARTS[name].folders if (path := state_path(each)).is_dir())
        size = sum(map(size_of, folders))
        if folders and size:
            found.append(Holding(name, folders, size, PARTS[name].back))
    return found


def forget(held: list[Holding]) -> None:
    """Delete these parts."""
    for each in held:
        for folder in each.folders:
            shutil.rmtree(folder, ignore_errors=True)


def forget_ledger(name: str) -> Path:
    """Set aside what this machine has seen of a registered model's ledger; returns where it lies now.

    Raises:
        UserError: this machine has seen none, or the model is there.
    """
    return tracking.set_witness_aside(name)
