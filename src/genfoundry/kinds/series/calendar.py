"""The frequencies that are known, and what each says: its season, horizon and context, and the cycles of the calendar.

A frequency is written as pandas does: a number of steps, a unit, and where the unit begins (`h`, `15min`, `W-MON`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from genfoundry.errors import UserError

DAY = np.timedelta64(1, "D")


class Horizon(NamedTuple):
    """Steps in a season, steps to forecast, steps of past that a model is given."""

    season: int
    horizon: int
    context: int


class Unit(NamedTuple):
    """What a unit of time says: how many make a day, or else what one step of it suggests; and its cycles by name."""

    cycles: tuple[str, ...]
    per_day: int = 0
    suggests: Horizon = Horizon(1, 5, 20)


_MONTHLY = Unit(("month_of_year",), suggests=Horizon(12, 12, 36))
_QUARTERLY = Unit(("month_of_year",), suggests=Horizon(4, 4, 16))
_YEARLY = Unit(())
UNITS: dict[str, Unit] = {
    "s": Unit(("minute_of_hour", "hour_of_day", "day_of_week", "day_of_year"), per_day=86_400),
    "min": Unit(("minute_of_hour", "hour_of_day", "day_of_week", "day_of_year"), per_day=1440),
    "h": Unit(("hour_of_day", "day_of_week", "day_of_month", "day_of_year"), per_day=24),
    "D": Unit(("day_of_week", "day_of_month", "day_of_year"), suggests=Horizon(7, 14, 56)),
    "B": Unit(("day_of_week", "day_of_month", "day_of_year"), suggests=Horizon(5, 10, 60)),
    "W": Unit(("day_of_month", "day_of_year"), suggests=Horizon(52, 13, 104)),
    "MS": _MONTHLY,
    "ME": _MONTHLY,
    "QS": _QUARTERLY,
    "QE": _QUARTERLY,
    "YS": _YEARLY,
    "YE": _YEARLY,
}


def steps_and_unit(freq: str) -> tuple[int, Unit]:
    """How many of which unit one step is.

    Raises:
        UserError: the frequency is not known.
    """
    found = re.fullmatch(r"(\d*)([A-Za-z]+)(?:-\w+)?", freq)
    if found is None or found[2] not in UNITS:
        raise UserError(
            f"Frequency '{freq}' is not known.", expected="min, h, D, B, W, MS, QS or YS, as pandas writes them"
        )
    return int(found[1] or 1), UNITS[found[2]]


def default_horizon(freq: str) -> Horizon:
    """What a frequency suggests; hours have a season of one day and seven days of past.

    Raises:
        UserError: the frequency is not known.
    """
    count, unit = steps_and_unit(freq)
    if unit.per_day:
        season = max(unit.per_day // count, 1)
        season = season if season <= 288 else max(season // 24, 1)  # a day where that is short, else an hour
        return Horizon(season, max(season, 2), 7 * max(season, 2))
    return unit.suggests if count == 1 else _YEARLY.suggests


def time_feature_names(freq: str) -> tuple[str, ...]:
    """The calendar cycles that say something at a frequency, by name, shortest first; none for years.

    Raises:
        UserError: the frequency is not known.
    """
    return steps_and_unit(freq)[1].cycles


def time_features(stamps: np.ndarray, freq: str) -> np.ndarray:
    """Positions (T, F) float32 in [-0.5, 0.5] of datetime64 `stamps` (T,) in the cycles of `time_feature_names`."""
    columns = [_position(stamps, name) for name in time_feature_names(freq)]
    return np.stack(columns, 1).astype(np.float32) if columns else np.zeros((len(stamps), 0), np.float32)


def _position(stamps: np.ndarray, name: str) -> np.ndarray:
    days, months, years = (stamps.astype(f"datetime64[{unit}]") for unit in "DMY")
    cycles = {
        "minute_of_hour": lambda: (stamps - stamps.astype("datetime64[h]")) / np.timedelta64(60, "m"),
        "hour_of_day": lambda: (stamps - days) / DAY,
        "day_of_week": lambda: ((days.astype(np.int64) + 3) % 7) / 7,  # 1970-01-01 was a Thursday; Monday is 0
        "day_of_month": lambda: (days - months.astype("datetime64[D]")) / DAY / 31,
        "day_of_year": lambda: (days - years.astype("datetime64[D]")) / DAY / 366,
        "month_of_year": lambda: (months - years.astype("datetime64[M]")).astype(np.int64) / 12,
    }
    return cycles[name]() - 0.5
