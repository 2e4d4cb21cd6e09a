"""Whose code runs where: a checkout runs its own, a project of somebody's own the installed one."""

from __future__ import annotations

import os
from pathlib import Path

import genfoundry
from genfoundry.errors import UserError
from genfoundry.project.root import standing_root

SOURCES = "GENFOUNDRY_SOURCES"  # the folder whose sources are meant to run on this project, set by `genfoundry ci`
PACKAGE = Path(genfoundry.__file__).parent
ENVIRONMENT = ".venv"


def ensure_own_code() -> None:
    """Look that the project, where it is itself a checkout of genfoundry, runs its own sources.

    Raises:
        UserError: it would run those of another folder, as a copied checkout does by the virtual environment that was
            copied along.
        NoProject: there is no project here, or GENFOUNDRY_ROOT names no folder.
    """
    root = standing_root()
    if not _holds(root) or _runs(root) or _runs(Path(os.environ.get(SOURCES) or root)):
        return
    raise UserError(
        f"{root} is a checkout of genfoundry, but the code that runs is {PACKAGE}.",
        expected=f"its own, {root / 'src' / 'genfoundry'}: what runs is what is recorded with each model",
        remedy=_remedy(root),
    )


def _holds(folder: Path) -> bool:
    return (folder / "src" / "genfoundry" / "__init__.py").is_file()


def _runs(folder: Path) -> bool:
    return _holds(folder) and os.path.samefile(folder / "src" / "genfoundry", PACKAGE)


def _remedy(root: Path) -> str:
    """`make install` alone finds a copied environment done, though all in it leads to where it was made."""
    if not (root / ENVIRONMENT).is_dir():
        return f"cd '{root}' && make install, then run its .venv/bin/genfoundry"
    if _is_own(root):
        return f"run its own: '{root / ENVIRONMENT / 'bin' / 'genfoundry'}'"
    return (
        f"cd '{root}' && rm -r {ENVIRONMENT} && make install, then run its .venv/bin/genfoundry   "
        f"({ENVIRONMENT} was copied along, and leads to where it was made)"
    )


def _is_own(root: Path) -> bool:
    """Whether the checkout's virtual environment leads to the checkout's own sources."""
    packages = (root / ENVIRONMENT).glob("lib/python*/site-packages/*")
    links = (path for path in packages if path.suffix == ".pth" or path.name.startswith("__editable__"))
    return any(str(root / "src") in path.read_text(encoding="utf-8", errors="replace") for path in links)
