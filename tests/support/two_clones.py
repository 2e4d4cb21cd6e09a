"""Two clones of one project, real git and real DVC, and a remote between them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cloned import commit, git

from genfoundry.stages.ingest import Intake, add

CONFIG = "[core]\n    analytics = false\n    remote = local\n['remote \"local\"']\n    url = ../../remote\n"


def dvc(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def photos(home: Path, seed: int, count: int = 12) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for index in range(count):
        pixels = np.random.default_rng((seed, index)).integers(0, 256, (16, 16)).astype(np.uint8)
        Image.fromarray(pixels).save(home / f"{index:02}.png")
    return home


class Clones:
    """Two clones of one project, and which of them this process stands in."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.monkeypatch = home, monkeypatch
        self.one, self.two = home / "one", home / "two"
        (self.one / ".dvc").mkdir(parents=True)
        (self.one / ".dvc" / "config").write_text(CONFIG)
        (self.one / ".dvc" / ".gitignore").write_text("/cache\n/tmp\n/config.local\n")
        (self.one / ".gitignore").write_text("/data\n/.genfoundry\n")
        git(self.one, "init", "--quiet", "--initial-branch=main")

    def enter(self, clone: Path) -> None:
        self.monkeypatch.setenv("GENFOUNDRY_ROOT", str(clone))

    def add(self, clone: Path, name: str, seed: int, **options) -> Intake:
        self.enter(clone)
        return add(photos(self.home / name, seed), name, licence="own", consent="own", **options)

    def second(self) -> None:
        commit(self.one, "The first")
        git(self.home, "clone", "--quiet", str(self.one), str(self.two))

    def pull(self, clone: Path) -> None:
        other = self.one if clone is self.two else self.two
        commit(other, "A change")
        git(clone, "pull", "--quiet", str(other), "HEAD")
