"""Where the mark of a project is, whatever it says. All ask for the project's root, so this is quick and light."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

OWN_FILE, SHARED_FILE = "genfoundry.toml", "pyproject.toml"
FILES = (OWN_FILE, f"[tool.genfoundry] in {SHARED_FILE}")
TABLE = re.compile(r"^\s*\[\s*tool\s*\.\s*genfoundry\s*[\].]", re.MULTILINE)


def is_marked(folder: str | Path) -> bool:
    """Whether a folder has a mark."""
    return os.path.isfile(os.path.join(folder, OWN_FILE)) or has_table(os.path.join(folder, SHARED_FILE))


def file_of(folder: Path) -> Path | None:
    """The file that holds the mark of a folder; None where it has none."""
    if not is_marked(folder):
        return None
    return own if (own := folder / OWN_FILE).is_file() else folder / SHARED_FILE


def has_table(path: str | Path) -> bool:
    """Whether a `pyproject.toml` holds the table."""
    try:
        state = os.stat(path)
        return _holds_table(str(path), state.st_mtime_ns, state.st_size)
    except OSError:
        return False


@cache
def _holds_table(path: str, changed: int, size: int) -> bool:
    """Read once in a process, until the file is another one."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return bool(TABLE.search(file.read()))
