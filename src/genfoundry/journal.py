"""The journal of a training: one JSON line an event, appended by the child, read by whoever follows it.

It is the spool too: what could not be sent to the tracker is still here, in order. A line that was cut by a crash is
left out by the reader.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = "journal.jsonl"


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
        self._file.write(json.dumps({"event": event, "time": round(time.time(), 3), **fields}) + "\n")
        self._file.flush()


class Follower:
    """Reads what was appended since it last looked."""

    def __init__(self, folder: Path, offset: int = 0) -> None:
        self.path, self.offset = folder / FILE, offset

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole new line, parsed."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.offset += len(line)
                try:
                    yield json.loads(line)
                except ValueError:
                    continue
