"""The one exception that a user is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


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

    def _render_traceback_(self) -> list[str]:
        """What a notebook's cell shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]

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


def explain(error: ValidationError, form: type[BaseModel], where: str, section: str = "") -> UserError:
    """The first thing that is wrong; a misspelt key before a missing one, which it explains.

    Args:
        form: what the text was to be.
        where: the document, as it is called in sentences.
        section: the dotted key of the form in the document; empty where the form is all of it.
    """
    first = min(error.errors(), key=lambda found: found["type"] == "missing")
    path = [str(part) for part in first["loc"]]
    key = ".".join([*([section] if section else []), *path])
    if first["type"] == "extra_forbidden":
        return UserError(f"{where}: unknown key '{key}'; {closest(path[-1], _fields_at(form, path[:-1]))}")
    if first["type"] == "missing":
        return UserError(f"{where}: '{key}' is missing.")
    return UserError(f"{where}: {key} = {first['input']!r}: {first['msg']}")


def _fields_at(form: type[BaseModel], path: list[str]) -> list[str]:
    fields = form.model_fields
    for part in path:
        fields = getattr(fields[part].annotation, "model_fields", {})
    return list(fields)
