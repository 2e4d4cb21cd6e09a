"""Geometry of the page's plots: numbers, ticks and SVG path data. The templates draw it, so every label is escaped.

A plot's box is 100 × 100 units, stretched to the width it is given; text lies beside it as HTML and keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from genfoundry.exhibit import Bands, Lines
from genfoundry.report import wording
from genfoundry.report.scales import Scale, Tick, fit, time_ticks

MOST_POINTS = 240  # of one line; longer curves are thinned, the extremes kept
MOST_TOLD = 20  # points of a line that are read out
WIDE, NARROW = ("0.025", "0.975"), ("0.1", "0.9")
Quantiles = Mapping[str, Sequence[float | None]]  # by level
BAND_KEY = {"past": "past", "observed": "observed", "median": "median", "narrow": "80 % band", "wide": "95 % band"}


class Line(NamedTuple):
    """A stroke: `style` is a class of the style sheet, `path` is SVG path data in the 100 × 100 box."""

    style: str
    path: str


class Plot(NamedTuple):
    """A framed plot."""

    title: str
    note: str
    alt: str
    lines: list[Line]
    xs: list[Tick]
    ys: list[Tick]
    now: float | None = None


def curve(name: str, points: Sequence[tuple[int, float]]) -> Plot:
    """A learning curve: every value faint, a running mean over it; values that are not finite break the line."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    values = [value for _, value in finite]
    first, last_step = min((step for step, _ in points), default=0), max((step for step, _ in points), default=0)
    x, y = Scale(first, max(last_step, first + 1)), fit(values)
    lines = [Line("smooth", _path([(x.at(s), 100 - y.at(v)) for s, v in _thin(_smooth(finite))]))]
    if len(finite) > 30:
        lines.insert(0, Line("raw", _path(_breaking(_thin(points), x, y))))
    lost = len(points) - len(finite)
    last = wording.number(values[-1]) if values else "nothing finite"
    note = f"{lost} values are not finite" if lost else ("logarithmic" if y.log else "")
    alt = f"Curve of {name} over {len(points)} points, ending at {last}."
    return Plot(_plain(name), f"{last}" + (f" · {note}" if note else ""), alt, lines, x.ticks(3), y.ticks(4))


def _plain(name: str) -> str:
    return name.replace("/", " · ").replace("_", " ")


