"""The journal of a training: one JSON line per event, appended by the child, read by whoever follows it.

It is the spool too: what could not be sent to the tracker is still here, in order. Each line has its seal; one that was
cut by a crash, or altered, is left out by every reader.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genfoundry.data import sealed
from genfoundry.data.sealed import Damaged
from genfoundry.files import write_atomic

FILE = "journal.jsonl"
LEFT_OUT = "left_out"  # the event that a file did not hold; its sentence is for whoever gave the command
BEFORE = {
    "started": {"step", "of", "pid"},
    "metrics": {"step", "of", "metrics"},
    "snapshot": {"step"},
    "samples": {"step", "file"},
    "resolved": {"device", "precision", "threads"},
    "resumed": {"step"},
    "diverged": {"step", "sentence"},
    "traceback": {"text"},
    "ended": {"outcome", "sentence", "step"},
}
"""The members of each event of the release that sealed nothing, besides its name and time."""


class Journal:
    """Appends events to `<folder>/journal.jsonl`."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        torn = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
        self._file = path.open("a", encoding="utf-8")
        if torn:
            self._file.write("\n")

    def write(self, event: str, **fields: Any) -> None:
        """Append one event, readable at once by another process."""
        self._file.write(_line({"event": event, "time": round(time.time(), 3), **fields}))
        self._file.flush()


def _line(event: dict[str, Any]) -> str:
    return json.dumps(sealed.sealed(event)) + "\n"


class Follower:
    """Reads what was appended since it last looked."""

    def __init__(self, folder: Path, offset: int = 0) -> None:
        self.path, self.offset = folder / FILE, offset

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole new line, parsed; one that does not hold is passed over."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.offset += len(line)
                if found := _opened(line):
                    yield found[0]


def events(path: Path) -> list[dict[str, Any]]:
    """Every event of a journal that has ended; says how many lines do not hold, which are left out."""
    return [event for event, _ in _whole(path)]


def repair(folder: Path) -> None:
    """Leave in a job's journal what holds, sealed, so that whoever reads it after this finds nothing else.

    Not while a training writes it.
    """
    path = folder / FILE
    if not path.exists():
        return
    whole = _whole(path)
    if not all(had_seal for _, had_seal in whole):
        sealed.say(sealed.adopted(path))
    text = "".join(_line(event) for event, _ in whole)
    if text.encode() != path.read_bytes():
        write_atomic(path, text)


def _whole(path: Path) -> list[tuple[dict[str, Any], bool]]:
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    whole = [found for line in lines if (found := _opened(line))]
    if lost := len(lines) - len(whole):
        sealed.say(sealed.damage(path, f"{lost} of {len(lines)} lines do not hold", "they are left out"))
    return whole


def _opened(line: bytes) -> tuple[dict[str, Any], bool] | None:
    """The event of a line, and whether it had a seal; None where it does not hold."""
    try:
        document = json.loads(line)
        name = document.get("event") if isinstance(document, dict) else None
        return sealed.opened(line, {"event", "time", *BEFORE.get(str(name), ())})
    except (Damaged, ValueError, RecursionError):
        return None
