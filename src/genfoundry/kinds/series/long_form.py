"""A user's table of series in long form, brought to one regular grid a series and split in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genfoundry.data import columns as cells
from genfoundry.data.before import Before
from genfoundry.data.quarantine import IntakeTally, as_text
from genfoundry.data.stamps import SHOWN, times
from genfoundry.data.tables import read_table
from genfoundry.errors import UserError
from genfoundry.kinds.series import exactness, frequency
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.kinds.series.storage import time_feature_names
from genfoundry.kinds.series.take import Options

if TYPE_CHECKING:
    import pandas as pd

GAPS_SHOWN = 20
FRACTION = 0.2  # of the time is test, where nobody says another


class SeriesTaken(NamedTuple):
    """What a file gave: one frame a series, their spec, where they are split, and what was done to them."""

    frames: list[pd.DataFrame]
    spec: SeriesSpec
    splits: dict[str, str]
    policy: dict[str, str]
    zone: str
    content: dict[str, float] = {}


def take_series(path: Path, tally: IntakeTally, options: Options, before: Before | None, *, anew: bool) -> SeriesTaken:
    """Read a CSV or Parquet file: `unique_id` (may be left out for one series), `ds`, `y`, more numeric channels.

    Args:
        before: the version that the series are added over: what it trained on stays training.
        anew: split in time anew where that leaves too little to judge on; else it is refused.

    Raises:
        UserError: anything that would have to be guessed; names the column and the rows.
    """
    typed = _typed(read_table(path), as_text(path.stem), options.na)
    table, policy = typed.table, typed.policy
    policy["rows"] = f"{len(table)} read"
    table = _in_order(_once(table, policy), policy)
    freq = options.freq or frequency.infer_frequency(table)
    channels = tuple(str(name) for name in table.columns if name not in ("unique_id", "ds"))
    spec = _spec(freq, channels, options)
    frames = list(_long_enough(table, spec, tally))
    if not frames:
        raise UserError(
            f"None of {tally.total} series is long enough: {tally.skipped[0].sentence}.",
            expected=f"at least {spec.context} steps of past and {spec.horizon} to forecast",
            remedy="give longer series, or ask for less: --context and --horizon",
        )
    policy["frequency"] = f"{freq}, {'as given' if options.freq else 'the most common step'}"
    policy["gaps"] = _gaps(frames, spec.freq)
    policy["skipped"] = f"{len(tally.skipped)} of {tally.total} series"
    splits = _splits(frames, spec, options.test_fraction or FRACTION, before, anew=anew)
    policy["split"] = f"in time: val from {splits['val']}, test from {splits['test']}"
    return SeriesTaken(frames, spec, splits, policy, typed.zone, typed.content)


class Typed(NamedTuple):
    """The columns as names, times in UTC and numbers; what was done to them, in words; the zone that the times came in;
    and what the numbers lost."""

    table: pd.DataFrame
    policy: dict[str, str]
    zone: str
    content: dict[str, float]


def _typed(raw: pd.DataFrame, only: str, na: Sequence[str]) -> Typed:
    import pandas as pd

    found = times(pd.Series(raw["ds"]))
    names = (
        cells.names(pd.Series(raw["unique_id"]))
        if "unique_id" in raw
        else pd.Series(only, index=raw.index, dtype=object)
    )
    others = [name for name in raw.columns if name not in ("unique_id", "ds", "y")]
    given, policy = _without({name: pd.Series(raw[name]) for name in ["y", *others]}, na)
    columns = {name: cells.numbers(column) for name, column in given.items()}
    losses = {name: exactness.loss(given[name], column, names) for name, column in columns.items()}
    lost = {name: loss for name, loss in losses.items() if loss}
    for name, column in columns.items():
        cells.check_channel(column, lost[name].sentence if name in lost else "")
    if lost:
        policy["precision"] = "; ".join(f"'{as_text(name)}': {loss.sentence}" for name, loss in lost.items())
    content = {fact: number for name, loss in lost.items() for fact, number in loss.rounding.counts(name).items()}
    table = pd.DataFrame({"unique_id": names, "ds": found.stamps, **columns})
    return Typed(table, {"time": found.how, **policy}, found.zone, content)


def _without(columns: dict[str, pd.Series], na: Sequence[str]) -> tuple[dict[str, pd.Series], dict[str, str]]:
    """The columns with the cells empty that `na` names, and how many those are, in words."""
    if not na:
        return columns, {}
    named = {name: cells.declared(column, na) for name, column in columns.items()}
    emptied = {
        name: column.astype(object).mask(named[name], None) if named[name].any() else column
        for name, column in columns.items()
    }
    counts = ", ".join(f"{where.sum():,} cells of '{as_text(name)}'" for name, where in named.items() if where.any())
    return emptied, {"missing": f"{', '.join(map(as_text, na))} stands for missing: {counts or 'no cell holds it'}"}


def _once(table: pd.DataFrame, policy: dict[str, str]) -> pd.DataFrame:
    """Drop rows that say the same twice; refuse rows that contradict each other."""
    distinct = table.drop_duplicates()
    again = distinct.duplicated(["unique_id", "ds"], keep=False)
    if again.any():
        first = distinct[again].iloc[0]
        rows = distinct.index[(distinct["unique_id"] == first["unique_id"]) & (distinct["ds"] == first["ds"])]
        raise UserError(
            f"{int(again.sum())} rows contradict each other, the first at {first['ds']} of "
            f"'{as_text(first['unique_id'])}': rows {', '.join(map(str, rows[:SHOWN]))}.",
            expected="one row for each unique_id and ds",
            remedy="keep one of them (if the clock was put back there, write the times with their UTC offset)",
        )
    policy["duplicates"] = f"{len(table) - len(distinct)} rows that repeat another, dropped"
    return distinct


def _in_order(table: pd.DataFrame, policy: dict[str, str]) -> pd.DataFrame:
    back = table.groupby("unique_id", sort=False)["ds"].diff().dt.total_seconds() < 0
    policy["order"] = "rows were in order of time"
    if back.any():
        policy["order"] = f"rows sorted by time: {int(back.sum())} went back, the first in row {table.index[back][0]}"
    return table.sort_values(["unique_id", "ds"], kind="stable")


def _spec(freq: str, channels: tuple[str, ...], options: Options) -> SeriesSpec:
    import pandas as pd

    try:
        freq = str(pd.tseries.frequencies.to_offset(freq).freqstr)
    except ValueError as error:
        raise UserError(f"--freq {freq}: {error}", expected="a frequency of pandas, as h, D, W-MON or MS") from None
    time_feature_names(freq)
    chosen = frequency.default_horizon(freq)
    given = {field: getattr(options, field) for field in chosen._fields}
    numbers = {field: getattr(chosen, field) if steps is None else steps for field, steps in given.items()}
    if wrong := [f"--{field} {value}" for field, value in numbers.items() if value < 1]:
        raise UserError(f"{wrong[0]} is no number of steps.", expected="1 or more")
    return SeriesSpec(freq=freq, channels=channels, **numbers)


def _long_enough(table: pd.DataFrame, spec: SeriesSpec, tally: IntakeTally) -> Iterator[pd.DataFrame]:
    import pandas as pd

    for name, frame in table.groupby("unique_id", sort=True):
        tally.total += 1
        steps = len(_grid(frame, spec.freq))
        if not pd.Series(frame["y"]).count():
            tally.skip(as_text(str(name)), "NO_VALUE", f"'{as_text(str(name))}' has no value of y")
        elif steps < spec.context + spec.horizon:
            why = f"'{as_text(str(name))}' has {steps} steps, fewer than {spec.context} + {spec.horizon}"
            tally.skip(as_text(str(name)), "TOO_SHORT", why)
        else:
            yield frame


def _grid(frame: pd.DataFrame, freq: str) -> pd.DatetimeIndex:
    """The regular time stamps from the first to the last row of one series.

    Raises:
        UserError: a row lies between them.
    """
    import pandas as pd

    grid = pd.date_range(frame["ds"].iloc[0], frame["ds"].iloc[-1], freq=freq, unit="us")
    stamps = pd.Series(frame["ds"])
    off = stamps[~stamps.isin(grid.to_series())]
    if len(off):
        raise UserError(
            f"{len(off)} of {len(frame)} rows of '{as_text(str(frame['unique_id'].iloc[0]))}' are not on the grid of "
            f"'{freq}' that starts at {frame['ds'].iloc[0]}: {cells.listed(off.astype(str))}.",
            expected=f"whole steps of '{freq}' between all rows",
            remedy="move or remove these rows, resample the series, or give --freq",
        )
    return grid


def _gaps(frames: list[pd.DataFrame], freq: str) -> str:
    """A table of the gaps, in words."""
    import numpy as np

    lines, steps = [], 0
    for frame in frames:
        grid = _grid(frame, freq)
        missing = np.flatnonzero(~grid.isin(frame["ds"]))
        for run in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1) if len(missing) else []:
            lines.append(f"'{as_text(str(frame['unique_id'].iloc[0]))}' {grid[run[0]]} ({len(run)} steps)")
            steps += len(run)
    if not lines:
        return "none"
    more = f"; … and {len(lines) - GAPS_SHOWN} more" if len(lines) > GAPS_SHOWN else ""
    return f"{len(lines)} gaps of {steps} steps in all, kept as missing: {'; '.join(lines[:GAPS_SHOWN])}{more}"


def _splits(
    frames: list[pd.DataFrame], spec: SeriesSpec, test_fraction: float, before: Before | None, *, anew: bool
) -> dict[str, str]:
    """The last `test_fraction` of time is test, half as much before it val; each holds one horizon at least.

    Neither begins earlier than in a version before of the same steps, so that what it trained on is never tested with.
    """
    import pandas as pd

    first, last = (getattr(pd.concat([f["ds"] for f in frames]), end)() for end in ("min", "max"))
    grid = pd.date_range(first, last, freq=spec.freq).to_list()
    test = max(round(test_fraction * len(grid)), spec.horizon)
    val = max(round(test_fraction / 2 * len(grid)), spec.horizon)
    if len(grid) - test - val < spec.context + spec.horizon:
        raise UserError(
            f"{len(grid)} steps leave {len(grid) - test - val} to train on, after {val} for val and {test} for test.",
            expected=f"at least {spec.context} + {spec.horizon} (context and horizon)",
            remedy="give longer series, or ask for less: --context, --horizon, --test-fraction",
        )
    splits = {"val": grid[-test - val], "test": grid[-test]}
    was = before.card if before else None
    if was and isinstance(was.spec, SeriesSpec) and was.spec.freq == spec.freq:
        floor = pd.to_datetime([was.splits[split] for split in splits])
        later = {split: max(begin, least) for (split, begin), least in zip(splits.items(), floor, strict=True)}
        short = _short(later, grid, spec)
        if short and not anew:
            raise UserError(
                f"{short}, since no split begins earlier than in the version before.",
                expected=f"{spec.horizon} steps in each (one horizon)",
                remedy="give data that go on longer, choose another --name, or split in time anew: --force",
            )
        splits = splits if short else later
    return {split: begin.isoformat() for split, begin in splits.items()}


def _short(splits: dict[str, pd.Timestamp], grid: list[pd.Timestamp], spec: SeriesSpec) -> str:
    """Which split holds less than one horizon, in words; nothing where none does."""
    ends = {"val": splits["test"], "test": None}
    for split, end in ends.items():
        steps = sum(splits[split] <= stamp and (end is None or stamp < end) for stamp in grid)
        if steps < spec.horizon:
            return f"{split} would begin at {splits[split]} and have {steps} steps"
    return ""
