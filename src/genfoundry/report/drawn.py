"""Exhibits as the template draws them: those of one heading in one group, with one key to their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from genfoundry.exhibit import Bands, Bars, Exhibit, Lines, Matrix, Picture, Sound, Table
from genfoundry.report import cells, charts, media, wording

LOOKED_AT = ("picture", "bands", "sound")  # what the model made; the others tell how it was measured


class Group(NamedTuple):
    """Exhibits of one form below one heading; `key` holds the styles of lines and what they stand for."""

    title: str
    form: str
    items: list
    key: list[tuple[str, str]]


def groups(exhibits: Sequence[Exhibit], files: Mapping[str, bytes]) -> list[Group]:
    """All that can be drawn, in its order: what names a file that is not there, or no picture, is left out."""
    parts = groupby(exhibits, lambda each: (each.title, each.form))
    found = [_group(title, form, [*part], files) for (title, form), part in parts]
    return [group for group in found if group.items]


def _group(title: str, form: str, part: list[Exhibit], files: Mapping[str, bytes]) -> Group:
    others = list(dict.fromkeys(name for each in part for name in _others(each)))
    items = [item for each in part if (item := _item(each, files, others)) is not None]
    return Group(title, form, items, _key(part, others))


def _item(exhibit: Exhibit, files: Mapping[str, bytes], others: Sequence[str]) -> object:
    match exhibit:
        case Picture():
            return media.picture(files.get(exhibit.file), exhibit.alt, exhibit.caption)
        case Sound():
            return media.sound(files.get(exhibit.file), exhibit.caption)
        case Bands():
            return charts.bands(exhibit, others)
        case Lines():
            return charts.lines(exhibit)
        case Bars():
            return cells.bars(exhibit)
        case Matrix():
            return cells.matrix(exhibit)
        case Table():
            return cells.table(exhibit)


def _others(exhibit: Exhibit) -> list[str]:
    """What stands beside the line, or the bars, that count."""
    match exhibit:
        case Bands():
            return [*exhibit.lines]
        case Lines():
            return [*exhibit.lines][1:]
        case Bars():
            return [*exhibit.beside]
    return []


def _key(part: Sequence[Exhibit], others: Sequence[str]) -> list[tuple[str, str]]:
    beside = [(charts.beside(order), wording.subject(name)) for order, name in enumerate(others)]
    match part[0]:
        case Bands():
            return [*charts.BAND_KEY.items(), *beside]
        case Lines() if beside:
            return [("median", wording.subject(next(iter(part[0].lines)))), *beside]
        case Bars() if beside:
            return [(f"beside-{order % 3}", label) for order, (_, label) in enumerate(beside)]
    return []


def preview(exhibits: Sequence[Exhibit], files: Mapping[str, bytes], what: str) -> media.Image | charts.Plot | None:
    """What stands for a model in a small place: the first picture that may, else the first forecast."""
    for each in exhibits:
        if isinstance(each, Picture) and each.stands_for:
            return media.cropped(files.get(each.file), each.stands_for, f"The first samples of {what}")
        if isinstance(each, Bands):
            return charts.bands(each)
    return None
