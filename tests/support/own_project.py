"""A project with a package of its own, and what is called in it as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genfoundry import metric
from genfoundry.project import places

GENFOUNDRY = Path(sys.executable).with_name("genfoundry")


def own_project(folder: Path, slug: str = "acme", package: str = "acme_lab", *more: str) -> Path:
    """A folder with a mark, and an empty package."""
    (folder / package).mkdir(parents=True)
    lines = [f'slug = "{slug}"', f'package = "{package}"', *more]
    (folder / "genfoundry.toml").write_text("\n".join(lines) + "\n")
    return folder


def called(
    folder: Path, *arguments: str, paths: tuple[Path, ...] = (), program: tuple[str, ...] = (str(GENFOUNDRY),)
) -> subprocess.CompletedProcess[str]:
    """What a command says in a folder; `paths` are where distributions lie besides."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GENFOUNDRY_")}
    env |= {"PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    return subprocess.run(
        [*program, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False
    )


REMEMBERED = (metric.score_kinds, metric.subjects, places.in_distributions, places._points)
_used: list[Path] = []


def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that this process believes in until the test ends, as if no other had been there before."""
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(folder))
    _used.append(folder)
    forget()
    return folder


def forget() -> None:
    """Read anew what a process reads once, where a test had a project of its own."""
    for each in REMEMBERED if _used else ():
        each.cache_clear()