def _smooth(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Mean over a centred window of a twentieth of the curve, narrower towards the ends."""
    sums = [0.0, *accumulate(value for _, value in points)]
    smooth = []
    for index, (step, _) in enumerate(points):
        reach = min(len(points) // 40, index, len(points) - 1 - index)
        first, last = index - reach, index + reach + 1
        smooth.append((step, (sums[last] - sums[first]) / (last - first)))
    return smooth


def _thin(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `MOST_POINTS` points: of each stretch the lowest and the highest, in their order."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = math.ceil(2 * len(points) / MOST_POINTS)
    kept = []
    for start in range(0, len(points), size):
        stretch = [p for p in points[start : start + size] if math.isfinite(p[1])]
        ends = {min(stretch, key=_height), max(stretch, key=_height)} if stretch else {points[start]}
        kept.extend(sorted(ends))
    return kept


def _height(point: tuple[int, float]) -> float:
    return point[1]


def _breaking(points: Sequence[tuple[float, float | None]], x: Scale, y: Scale) -> list[tuple[float, float | None]]:
    return [(x.at(at), 100 - y.at(v) if v is not None and math.isfinite(v) else None) for at, v in points]


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    parts, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x:.2f} {y:.2f}")
        pen = "L"
    return "".join(parts)


def bands(exhibit: Bands, others: Sequence[str] = ()) -> Plot:
    """A forecast: bands of 80 % and 95 %, the median, the others, the past, and what was observed (gaps left open).

    Args:
        others: the names of all lines beside forecasts of this group, in the order of their styles.
    """
    observed, quantiles = exhibit.observed, exhibit.quantiles
    past = exhibit.past[-max(2 * len(observed), 24) :]
    skipped, total, cut = len(exhibit.past) - len(past), len(past) + len(observed), len(past)
    shown = (past, observed, *quantiles.values(), *exhibit.lines.values())
    y = fit([v for values in shown for v in values if v is not None], log=False)
    x = Scale(0, max(total - 1, 1))
    lines = [_band("wide", quantiles, WIDE, cut, x, y), _band("narrow", quantiles, NARROW, cut, x, y)]
    order = [*dict.fromkeys((*others, *exhibit.lines))]
    lines += [_line(beside(order.index(name)), values, cut, x, y) for name, values in exhibit.lines.items()]
    lines += [_line("past", past, 0, x, y), _line("median", quantiles.get("0.5", ()), cut, x, y)]
    lines.append(_line("observed", [*past[-1:], *observed], max(cut - 1, 0), x, y))
    stamps = time_ticks(exhibit.start, exhibit.freq, skipped, total)
    title = f"{exhibit.caption}, {exhibit.unit}" if exhibit.unit else exhibit.caption
    held = f"{_hits(exhibit)} of {_known(observed)}"
    alt = f"Forecast of {title}: {held} of the values observed lie in the 80 % band."
    drawn = [line for line in lines if line.path]
    return Plot(title, f"{held} in the 80 % band", alt, drawn, stamps, y.ticks(4), x.at(cut - 0.5))


def beside(order: int) -> str:
    """The class of the style sheet of what stands beside, by its place."""
    return f"baseline-{order % 3}"


def _line(style: str, values: Sequence[float | None], start: int, x: Scale, y: Scale) -> Line:
    return Line(style, _path(_breaking(list(enumerate(values, start)), x, y)))


def _band(
    style: str, quantiles: Mapping[str, Sequence[float | None]], ends: tuple[str, str], start: int, x: Scale, y: Scale
) -> Line:
    if not all(quantiles.get(end) for end in ends):
        return Line(style, "")
    low, high = (_breaking(list(enumerate(quantiles[end], start)), x, y) for end in ends)
    outline = [point for point in (*low, *reversed(high)) if point[1] is not None]
    return Line(style, _path(outline) + "Z")


def _known(future: Sequence[float | None]) -> int:
    return sum(value is not None and math.isfinite(value) for value in future)


def _hits(exhibit: Bands) -> int:
    low, high = (exhibit.quantiles.get(end, ()) for end in NARROW)
    rows = zip(low, exhibit.observed, high, strict=False)
    return sum(a is not None and v is not None and b is not None and a <= v <= b for a, v, b in rows)


def lines(exhibit: Lines) -> Plot:
    """Curves on one pair of axes, the first one on top."""
    points = [point for line in exhibit.lines.values() for point in line]
    xs = [x for x in (*(at for at, _ in points), *exhibit.x_ends) if math.isfinite(x)] or [0.0]
    x = Scale(min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1)
    y = fit([value for _, value in points], log=False, ends=exhibit.y_ends)
    styles = ["median", *(beside(order) for order in range(len(exhibit.lines) - 1))]
    drawn = [
        Line(style, _path(_breaking(line, x, y))) for style, line in zip(styles, exhibit.lines.values(), strict=False)
    ]
    first = next(iter(exhibit.lines.values()), ())
    pairs = ", ".join(f"{wording.number(value)} at {wording.number(at)}" for at, value in _ends(first))
    alt = f"{exhibit.title}: {exhibit.y_label} over {exhibit.x_label}, {pairs}."
    note = f"over {exhibit.x_label}"
    return Plot(exhibit.y_label, note, alt, [line for line in reversed(drawn) if line.path], x.ticks(6), y.ticks(5))


def _ends(line: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """What a screen reader is told of a line: all of a short one, else its ends."""
    return line if len(line) <= MOST_TOLD else (line[0], line[-1])
