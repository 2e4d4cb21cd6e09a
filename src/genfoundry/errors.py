"""The one exception that a user is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user gave, or the machine lacks, that a sentence can explain.

    The command line prints it without a traceback and exits with `exit_code`.

    Args:
        found: what was found, and where (file, row, key).
        expected: what would have been right.
        remedy: what to do now, as a command where there is one.
    """

    exit_code = 2

    def __init__(self, found: str, *, expected: str = "", remedy: str = "") -> None:
        self.found, self.expected, self.remedy = found, expected, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.found]
        if self.expected:
            parts.append(f"Expected: {self.expected}")
        if self.remedy:
            parts.append(f"Remedy: {self.remedy}")
        return "\n".join(parts)

    def __reduce__(self):
        """Survive a pickle (a task runner may carry it between processes)."""
        return _rebuild, (type(self), self.found, self.expected, self.remedy)


def _rebuild(kind: type[UserError], found: str, expected: str, remedy: str) -> UserError:
    return kind(found, expected=expected, remedy=remedy)


def closest(word: str, known: Iterable[str]) -> str:
    """A half sentence naming the closest known word, or all of them when none is close."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
