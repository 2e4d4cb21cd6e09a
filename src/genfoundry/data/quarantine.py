"""What was not taken, and why. The user's files are never touched: files in = used + quarantined + skipped.

Quarantined is what is bad; skipped is what was never meant as data (hidden files, side files, exact duplicates).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.project.root import state_dir
from genfoundry.records import Record

FILE = "quarantine.json"
MEMBERS = ("dataset", "counts", "quarantined", "skipped")
SHOWN = 5  # items that a message lists


class Item(Record):
    """One file (or series) that was not taken; `sha256` is empty where its bytes were not read."""

    path: str
    reason: str
    sentence: str
    sha256: str = ""


class RefusedError(Exception):
    """Why one item can't be taken: a code and a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason, self.sentence = reason, sentence


def as_text(name: str | os.PathLike) -> str:
    """A file's name as printable text: control characters and undecodable bytes are spelt out."""
    decoded = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)


def count_reasons(items: Sequence[Item]) -> str:
    """How many of each reason, as `2 EMPTY, 1 TRUNCATED`; `none` for none."""
    counts = Counter(item.reason for item in items)
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) or "none"


def put_aside(name: str) -> list[dict[str, str]]:
    """The items of a dataset that lie in quarantine, one mapping an item; none where none was ever written down."""
    path = state_dir("quarantine") / name / FILE
    then = f"what was put aside of '{name}' is not shown; `genfoundry data add` writes it anew"
    return sealed.read(path, MEMBERS, _items, then) or []


def _items(report: dict[str, Any]) -> list[dict[str, str]]:
    return [Item.model_validate(item).model_dump() for item in report["quarantined"]]


class IntakeTally:
    """What became of every item on the way in.

    Args:
        name: of the dataset.
        limit: the largest share of the items meant as data that may be bad, 0 to 1.
        noun: what an item is, in the plural.
    """

    def __init__(self, name: str, limit: float, noun: str = "files") -> None:
        self.name, self.limit, self.noun = name, limit, noun
        self.total = 0
        self.quarantined: list[Item] = []
        self.skipped: list[Item] = []

    def refuse(self, path: str, refused: RefusedError, sha256: str = "") -> None:
        """Put one item into quarantine."""
        self.quarantined.append(Item(path=path, reason=refused.reason, sentence=refused.sentence, sha256=sha256))

    def skip(self, path: str, reason: str, sentence: str, sha256: str = "") -> None:
        """Leave one item out that is not bad."""
        self.skipped.append(Item(path=path, reason=reason, sentence=sentence, sha256=sha256))

    @property
    def found(self) -> dict[str, int]:
        """How many items there were, and what became of them; the last three add up to the first."""
        out = len(self.quarantined) + len(self.skipped)
        return {
            "found": self.total,
            "used": self.total - out,
            "quarantined": len(self.quarantined),
            "skipped": len(self.skipped),
        }

    def check(self) -> None:
        """Stop where too much is bad.

        Raises:
            UserError: lists the first bad items.
        """
        bad, judged = len(self.quarantined), self.total - len(self.skipped)
        if bad <= self.limit * judged:
            return
        listed = "\n".join(f"  {item.path}: {item.reason}, {item.sentence}" for item in self.quarantined[:SHOWN])
        report = f".genfoundry/quarantine/{self.name}/{FILE}"
        links = (
            ", read what links lead to: --follow-links" if any(i.reason == "SYMLINK" for i in self.quarantined) else ""
        )
        more = f"\n  … and {bad - SHOWN} more, all listed in {report}" if bad > SHOWN else ""
        raise UserError(
            f"{bad} of {judged} {self.noun} are bad ({count_reasons(self.quarantined)}):\n{listed}{more}",
            expected=f"at most {self.limit:.1%} bad",
            remedy=f"correct or remove them{links}, or allow more with --max-bad-fraction",
        )

    def write(self) -> Path:
        """Write `.genfoundry/quarantine/<name>/quarantine.json`: the counts, and each item with its reason."""
        report = {
            "dataset": self.name,
            "counts": self.found,
            "quarantined": [item.model_dump() for item in self.quarantined],
            "skipped": [item.model_dump() for item in self.skipped],
        }
        return sealed.write(state_dir("quarantine", self.name) / FILE, report)
