"""Geometry of the page's plots: numbers, ticks and SVG path data. The templates draw it, so every label is escaped.

A plot's box is 100 × 100 units, stretched to the width it is given; text lies beside it as HTML and keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from genfoundry.records import Score
from genfoundry.report import clock, wording
from genfoundry.report.scales import Scale, Tick, fit

MOST_POINTS = 240  # of one line; longer curves are thinned, the extremes kept
SHAPES = {"model": "dot", "real": "ring", "copy": "diamond", "noise": "cross", "auto_ets": "triangle"}
WIDE, NARROW = ("0.025", "0.975"), ("0.1", "0.9")


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


class Mark(NamedTuple):
    """One subject's value and interval on an axis, in per cent; `at` is None where it is not finite."""

    subject: str
    label: str
    shape: str
    text: str
    interval: str
    at: float | None
    low: float
    high: float


class Strip(NamedTuple):
    """All subjects of one score on one axis."""

    label: str
    question: str
    protocol: str
    direction: str
    name: str
    marks: list[Mark]
    ticks: list[Tick]
    log: bool


class Bar(NamedTuple):
    """One bar; `amount` in per cent as text, `height` and `reference` in per cent of the plot."""

    label: str
    amount: str
    height: float
    reference: float | None


def score_scale(name: str, scores: Sequence[Score]) -> Scale:
    """The axis on which scores of one name are compared."""
    ends = [end for score in scores for end in (score.value, score.low, score.high)]
    share = wording.meaning(name).share and all(0 <= end <= 1 for end in ends if math.isfinite(end))
    return fit(ends, log=False, ends=(0.0, 1.0)) if share else fit(ends)


def mark(score: Score, scale: Scale) -> Mark:
    """One score on an axis."""
    finite = math.isfinite(score.value)
    low, high = (
        scale.at(end if math.isfinite(end) else score.value) if finite else 0.0 for end in (score.low, score.high)
    )
    return Mark(
        score.subject,
        wording.subject(score.subject),
        SHAPES.get(score.subject, "square"),
        wording.value(score.name, score.value),
        wording.interval(score),
        scale.at(score.value) if finite else None,
        low,
        high,
    )


def strips(scores: Sequence[Score], primary: str) -> list[Strip]:
    """One strip a score name, the primary first; the model on top of each, then what it is measured against."""
    names = sorted({score.name: None for score in scores}, key=lambda name: name != primary)
    found = [_strip(name, [score for score in scores if score.name == name]) for name in names]
    asked: set[str] = set()
    for index, strip in enumerate(found):
        if strip.question in asked:  # told apart by their protocols, then
            found[index] = strip._replace(question=strip.protocol, protocol="")
        asked.add(strip.question)
    return found


def _strip(name: str, scores: list[Score]) -> Strip:
    scale, words = score_scale(name, scores), wording.meaning(name)
    rows = sorted(scores, key=lambda score: score.subject != "model")
    marks = [mark(score, scale) for score in rows]
    way = wording.direction(scores[0].higher_is_better)
    return Strip(words.label, words.question, words.protocol, way, name, marks, scale.ticks(), scale.log)


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


def fan(forecast: dict) -> Plot:
    """A forecast: bands of 80 % and 95 %, the median, the baselines, the past, and what came (gaps left open)."""
    future, quantiles = forecast["future"], forecast["quantiles"]
    past = forecast["past"][-max(2 * len(future), 24) :]
    skipped, total = len(forecast["past"]) - len(past), len(past) + len(future)
    lists = (past, future, *quantiles.values(), *forecast.get("baselines", {}).values())
    y = fit([v for values in lists for v in values if v is not None], log=False)
    x = Scale(0, max(total - 1, 1))
    lines = [_band("wide", quantiles, WIDE, len(past), x, y), _band("narrow", quantiles, NARROW, len(past), x, y)]
    for order, values in enumerate(forecast.get("baselines", {}).values()):
        lines.append(_line(f"baseline-{order % 3}", values, len(past), x, y))
    lines += [_line("past", past, 0, x, y), _line("median", quantiles.get("0.5", []), len(past), x, y)]
    lines.append(_line("came", [*past[-1:], *future], max(len(past) - 1, 0), x, y))
    stamps = clock.labels(forecast["start"], forecast["freq"], skipped, total)
    title = f"{forecast['series']}, {forecast['unit']}" if forecast.get("unit") else str(forecast["series"])
    alt = f"Forecast of {title}: {_hits(forecast)} of the {_known(future)} values that came lie in the 80 % band."
    note = f"{_hits(forecast)} of {_known(future)} in the 80 % band"
    return Plot(title, note, alt, [line for line in lines if line.path], stamps, y.ticks(4), x.at(len(past) - 0.5))


def _line(style: str, values: Sequence[float | None], start: int, x: Scale, y: Scale) -> Line:
    return Line(style, _path(_breaking(list(enumerate(values, start)), x, y)))


def _band(style: str, quantiles: dict, ends: tuple[str, str], start: int, x: Scale, y: Scale) -> Line:
    if not all(quantiles.get(end) for end in ends):
        return Line(style, "")
    low, high = (_breaking(list(enumerate(quantiles[end], start)), x, y) for end in ends)
    outline = [point for point in (*low, *reversed(high)) if point[1] is not None]
    return Line(style, _path(outline) + "Z")


def _known(future: Sequence[float | None]) -> int:
    return sum(value is not None and math.isfinite(value) for value in future)


def _hits(forecast: dict) -> int:
    low, high = (forecast["quantiles"].get(end, []) for end in NARROW)
    rows = zip(low, forecast["future"], high, strict=False)
    return sum(v is not None and a <= v <= b for a, v, b in rows)


def shares(values: Sequence[float], names: Sequence[str], real: Sequence[float] = ()) -> list[Bar]:
    """Bars of class shares (each 0 to 1), scaled to the largest, with the real data's share as a line on each."""
    top = max([*(v for v in (*values, *real) if math.isfinite(v)), 1e-9])
    bars = []
    for index, share in enumerate(values):
        label = str(names[index]) if index < len(names) else str(index)
        reference = round(100 * real[index] / top, 2) if index < len(real) else None
        height = round(100 * max(share, 0.0) / top, 2) if math.isfinite(share) else 0.0
        bars.append(Bar(label, wording.number(100 * share, 2), height, reference))
    return bars
