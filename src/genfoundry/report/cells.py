"""Bars, matrices and tables as the templates draw them: texts, heights and shades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from genfoundry.exhibit import Bars, Matrix, Table
from genfoundry.report import wording


class Bar(NamedTuple):
    """One bar; `amount` as text, `height` and `beside` in per cent of the plot."""

    label: str
    amount: str
    height: float
    beside: list[float]


class BarChart(NamedTuple):
    """Bars and what they are of; `unit` follows each amount."""

    title: str
    caption: str
    unit: str
    bars: list[Bar]


class Cell(NamedTuple):
    """A number, how much it is, in tenths, and whether it is below zero."""

    text: str
    heat: int
    negative: bool = False


class Grid(NamedTuple):
    """A matrix of shaded cells; `corner` says what rows and columns are."""

    title: str
    caption: str
    corner: str
    columns: list[str]
    names: list[str]
    rows: list[list[Cell]]


class TextTable(NamedTuple):
    """A table of texts."""

    title: str
    caption: str
    columns: list[str]
    rows: list[list[str]]


def bars(exhibit: Bars) -> BarChart:
    """A bar per label, scaled to the largest value, with what stands beside as lines on each."""
    beside = list(exhibit.beside.values())
    values = [value for _, value in exhibit.bars] + [value for each in beside for value in each]
    top = max([*(value for value in values if math.isfinite(value)), 1e-9])
    unit = 100 if exhibit.per_cent else 1

    def height(value: float) -> float:
        return round(100 * min(max(value / top, 0.0), 1.0), 2) if math.isfinite(value) else 0.0

    found = [
        Bar(
            label,
            wording.number(unit * value, 2),
            height(value),
            [height(each[at]) for each in beside if at < len(each)],
        )
        for at, (label, value) in enumerate(exhibit.bars)
    ]
    return BarChart(exhibit.title, exhibit.caption, " %" if exhibit.per_cent else "", found)


def matrix(exhibit: Matrix) -> Grid:
    """Counts by their share of the row; where a number is negative, all by their size, the negative ones marked."""
    signed = any(value < 0 for row in exhibit.cells for value in row)
    most = max((abs(value) for row in exhibit.cells for value in row if math.isfinite(value)), default=0.0)

    def cell(value: float, row: Sequence[float]) -> Cell:
        whole = most if signed else max(sum(v for v in row if math.isfinite(v)), 1)
        heat = round(10 * min(abs(value) / whole, 1)) if math.isfinite(value) and whole else 0
        text = f"{value:,.0f}" if float(value).is_integer() else wording.number(value, 2)
        return Cell(text, heat, value < 0)

    corner = " ╲ ".join(filter(None, (exhibit.row_label, exhibit.column_label)))
    rows = [[cell(value, row) for value in row] for row in exhibit.cells]
    return Grid(exhibit.title, exhibit.caption, corner, list(exhibit.columns), list(exhibit.rows), rows)


def table(exhibit: Table) -> TextTable:
    """Words as they are, numbers as everywhere on the page."""
    cells = [[value if isinstance(value, str) else wording.number(value) for value in row] for row in exhibit.rows]
    return TextTable(exhibit.title, exhibit.caption, list(exhibit.columns), cells)
