"""How a project begins: what is to be written is planned first, step by step, and nothing that is there is replaced."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.files import write_atomic

from .changes import Beginning, Change
from .ground import ensure_fit
from .marking import marked
from .pipelines import composed, reviewed
from .steps import STEPS

__all__ = ["Beginning", "Change", "apply", "plan"]


def plan(
    root: Path, *, slug: str = "", package: str = "", ci: Sequence[str] = (), docker: bool = False
) -> list[Change]:
    """What makes a project of a folder, in the order in which it is written; all that is there stays.

    Raises:
        UserError: the folder can be no project, or a name can't be one; says why.
    """
    ensure_fit(root)
    begun, changes = marked(root, slug, package)
    for step in STEPS:
        changes += step(begun)
    changes += [change for host in ci for change in reviewed(begun, host)]
    return changes + (composed(begun) if docker else [])


def apply(changes: Sequence[Change]) -> None:
    """Write what is planned.

    Raises:
        UserError: a file can't be written; names it. Those before it are, and the same call again writes the others.
    """
    for change in changes:
        if change.content is None:
            continue
        try:
            _write(change.path.resolve(), change.content)  # a link stays one
        except OSError as error:
            raise UserError(
                f"{change.path} can't be written: {error.strerror}.",
                expected="a folder that you may write in, with nothing else under these names",
                remedy="mend that, then the same command again: what is written by then stays",
            ) from None


def _write(path: Path, content: bytes) -> None:
    """Write a file whole, with the rights that it has, or that a new one of the user's gets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
    write_atomic(path, content).chmod(mode)


def _umask() -> int:
    """What a new file's rights lack; it can be read only by setting it."""
    before = os.umask(0o077)
    os.umask(before)
    return before
