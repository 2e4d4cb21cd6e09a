"""The regular grid of a series: one time stamp for each step of its frequency, from its first row to its last."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pandas as pd


def steps_between(first: pd.Timestamp, last: pd.Timestamp, freq: str) -> pd.DatetimeIndex:
    """The steps of `freq` from `first` up to `last`, to the microsecond."""
    import pandas as pd

    return pd.date_range(first, last, freq=freq, unit="us")


def steps_from(first: pd.Timestamp, count: int, freq: str) -> pd.DatetimeIndex:
    """The first `count` steps of `freq`, of which `first` is one or lies before."""
    import pandas as pd

    return pd.date_range(first, periods=count, freq=freq)


def grid_of(stamps: pd.DatetimeIndex, freq: str) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """The grid of time stamps (N,) in order of time, and those of them that lie off it, as they came."""
    import pandas as pd

    grid = steps_between(cast("pd.Timestamp", stamps[0]), cast("pd.Timestamp", stamps[-1]), freq)
    return grid, pd.DatetimeIndex(stamps[~stamps.isin(grid)])
