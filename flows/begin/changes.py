"""What a step of the beginning is given, and what it plans."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from genfoundry.project.mark import Mark


class Change(NamedTuple):
    """A file that is to be written, whole; `content` is None where it stays. `why` says why, or what for."""

    path: Path
    content: bytes | None
    why: str = ""
    added: bool = False  # to a file that is there


class Beginning(NamedTuple):
    """The folder that becomes a project, and what its mark says, or will say."""

    root: Path
    mark: Mark

    @property
    def name(self) -> str:
        """What the project is called in names of files."""
        return self.mark.slug or self.mark.package or "project"

    @property
    def repository(self) -> Path | None:
        """The top of the git repository that holds the folder; None where there is none, or no git."""
        return repository(self.root)


Step = Callable[[Beginning], list[Change]]


@cache
def repository(folder: Path) -> Path | None:
    """The top of the git repository of a folder; None where there is none, or no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--show-toplevel"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(done.stdout.rstrip("\n")) if done.returncode == 0 else None


def new(path: Path, text: str, why: str = "") -> Change:
    """The file with that text, unless something of that name is there."""
    return Change(path, None, "it is there") if path.exists() else Change(path, text.encode(), why)


def with_lines(path: Path, lines: list[str], why: str = "") -> Change:
    """The file with those lines that it lacks behind its own, byte for byte."""
    before = path.read_bytes() if path.is_file() else b""
    known = {line.strip() for line in before.decode("utf-8", errors="replace").splitlines()}
    missing = [line for line in lines if line not in known]
    if not missing:
        return Change(path, None, "it has these lines")
    return Change(path, before + appended(before, "\n".join(missing)), why, added=bool(before))


def appended(before: bytes, text: str) -> bytes:
    """A text as it goes behind those bytes: from a line of its own, with line ends like theirs."""
    end = b"\r\n" if b"\r\n" in before else b"\n"
    start = end if before and not before.endswith(b"\n") else b""
    return start + text.encode().replace(b"\n", end) + end
