"""Geometry of the page's plots: numbers, ticks and SVG path data. The templates draw it, so every label is escaped.

A plot's box is 100 × 100 units, stretched to the width it is given; text lies beside it as HTML and keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from genfoundry.report import wording
from genfoundry.report.scales import Scale, Tick, fit, time_ticks

MOST_POINTS = 240  # of one line; longer curves are thinned, the extremes kept
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


class Bar(NamedTuple):
    """One bar; `amount` as text, `height` and `reference` in per cent of the plot."""

    label: str
    amount: str
    height: float
    reference: float | None


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
    stamps = time_ticks(forecast["start"], forecast["freq"], skipped, total)
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
    return sum(None not in row and row[0] <= row[1] <= row[2] for row in rows)


def by_step(details: Mapping[str, Sequence[float]]) -> Plot | None:
    """How the error grows with the step ahead: `crps_by_step` of the model, `crps_by_step_<baseline>` beside it."""
    start = "crps_by_step"
    if start not in details:
        return None
    model, others = details[start], [name for name in details if name.startswith(start + "_") and "noise" not in name]
    y = fit([value for name in (start, *others) for value in details[name]], log=False, ends=(0.0,))
    x = Scale(1, max(len(model), 2))
    lines = [_line(f"baseline-{order % 3}", details[name], 1, x, y) for order, name in enumerate(others)]
    lines.append(_line("median", model, 1, x, y))
    note = " · ".join(["this model", *(wording.subject(name[len(start) + 1 :]) for name in others)])
    alt = f"Error by step ahead, from {wording.number(model[0])} to {wording.number(model[-1])}." if model else ""
    return Plot("CRPS by step ahead", note, alt, lines, x.ticks(6), y.ticks(4))


def reliability(details: Mapping[str, Sequence[float]]) -> Plot | None:
    """How often a classifier is right beside how sure it says it is; on the straight line both agree."""
    sure, right = details.get("reliability/confidence", ()), details.get("reliability/accuracy", ())
    if not sure:
        return None
    x, y = Scale(0, 1), fit([*sure, *right], log=False, ends=(0.0, 1.0))
    ideal = Line("baseline-0", _path([(x.at(end), 100 - y.at(end)) for end in (0, 1)]))
    found = Line("median", _path(_breaking(list(zip(sure, right, strict=True)), x, y)))
    pairs = ", ".join(f"{wording.number(b)} at {wording.number(a)}" for a, b in zip(sure, right, strict=True))
    note = "right, by confidence · straight: what it says is so"
    return Plot("Share that is right", note, f"Share that is right by stated confidence: {pairs}.", [ideal, found],
                x.ticks(5), y.ticks(5))  # fmt: skip


def bars(values: Sequence[float], names: Sequence[str], real: Sequence[float] = (), unit: float = 1.0) -> list[Bar]:
    """A bar a class, scaled to the largest, with the real data's value as a line on each; amounts are in `unit`s."""
    top = max([*(v for v in (*values, *real) if math.isfinite(v)), 1e-9])
    found = []
    for index, value in enumerate(values):
        label = str(names[index]) if index < len(names) else str(index)
        reference = round(100 * real[index] / top, 2) if index < len(real) else None
        height = round(100 * max(value, 0.0) / top, 2) if math.isfinite(value) else 0.0
        found.append(Bar(label, wording.number(unit * value, 2), height, reference))
    return found
