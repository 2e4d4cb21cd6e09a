"""Series on disk: `series.parquet`, long form `unique_id, ds, y, [other channels]`, in UTC, on a full regular grid.

A gap or an empty cell is a null there, so time is never implied by position. Windows are cut from one axis on which
all series lie one after the other; none reaches over the end of its series, and none of the training windows'
futures reaches the first time stamp of `val`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.dataset import Card, read_card
from genfoundry.errors import UserError
from genfoundry.kinds.series import calendar
from genfoundry.kinds.series.grid import grid_of
from genfoundry.kinds.series.spec import SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

FILE = "series.parquet"
SPLITS = ("train", "val", "test")
MIN_OBSERVED = 0.5  # share of a window's past


class Axis(NamedTuple):
    """All series one after the other: series `i` is at `offsets[i]:offsets[i + 1]` of the arrays (T,).

    `stamps` datetime64[us] in UTC; `values` float32 of the target, 0 where missing; `mask` float32, 1 where observed.
    """

    ids: tuple[str, ...]
    offsets: np.ndarray
    stamps: np.ndarray
    values: np.ndarray
    mask: np.ndarray


class Windows(NamedTuple):
    """The axis's `values` and `mask` (T,), its calendar `time` (T, F), and N windows by series number and start."""

    values: np.ndarray
    mask: np.ndarray
    time: np.ndarray
    series: np.ndarray
    start: np.ndarray


def write(folder: Path, examples: Iterable[pd.DataFrame], card: Card) -> tuple[SeriesSpec, dict[str, int]]:
    """Write the canonical form into `folder`: one frame a series, with columns `unique_id`, `ds` and `spec.channels`.

    Args:
        card: declares the spec, whose `num_series` is filled in, and the first time stamp of `val` and of `test`.

    Returns:
        the full spec, and how many values of `y` were observed in each split.

    Raises:
        UserError: a column is missing, a time stamp comes twice or lies off the grid of `spec.freq`, or there is none.
        ValueError: the card declares no spec of series.
    """
    spec = card.spec
    if not isinstance(spec, SeriesSpec):
        raise ValueError(f"the card of '{card.name}' declares no SeriesSpec")
    by_id = {str(frame["unique_id"].iloc[0]): _regular(frame, spec) for frame in examples if len(frame)}
    if not by_id:
        raise UserError("There is no series in the data.", expected="at least one row")
    folder.mkdir(parents=True, exist_ok=True)
    _write_parquet(folder / FILE, {name: by_id[name] for name in sorted(by_id)}, spec.channels)
    axis = read(folder)
    counts = {split: int(axis.mask[_inside(axis.stamps, split, card.splits)].sum()) for split in SPLITS}
    return spec.model_copy(update={"num_series": len(by_id)}), counts


def _regular(frame: pd.DataFrame, spec: SeriesSpec) -> pd.DataFrame:
    """The channels of one series as float64 on the whole grid of its frequency, indexed by UTC time."""
    import pandas as pd

    name = frame["unique_id"].iloc[0]
    if lacking := [column for column in ("ds", *spec.channels) if column not in frame.columns]:
        raise UserError(f"Series '{name}' has no column {', '.join(map(repr, lacking))}; it has {list(frame.columns)}.")
    stamps = pd.DatetimeIndex(pd.to_datetime(frame["ds"], utc=True)).as_unit("us")
    channels = pd.DataFrame(frame[list(spec.channels)]).astype("float64").set_axis(stamps).sort_index()
    if channels.index.has_duplicates:
        twice = channels.index[channels.index.duplicated()][0]
        raise UserError(f"Series '{name}' has two rows at {twice}.", expected="one row a time stamp")
    grid, off = grid_of(pd.DatetimeIndex(channels.index), spec.freq)
    if len(off):
        raise UserError(
            f"Series '{name}' has {len(off)} of {len(channels)} rows off the grid of frequency '{spec.freq}', "
            f"the first at {off[0]}.",
            expected=f"time stamps that are whole steps of '{spec.freq}' from {channels.index[0]}",
        )
    return channels.reindex(grid)


