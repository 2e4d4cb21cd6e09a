"""How far the rows of series that came in lie from those that were there: values, their distribution, their level.

The population stability index over deciles, the two-sample Kolmogorov-Smirnov distance, and the change of level in
units of the old deviation. Time steps depend on each other, so the parts are contiguous blocks (subsampling: Politis,
Romano and Wolf, 1999), which hold seasons and slow swings as the new steps do, and intervals come from moving blocks
(Künsch, Annals of Statistics 17, 1989).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.data.policy import Watch
from genfoundry.kind import View, nothing
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.kinds.series.storage import FILE
from genfoundry.statistics.distances import ks_distance, stability_index
from genfoundry.statistics.drift import SPLITS, Drift, Measure, Statistic, drift, measure, noise_level
from genfoundry.statistics.interval import percentiles

if TYPE_CHECKING:
    import pandas as pd

REPLICAS = 100
BINS = 10


def measure_drift(
    old: Path, new: Path, spec: SeriesSpec, policy: Watch, trained: Callable[[], View | None] = nothing
) -> Drift:
    """What came into the folder `new` against the rows of `old`; where nothing came, what went against what stayed."""
    was, now = (_table(folder, spec.channels) for folder in (old, new))
    came, gone = _others(now, was), _others(was, now)
    there, other = (was, came) if len(came) else (was.loc[~was.index.isin(gone.index)], gone)
    measures: tuple[Measure, ...] = ()
    if len(other):
        frames = there.reset_index(), other.reset_index()
        measures = of_series(*frames, spec.channels, spec.season, policy.false_alarms)
    return drift(len(was), len(now), len(came), len(gone), measures)


def _table(folder: Path, channels: tuple[str, ...]) -> pd.DataFrame:
    """The observed rows of a dataset of series, by series and time."""
    import pandas as pd

    table = pd.read_parquet(folder / FILE, columns=["unique_id", "ds", *channels])
    return table.set_index(["unique_id", "ds"]).dropna(how="all")


def _others(table: pd.DataFrame, than: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not there, or not the same, in the other table."""
    known = than.reindex(table.index)
    same = (known == table) | (known.isna() & table.isna())
    return table.loc[~same.all(axis=1)]


def of_series(
    old: pd.DataFrame, new: pd.DataFrame, channels: tuple[str, ...], season: int, false_alarms: float, seed: int = 0
) -> tuple[Measure, ...]:
    """Measures of the rows `new` against the rows `old`, both long with `unique_id`, `ds` and the channels.

    Only series that are on both sides count, each in units of its own old mean and deviation. A channel with fewer
    than eight time steps on the old side, or none on the new one, has no measures.

    Args:
        season: steps; intervals keep that many together.
    """
    old, new = (side.loc[side["unique_id"].isin(other["unique_id"])] for side, other in ((old, new), (new, old)))
    level = false_alarms / (3 * len(channels))
    found = [_of_channel(old, new, name, season, level, np.random.default_rng(seed)) for name in channels]
    return tuple(each for measures in found for each in measures)


def _of_channel(
    old: pd.DataFrame, new: pd.DataFrame, channel: str, season: int, level: float, rng: np.random.Generator
) -> Iterator[Measure]:
    there, came = _standard(old, old, channel), _standard(old, new, channel)
    if there.steps < 8 or not came.steps:
        return
    edges = np.unique(np.quantile(there.values, np.linspace(0, 1, BINS + 1)[1:-1]))
    kinds: dict[str, tuple[Statistic, str]] = {
        f"psi_{channel}": (lambda a, b: stability_index(a, b, edges), f"PSI of {channel}"),
        f"ks_{channel}": (ks_distance, f"KS distance of {channel}"),
        f"level_{channel}": (lambda a, b: float(b.mean() - a.mean()), f"Change of the level of {channel}, deviations,"),
    }
    length = max(1, min(came.steps, there.steps // 4))
    last = there.steps - length
    starts = np.unique(np.linspace(0, last, min(SPLITS, last + 1)).round().astype(int))
    parts = [there.parted(start, start + length) for start in starts]
    replicas = [came.resampled(season, rng) for _ in range(REPLICAS)]
    for name, (statistic, what) in kinds.items():
        value = statistic(there.values, came.values)
        found = percentiles(value, [statistic(there.values, replica) for replica in replicas])
        noise = noise_level([abs(statistic(rest, block)) for rest, block in parts], level)
        yield measure(name, found, noise, what, either_way=True)


class Steps(NamedTuple):
    """One channel's values (N,) of all series in the order of time; step `i` is at `offsets[i]:offsets[i + 1]`."""

    values: np.ndarray
    offsets: np.ndarray

    @property
    def steps(self) -> int:
        return len(self.offsets) - 1

    def parted(self, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """All values but those of the steps from `begin` to before `end`, and these."""
        first, last = self.offsets[begin], self.offsets[end]
        return np.concatenate([self.values[:first], self.values[last:]]), self.values[first:last]

    def resampled(self, season: int, rng: np.random.Generator) -> np.ndarray:
        """As many steps, drawn in blocks of a season or of the cube root of their number, whichever is longer."""
        length = min(self.steps, max(season, round(self.steps ** (1 / 3))))
        starts = rng.integers(0, self.steps - length + 1, -(-self.steps // length))
        return np.concatenate([self.parted(start, start + length)[1] for start in starts])


def _standard(old: pd.DataFrame, side: pd.DataFrame, channel: str) -> Steps:
    """A channel of one side, each series in units of its old mean and deviation."""
    known = old.groupby("unique_id")[channel].agg(["mean", "std"]).loc[side["unique_id"]]
    mean, deviation = (np.asarray(known[name], np.float64) for name in ("mean", "std"))
    values = (np.asarray(side[channel], np.float64) - mean) / np.where(deviation > 0, deviation, 1.0)
    seen = np.isfinite(values)
    stamps, values = np.asarray(side["ds"].array)[seen], values[seen]
    order = np.argsort(stamps, kind="stable")
    first = np.flatnonzero(np.r_[True, stamps[order][1:] != stamps[order][:-1]][: len(order)])
    return Steps(values[order], np.r_[first, len(order)])
