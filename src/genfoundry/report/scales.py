"""Axes: from values to per cent of a plot's width, with round ticks, linear or logarithmic."""

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
        """At most `most` round values inside the axis."""
        values = _log_values(self.low, self.high, most) if self.log else []
        values = values if len(values) > 1 else _linear_values(self.low, self.high, most)
        return [Tick(self.at(value), _short(value)) for value in values]


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


def _linear_values(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if (high - low) / (power * factor) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)][: most + 1]


def _log_values(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = list(range(first, last + 1))
    if len(powers) > 1:
        return [10.0**power for power in powers[:: math.ceil(len(powers) / most)]]
    fine = [factor * 10.0**power for power in range(first - 1, last + 2) for factor in (1, 2, 5)]
    return [value for value in fine if low <= value <= high][:most]
