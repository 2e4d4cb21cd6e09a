"""The pasts that forecasts are asked for, whose they are and up to when they are known, for `served` and `generate`.

A series is known up to its last observed value: rows behind that, without a value of `y`, are not knowledge. Which
series of the training it is, its name decides, never its place among those that are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.data.stamps import times
from genfoundry.errors import UserError
from genfoundry.kinds.series.grid import grid_of
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.kinds.series.storage import MIN_OBSERVED
from genfoundry.training.naming import unknown_series

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("unique_id", "ds", "y")


class Past(NamedTuple):
    """The last L steps (`spec.context`) of a series, up to its last observed value.

    `number` is the training's; `values` float64 (L,), NaN where missing; `stamps` (L,) in UTC; `zone` as in `stamps`.
    """

    name: str
    number: int
    values: np.ndarray
    stamps: pd.DatetimeIndex
    zone: str


def known_steps(seen: np.ndarray) -> int:
    """How many steps of a series there are up to its last observed one; `seen` (T,) is not 0 where observed."""
    return int(np.flatnonzero(seen)[-1]) + 1 if np.any(seen) else 0


def enough(seen: np.ndarray, spec: SeriesSpec) -> bool:
    """Whether a forecast can be made after the last step of `seen` (T,), by the rule that windows are judged by."""
    last = seen[-spec.context :]
    return len(last) == spec.context and float((last != 0).mean()) >= MIN_OBSERVED


def read(data: pd.DataFrame, spec: SeriesSpec, names: Sequence[str]) -> list[Past]:
    """The past of each series in a table of `unique_id`, `ds`, `y`, in alphabetical order.

    Args:
        names: what the series of the training are called, by number. Where it is empty, as for models that were
            published without, the column `series` gives the numbers; a model that learned one series needs none.

    Raises:
        UserError: a column or all rows are missing, a series is unknown, or its past is not what the model reads.
    """
    if lacking := [column for column in COLUMNS if column not in data]:
        raise UserError(f"The table has no column '{lacking[0]}'.", expected="unique_id, ds (time) and y (value)")
    if data.empty or bool(np.any(data["unique_id"].isna())):
        what = "has no row" if data.empty else "has rows without a unique_id"
        raise UserError(f"The table {what}.", expected=f"at least {spec.context} steps of each series, with its name")
    ids = data["unique_id"].astype(str).str.strip()  # as data are taken in
    frames = {str(name): frame for name, frame in data.groupby(ids, sort=True)}
    numbers = _numbers(frames, spec, names)
    return [_past(name, numbers[name], frame, spec) for name, frame in frames.items()]


def _numbers(frames: dict[str, pd.DataFrame], spec: SeriesSpec, names: Sequence[str]) -> dict[str, int]:
    given = {name: _given(name, frame) for name, frame in frames.items() if "series" in frame}
    given = {name: number for name, number in given.items() if number is not None}
    if not names:
        return _by_number([*frames], given, spec.num_series)
    places = {name: number for number, name in enumerate(names)}
    if unknown := [name for name in frames if name not in places]:
        raise unknown_series(unknown, names)
    for name, number in given.items():
        if number != places[name]:
            called = f"'{names[number]}'" if 0 <= number < len(names) else "none"
            raise UserError(
                f"Series '{name}' has the number {number} in the column `series`, which is {called} in the training.",
                expected=f"{places[name]}, or no such column: the name decides",
            )
    return {name: places[name] for name in frames}


def _given(name: str, frame: pd.DataFrame) -> int | None:
    """The one number in a series' column `series`; None where it is empty."""
    found = frame["series"].dropna().unique()
    if len(found) > 1 or (len(found) and int(found[0]) != found[0]):
        raise UserError(f"Series '{name}' has the numbers {found.tolist()} in `series`.", expected="one whole number")
    return int(found[0]) if len(found) else None


def _by_number(asked: list[str], given: dict[str, int], count: int) -> dict[str, int]:
    """For weights that were published without names."""
    if not given and len(asked) == count == 1:
        return {asked[0]: 0}
    if lacking := [name for name in asked if name not in given]:
        raise UserError(
            f"Series '{lacking[0]}' has no number, and this model was published without the names of its series.",
            expected=f"a column `series` with the number of each, 0 to {count - 1}, in the alphabetical order of the "
            "training's unique_id",
            remedy="or train it anew: genfoundry run RECIPE   (names are published with the weights now)",
        )
    if wrong := [number for number in given.values() if not 0 <= number < count]:
        raise UserError(f"series {wrong[0]}.", expected=f"0 to {count - 1}")
    return given


def _past(name: str, number: int, frame: pd.DataFrame, spec: SeriesSpec) -> Past:
    import pandas as pd

    stamps, zone = times(pd.Series(frame["ds"]))
    values = pd.Series(_values(name, frame), pd.DatetimeIndex(stamps)).sort_index()
    if values.index.has_duplicates:
        raise UserError(f"Series '{name}' has two rows at one time.", expected="one row per time stamp")
    grid, off = grid_of(pd.DatetimeIndex(values.index), spec.freq)
    if len(off):
        raise UserError(
            f"Series '{name}' has {len(off)} of {len(values)} rows off the grid of '{spec.freq}', the first at "
            f"{off[0]} (UTC).",
            expected=f"time stamps that are whole steps of '{spec.freq}' from {values.index[0]} (UTC)",
        )
    full = values.reindex(grid)
    seen = np.isfinite(full.to_numpy())
    known = known_steps(seen)
    if not enough(seen[:known], spec):
        raise _too_little(name, seen[:known], spec)
    last = full.iloc[known - spec.context : known]
    return Past(name, number, last.to_numpy(), pd.DatetimeIndex(last.index), zone)


def _values(name: str, frame: pd.DataFrame) -> np.ndarray:
    try:
        values = frame["y"].to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise UserError(f"Series '{name}' holds no numbers in `y`: {error}.", expected="numbers, or nothing") from None
    if (np.abs(values) > np.finfo(np.float32).max).any():
        raise UserError(f"Series '{name}' is infinite or too large in `y`.", expected="finite float32 numbers, or none")
    return values


def _too_little(name: str, seen: np.ndarray, spec: SeriesSpec) -> UserError:
    """Why the steps up to a series' last value are no past; `seen` (T,) says which of them are observed."""
    if not len(seen):
        found = f"Series '{name}' holds no value of y."
    elif len(seen) < spec.context:
        found = f"Series '{name}' covers {len(seen)} steps of '{spec.freq}' up to its last value."
    else:
        observed = int(seen[-spec.context :].sum())
        found = f"Series '{name}' has {observed} values in the {spec.context} steps up to its last one."
    need = f"at least {spec.context} steps, of which {MIN_OBSERVED:.0%} of the last {spec.context} have a value"
    return UserError(found, expected=need)