def _write_parquet(path: Path, by_id: dict[str, pd.DataFrame], channels: tuple[str, ...]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "unique_id": pa.array(np.repeat(list(by_id), [len(frame) for frame in by_id.values()]), pa.string()),
        "ds": pa.array(
            np.concatenate([frame.index.tz_convert(None).to_numpy() for frame in by_id.values()]),  # pyright: ignore[reportAttributeAccessIssue]
            pa.timestamp("us", tz="UTC"),
        ),
    }
    for channel in channels:
        values = np.concatenate([frame[channel].to_numpy() for frame in by_id.values()])
        columns[channel] = pa.array(values, pa.float64(), from_pandas=True)  # NaN becomes null
    parquet.write_table(pa.table(columns), path, compression="zstd", write_statistics=True)


def read(folder: Path) -> Axis:
    """The target of every series of a canonical folder."""
    from pyarrow import parquet

    table = parquet.read_table(folder / FILE, columns=["unique_id", "ds", "y"])
    names = np.asarray(table["unique_id"].to_pylist(), dtype=object)
    return axis_of(names, table["ds"].to_numpy(), table["y"].to_numpy())


def axis_of(names: np.ndarray, stamps: np.ndarray, y: np.ndarray) -> Axis:
    """The axis of the rows of a canonical file: series name, time in UTC and target (T,), NaN where it is missing."""
    first = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    y = y.astype(np.float64)
    seen = np.isfinite(y)
    return Axis(
        ids=tuple(str(names[i]) for i in first),
        offsets=np.r_[first, len(names)],
        stamps=stamps.astype("datetime64[us]"),
        values=np.where(seen, y, 0).astype(np.float32),
        mask=seen.astype(np.float32),
    )


def names(folder: Path, spec: SeriesSpec) -> tuple[str, ...]:
    """The series of a canonical folder, by the numbers that `read` gives them."""
    from pyarrow import parquet

    return tuple(parquet.read_table(folder / FILE, columns=["unique_id"])["unique_id"].unique().to_pylist())


def windows(folder: Path, split: str, spec: SeriesSpec) -> Windows:
    """Every window of `split`: `spec.context` steps of past, then `spec.horizon` steps of future inside that split.

    The past may reach back into an earlier split. Windows with less than half of the past observed, or with nothing
    of the future, are left out.

    Raises:
        UserError: no window is left.
    """
    return cut_windows(read(folder), split, spec, read_card(folder))


def cut_windows(axis: Axis, split: str, spec: SeriesSpec, card: Card) -> Windows:
    """As `windows`, of series that are read already and a card that may not be sealed yet.

    Raises:
        UserError: no window is left.
    """
    inside = _inside(axis.stamps, split, card.splits)
    pairs = [_starts(axis, i, inside, spec) for i in range(len(axis.ids))]
    start = np.concatenate(pairs).astype(np.int64)
    if not len(start):
        raise UserError(
            f"{card.name}: the {split} split holds no window of {spec.context} + {spec.horizon} steps.",
            expected="a series at least that long, at least half of its past observed",
            remedy="give longer series, or a shorter context and horizon",
        )
    series = np.repeat(np.arange(len(pairs), dtype=np.int64), [len(pair) for pair in pairs])
    return Windows(axis.values, axis.mask, calendar.time_features(axis.stamps, spec.freq), series, start)


def boundary(splits: Mapping[str, str], split: str) -> np.datetime64:
    """The first time stamp of `val` or `test`, in UTC, from the card's word for it."""
    return np.datetime64(splits[split].removesuffix("Z").removesuffix("+00:00"), "us")


def _inside(stamps: np.ndarray, split: str, splits: Mapping[str, str]) -> np.ndarray:
    """(T,) bool: which time stamps belong to a split."""
    val, test = boundary(splits, "val"), boundary(splits, "test")
    return {"train": stamps < val, "val": (stamps >= val) & (stamps < test), "test": stamps >= test}[split]


def _starts(axis: Axis, number: int, inside: np.ndarray, spec: SeriesSpec) -> np.ndarray:
    begin, end = axis.offsets[number], axis.offsets[number + 1]
    start = np.arange(begin, end - spec.context - spec.horizon + 1)
    cut = start + spec.context
    observed = np.r_[0.0, axis.mask.cumsum(dtype=np.float64)]
    belongs = np.r_[0, inside.cumsum()]
    enough = observed[cut] - observed[start] >= MIN_OBSERVED * spec.context
    judged = observed[cut + spec.horizon] - observed[cut] > 0
    within = belongs[cut + spec.horizon] - belongs[cut] == spec.horizon
    return start[enough & judged & within]
