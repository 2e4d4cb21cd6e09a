"""Axes: from values to per cent of a plot's width, with matplotlib's round ticks: linear, logarithmic, or of time.

matplotlib is imported where a plot is made: it takes half a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from genfoundry.report.wording import number

LOG_FROM = 20.0  # largest over smallest value from which an axis of positive values is logarithmic
MARGIN = 0.04  # of the axis, left free on both sides


class Tick(NamedTuple):
    """A labelled place on an axis, in per cent."""

    at: float
    label: str


class Scale(NamedTuple):
    """An axis from `low` to `high` (both finite, low < high; both positive when `log`)."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a finite value lies, in per cent of the axis; values outside are held at its ends."""
        low, high, value = (self._bend(v) for v in (self.low, self.high, value))
        return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)

    def _bend(self, value: float) -> float:
        if not self.log:
            return value
        return math.log10(max(value, self.low * 1e-9))

    def ticks(self, most: int = 4) -> list[Tick]:
        """About `most` round values inside the axis, one more at most."""
        values = self._powers(most) if self.log else []
        values = values if len(values) > 1 else self._steps(most)
        return [Tick(self.at(value), _short(value)) for value in values]

    def _steps(self, most: int) -> list[float]:
        from matplotlib.ticker import MaxNLocator

        return self._inside(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high))

    def _powers(self, most: int) -> list[float]:
        from matplotlib.ticker import LogLocator

        for factors in ((1.0,), (1.0, 2.0, 5.0)):
            values = self._inside(LogLocator(subs=factors, numticks=most).tick_values(self.low, self.high))
            if len(values) > 1:
                return values[:: math.ceil(len(values) / most)]
        return []

    def _inside(self, values: Iterable[float]) -> list[float]:
        return [float(value) for value in values if self.low <= value <= self.high]


def fit(values: Iterable[float], log: bool | None = None, ends: tuple[float, ...] = ()) -> Scale:
    """The axis that shows every finite value.

    Args:
        values: non-finite ones are left out; without any, the axis is 0 to 1.
        log: None chooses a logarithm where all are positive and spread over more than a factor `LOG_FROM`.
        ends: values that the axis touches without a margin (0 and 1 for shares).
    """
    finite = [float(v) for v in (*values, *ends) if math.isfinite(v)]
    if not finite:
        return Scale(0.0, 1.0)
    low, high = min(finite), max(finite)
    if log is None:
        log = low > 0 and high / low > LOG_FROM
    if log and low > 0:
        room = (high / low) ** MARGIN if high > low else 2.0
        return Scale(low / room, high * room, log=True)
    room = (high - low) * MARGIN or abs(high) * 0.1 or 0.5
    return Scale(low if low in ends else low - room, high if high in ends else high + room)


def _short(value: float) -> str:
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "\N{MULTIPLICATION SIGN}" not in text else text


TIMES = {365.25: "%Y", 30.0: "%b %Y", 1.0: "%d %b %Y", 1 / 24: "%d %b %H:%M", 1 / 86400: "%d %b %H:%M:%S"}
"""How a tick is written where neighbouring ones are up to so many days apart."""


def time_ticks(start: str, freq: str, skipped: int, total: int) -> list[Tick]:
    """Round times along `total` steps of a regular series, the first of which is step `skipped` after `start`.

    A time or a frequency (pandas' words: `h`, `D`, `MS`) that is not understood, or beyond the calendar, gives step
    numbers.
    """
    if total < 2:
        return []
    try:
        return _times(start, freq, skipped, total)
    except (OverflowError, ValueError):
        steps = Scale(skipped, skipped + total - 1).ticks()
        return [Tick(tick.at, f"step {tick.label}") for tick in steps]


def _times(start: str, freq: str, skipped: int, total: int) -> list[Tick]:
    import numpy as np
    import pandas as pd
    from matplotlib.dates import AutoDateFormatter, AutoDateLocator, date2num

    times = pd.date_range(start, periods=skipped + total, freq=freq, unit="us")
    stamps = [time.to_pydatetime() for time in times[skipped:]]
    locator = AutoDateLocator(minticks=2, maxticks=4)
    at, written = locator.tick_values(stamps[0], stamps[-1]), AutoDateFormatter(locator)
    written.scaled = TIMES
    places = np.interp(np.asarray(at), date2num(stamps), np.linspace(0, 100, total), left=np.nan, right=np.nan)
    return [Tick(round(x, 2), str(written(day))) for day, x in zip(at, places.tolist(), strict=True) if np.isfinite(x)]
