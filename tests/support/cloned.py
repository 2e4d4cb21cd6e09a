"""A repository that holds this working tree as its one commit, and commands of its own code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[2]
IDENTITY = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    """What git says in `folder`; raises where it refuses."""
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path) -> Path:
    """Make `folder` a repository on the branch main, with what git would take from this working tree."""
    names = git(HERE, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in names:
        if name and (HERE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "The base")
    return folder


def clone(origin: Path, folder: Path) -> Path:
    """A clone, with `origin/main`, on a branch of its own."""
    git(origin.parent, "clone", "--quiet", str(origin), str(folder))
    git(folder, "switch", "--quiet", "--create", "change")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit all there is."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message", message)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def environment(checkout: Path, packages: Path) -> dict[str, str]:
    """Variables under which `python -m genfoundry_flows.cli` is the checkout's own; `packages` is an empty folder."""
    (packages / "genfoundry_flows").symlink_to(checkout / "flows", target_is_directory=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    return {
        **inherited,
        "PYTHONPATH": f"{packages}{os.pathsep}{checkout / 'src'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GENFOUNDRY_ROOT": str(checkout),
        "OMP_NUM_THREADS": "1",
    }


def genfoundry(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the checkout that `env` names."""
    command = [sys.executable, "-P", "-m", "genfoundry_flows.cli", *arguments]
    return subprocess.run(command, cwd=env["GENFOUNDRY_ROOT"], env=env, capture_output=True, text=True, timeout=900)
