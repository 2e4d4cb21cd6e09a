"""Options of a command that are made from the fields of forms: what may be said lives with whom it is said to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

LOW, HIGH = (("ge", 0), ("gt", 1)), (("le", 0), ("lt", -1))  # pydantic's limits, and from each to the last whole number
LIMITS = {name for name, _ in (*LOW, *HIGH)}


def option(name: str, flag: str, fields: Sequence[FieldInfo]) -> click.Option:
    """One option for the fields of one name in one or more forms, each of which checks its own range again.

    It takes what any of the fields takes; a default is shown where the fields agree on it.
    """
    shown = fields[0].default if len({repr(field.default) for field in fields}) == 1 else None
    shown = shown if isinstance(shown, int | str) else None
    kind = _type(fields)
    return click.Option(
        [flag, name],
        type=None if kind is bool else kind,
        is_flag=kind is bool,
        default=shown,
        show_default=shown is not None and kind is not bool,
        help=_words([field.description or "" for field in fields]),
    )


def _words(descriptions: Sequence[str]) -> str:
    """Each description once, as one sentence."""
    text = ", or ".join(dict.fromkeys(description.rstrip(".") for description in descriptions))
    return f"{text[:1].upper()}{text[1:]}."


def _type(fields: Sequence[FieldInfo]) -> Any:
    """What click reads the fields as: all of their choices, a range that holds theirs, text where they differ."""
    kinds = {kind for field in fields for kind in _kinds(field.annotation)}
    if all(get_origin(kind) is Literal for kind in kinds):
        return click.Choice(sorted({str(choice) for kind in kinds for choice in get_args(kind)}))
    kind = kinds.pop() if len(kinds) == 1 else str
    if kind is int:
        lows, highs = zip(*map(_bounds, fields), strict=True)
        return click.IntRange(None if None in lows else min(lows), None if None in highs else max(highs))
    return click.Path(path_type=Path) if kind is Path else kind


def _kinds(annotation: Any) -> list[Any]:
    """The types of a field's annotation but None."""
    whole = get_origin(annotation) in (None, Literal)
    return [annotation] if whole else [part for part in get_args(annotation) if part is not NoneType]


def _bounds(field: FieldInfo) -> tuple[int | None, int | None]:
    """The smallest and the largest whole number of a field; None where there is none."""
    limits = {name: getattr(each, name) for each in field.metadata for name in dir(each) if name in LIMITS}
    lows, highs = ([limits[name] + step for name, step in pair if name in limits] for pair in (LOW, HIGH))
    return (lows or [None])[0], (highs or [None])[0]
