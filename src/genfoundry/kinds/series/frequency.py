"""The frequency of a user's series, found from their time stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genfoundry.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

AGREEMENT = 0.9  # share of the steps that must be the most common one
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
UNITS = (("D", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000))  # in microseconds
DAY = UNITS[0][1]


def infer_frequency(table: pd.DataFrame) -> str:
    """The frequency of the rows (columns `unique_id`, `ds`; sorted), as pandas spells it.

    Raises:
        UserError: less than nine in ten steps are the same.
    """
    stamps = table["ds"].to_numpy().astype("datetime64[us]")
    same = (table["unique_id"].to_numpy()[1:] == table["unique_id"].to_numpy()[:-1]).nonzero()[0]
    if not len(same):
        raise UserError("Each series has one row only.", expected="series of many rows, in the long form")
    steps = (stamps[1:] - stamps[:-1])[same].astype(np.int64)
    step, share = _mode(steps)
    if share >= AGREEMENT:
        return _fixed(step, table)
    found = _by_month(table, same) or _by_business_day(stamps, same)
    if found:
        return found
    raise UserError(
        f"The steps in time do not agree: {_shares(steps)}.",
        expected=f"one step (hour, day, week, month, …) between at least {AGREEMENT:.0%} of the rows",
        remedy="resample the series, add the rows between as empty, or give --freq",
    )


def _mode(steps: np.ndarray) -> tuple[int, float]:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()]), float(counts.max() / len(steps))


def _fixed(step: int, table: pd.DataFrame) -> str:
    weekdays = table["ds"].dt.weekday
    if step == 7 * DAY and weekdays.nunique() == 1:
        return f"W-{WEEKDAYS[weekdays.iloc[0]]}"
    for unit, length in UNITS:
        if step % length == 0:
            return f"{step // length}{unit}".removeprefix("1") if step == length else f"{step // length}{unit}"
    raise UserError(f"The step in time is {step} microseconds.", expected="a second or longer")


def _by_month(table: pd.DataFrame, same: np.ndarray) -> str:
    days = table["ds"].dt
    if not ((days.day == 1).all() or days.is_month_end.all()):
        return ""
    side = "S" if (days.day == 1).all() else "E"
    months = (days.year * 12 + days.month).to_numpy()
    step, share = _mode((months[1:] - months[:-1])[same])
    if share < AGREEMENT:
        return ""
    first = int(days.month.iloc[0])
    if step == 12:
        return f"Y{side}-{MONTHS[first - 1]}"
    if step == 3:
        return f"Q{side}-{MONTHS[(first - 1) % 3] if side == 'S' else MONTHS[(first - 1) % 3 + 9]}"
    return f"M{side}" if step == 1 else f"{step}M{side}"


def _by_business_day(stamps: np.ndarray, same: np.ndarray) -> str:
    days = stamps.astype("datetime64[D]")
    if not np.is_busday(days).all():
        return ""
    step, share = _mode(np.busday_count(days[:-1], days[1:])[same])
    return "B" if step == 1 and share >= AGREEMENT else ""


def _shares(steps: np.ndarray) -> str:
    import pandas as pd

    values, counts = np.unique(steps, return_counts=True)
    order = counts.argsort(kind="stable")[::-1][:4]
    return ", ".join(f"{counts[i] / len(steps):.0%} are {pd.Timedelta(int(values[i]), 'us')}" for i in order)
