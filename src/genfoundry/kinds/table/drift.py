"""How far the rows that came in lie from those that were there: each column's values, and how many of them miss.

Numbers and dates by the two-sample Kolmogorov-Smirnov distance, categories and booleans by the total variation between
the shares of their levels (those that were not there before are one more), gaps by the change of their share. Rows do
not depend on each other, so the noise is that of random parts of the old rows.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.data.policy import Watch
from genfoundry.kind import View, nothing
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.division import row_digests
from genfoundry.kinds.table.spec import Column, TableSpec
from genfoundry.statistics.distances import ks_distance, total_variation
from genfoundry.statistics.drift import Drift, Measure, beside_noise, drift, measure, sampled

if TYPE_CHECKING:
    import pandas as pd

MOST = 10_000  # rows that came in; of those that were there twice as many
FEWEST = 8  # on either side


class RowChanges(NamedTuple):
    """How many rows there were and are, which came in, and how many went."""

    before: int
    after: int
    came: pd.DataFrame
    gone: pd.DataFrame
    stayed: pd.DataFrame


def measure_drift(
    old: Path, new: Path, spec: TableSpec, policy: Watch, trained: Callable[[], View | None] = nothing
) -> Drift:
    """What came into the folder `new` against all rows of `old`; where nothing came, what went against what stayed."""
    found = change(_whole(old), _whole(new))
    there = found.stayed if not len(found.came) else _whole(old)
    other = found.came if len(found.came) else found.gone
    measures = of_tables(there, other, spec, policy.false_alarms)
    return drift(found.before, found.after, len(found.came), len(found.gone), measures)


def _whole(folder: Path) -> pd.DataFrame:
    """All rows of a version, of both splits."""
    import pandas as pd

    return pd.concat([_plain(storage.read(folder, split)) for split in storage.SPLITS], ignore_index=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as text: those of two versions may be other ones."""
    return frame.astype({name: object for name in frame.columns if frame[name].dtype == "category"})


def change(was: pd.DataFrame, now: pd.DataFrame) -> RowChanges:
    """The rows that are on one side alone; equal rows count as one."""
    old, new = (np.array(row_digests(frame), dtype="S8") for frame in (was, now))
    came, gone = ~np.isin(new, old), ~np.isin(old, new)
    return RowChanges(len(was), len(now), now[came], was[gone], was[~gone])


def of_tables(
    old: pd.DataFrame, new: pd.DataFrame, spec: TableSpec, false_alarms: float, seed: int = 0
) -> tuple[Measure, ...]:
    """Measures of the rows `new` against the rows `old`, column by column; none where a side has fewer than eight.

    Args:
        false_alarms: above 0, below 1, for all measures together.
    """
    if min(len(old), len(new)) < FEWEST:
        return ()
    columns = [column for column in spec.columns if column.name in old.columns and column.name in new.columns]
    gaps = {c.name: bool(old[c.name].isna().any() or new[c.name].isna().any()) for c in columns}
    level = false_alarms / (len(columns) + sum(gaps.values()))
    rng = np.random.default_rng(seed)
    picked = [side.iloc[sampled(np.arange(len(side)), n, rng)] for side, n in ((old, 2 * MOST), (new, MOST))]
    found = (_of_column(c, picked[0][c.name], picked[1][c.name], gaps[c.name], level, rng) for c in columns)
    return tuple(each for of_one in found for each in of_one)


def _of_column(
    column: Column, old: pd.Series, new: pd.Series, gaps: bool, level: float, rng: np.random.Generator
) -> Iterator[Measure]:
    name, (there, came) = column.name, (_values(side.dropna(), column) for side in (old, new))
    statistic = total_variation if column.coded else ks_distance
    prefix, what = ("tv", "Share of rows that changed level") if column.coded else ("ks", "KS distance")
    if min(len(there), len(came)) >= FEWEST:
        found, noise = beside_noise(statistic, there, came, level, rng)
        yield measure(f"{prefix}_{name}", found.clip(0, 1), noise, f"{what} of {name}")
    if gaps:
        empty = [side.isna().to_numpy().astype(np.int64) for side in (old, new)]
        found, noise = beside_noise(total_variation, *empty, level, rng)
        yield measure(f"missing_{name}", found.clip(0, 1), noise, f"Change of the share of {name} that misses")


def _values(filled: pd.Series, column: Column) -> np.ndarray:
    """Numbers as they are, dates in microseconds, categories by their code; a new category is one after the last."""
    if not column.coded:
        return filled.to_numpy("datetime64[us]").astype(np.int64) if column.type == "date" else filled.to_numpy(float)
    known = {label: code for code, label in enumerate(column.labels)}
    return np.array([known.get(str(value), len(known)) for value in filled], np.int64)
