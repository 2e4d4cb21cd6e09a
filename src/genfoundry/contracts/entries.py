"""The contract of any entry, by its group and full name: that it imports quietly, and keeps what its group promises."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from genfoundry import catalog
from genfoundry.contracts import datasets, families, kinds, metrics, tasks
from genfoundry.contracts.promise import BrokenPromise
from genfoundry.errors import UserError
from genfoundry.project.places import SHIPPED, importable

CONTRACTS: dict[str, Callable[[str, Path], str]] = {
    "models": families.check,
    "metrics": metrics.check,
    "datasets": datasets.check,
    "kinds": kinds.check,
    "tasks": tasks.check,
}
"""What tries the entries of a group; each gives in words what was tried."""


def of_others(group: str, *, installed: bool = False) -> list[str]:
    """The full names of the project's own entries, and those of installed distributions if they are asked for."""
    return [
        name
        for name, place in sorted(catalog.places(group).items())
        if place.own or (installed and not place.module.startswith(f"{SHIPPED}."))
    ]


def check(group: str, name: str) -> str:
    """Try one entry; says in words what was tried.

    Raises:
        BrokenPromise | UserError: what is wrong with it, a sentence that names its file.
    """
    path = catalog.place_of(group, name).path or catalog.source(group, name)
    _import(group, name, path)
    try:
        with tempfile.TemporaryDirectory(prefix="genfoundry-check-") as folder:
            return CONTRACTS[group](name, Path(folder))
    except UserError as error:
        if str(path) in error.found:
            raise
        raise BrokenPromise(f"{path}: {error.found}", expected=error.expected, remedy=error.remedy) from error
    except Exception as error:
        raise BrokenPromise(
            f"{path}{_line(error, path)} raised {type(error).__name__}: {error}",
            expected="what it promises, without an error",
        ) from error


def _line(error: Exception, path: Path) -> str:
    """The last line of an entry that an error came through, as `:12`; of a folder with the file's name."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename == str(path) or Path(frame.filename).parent == path]
    if not mine:
        return ""
    file = Path(mine[-1].filename)
    return f"{'' if file == path else f'/{file.name}'}:{mine[-1].lineno}"


def _import(group: str, name: str, path: Path) -> None:
    """Import an entry, and all of its parts.

    Raises:
        BrokenPromise: it prints or starts threads while it is imported, as whoever lists or trains it would have it.
    """
    importable()
    wanted = ["", *catalog.parts(group, name)] if path.is_dir() else [""]
    said, before = io.StringIO(), {*threading.enumerate()}
    with contextlib.redirect_stdout(said):
        for part in wanted:
            if catalog.module_name(group, name, part) not in sys.modules:
                catalog.part(group, name, part)
    if text := said.getvalue():
        raise BrokenPromise(
            f"{path} prints while it is imported: {text.strip()[:80]!r}.",
            expected="imports without effects; a print inside a function is well",
        )
    if started := {*threading.enumerate()} - before:
        raise BrokenPromise(
            f"{path} starts {', '.join(sorted(repr(each.name) for each in started))} while it is imported.",
            expected="imports without effects: start threads where the work is",
        )
