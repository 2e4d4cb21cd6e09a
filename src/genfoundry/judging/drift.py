"""How far a new version of a dataset lies from the old one, beside how far chance alone puts a part of the old one.

What came in is compared with what was there. Each measure has a 95 % interval and a noise level: what the same measure
shows between two parts of the old data of the same sizes, exceeded by a share of at most `false_alarms` of changes of
no consequence, all measures together (Bonferroni). The order statistic that is taken is that of a permutation test
(Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010), so few splits never make it too low.

Images: KID of features (its permutation test is Gretton, JMLR 13, 2012, section 5), and the total variation between
class histograms.

Series: the population stability index over deciles, the two-sample Kolmogorov-Smirnov distance, and the change of level
in units of the old deviation. Time steps depend on each other, so the parts are contiguous blocks (subsampling:
Politis, Romano and Wolf, 1999), which hold seasons and slow swings as the new steps do, and intervals come from moving
blocks (Künsch, Annals of Statistics 17, 1989).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.judging.distances import KernelDistance, ks_distance, stability_index, total_variation
from genfoundry.judging.interval import Estimate, half_samples, percentiles
from genfoundry.records import Record

if TYPE_CHECKING:
    import pandas as pd

MOST = 1000  # images that came in; of those that were there twice as many
SPLITS = 400  # of the old data, for one noise level
REPLICAS = 100
BINS = 10

Statistic = Callable[[np.ndarray, np.ndarray], float]


class Measure(Record):
    """One distance between old and new, its 95 % interval, and the noise that it has to exceed."""

    name: str
    value: float
    low: float
    high: float
    noise: float
    exceeds: bool
    sentence: str


class Drift(Record):
    """What became of a dataset's rows, and how far they drifted; `exceeds` where one measure exceeds its noise."""

    rows_before: int
    rows_after: int
    new_rows: int
    gone_rows: int
    measures: tuple[Measure, ...]
    exceeds: bool


def drift(rows_before: int, rows_after: int, new_rows: int, gone_rows: int, measures: tuple[Measure, ...]) -> Drift:
    """The record of these measures."""
    return Drift(
        rows_before=rows_before,
        rows_after=rows_after,
        new_rows=new_rows,
        gone_rows=gone_rows,
        measures=measures,
        exceeds=any(measure.exceeds for measure in measures),
    )


def _measure(name: str, found: Estimate, noise: float, what: str, either_way: bool = False) -> Measure:
    exceeds = (abs(found.value) if either_way else found.value) > noise
    relation = "beyond" if exceeds else "within"
    shown = f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}]"
    sentence = f"{what} {shown}, {relation} its noise of {noise:.3g}."
    return Measure(name=name, **found._asdict(), noise=noise, exceeds=exceeds, sentence=sentence)


def _noise(draws: list[float], level: float) -> float:
    """The value that a further draw exceeds with a probability of at most `level`; the largest where draws are few."""
    rank = math.ceil((1 - level) * (len(draws) + 1))
    return float(sorted(draws)[min(rank, len(draws)) - 1])


class Images(NamedTuple):
    """Features (N, D) of images, and the class (M,) of each of as many or more, -1 where it has none."""

    features: np.ndarray
    labels: np.ndarray


def of_images(old: Images, new: Images, view: str, false_alarms: float, seed: int = 0) -> tuple[Measure, ...]:
    """Measures of images that came in against those that were there; none where either side has fewer than four.

    Args:
        view: the name of the features' space. A network that was trained on the old training split has seen those
            images and none of the new ones: give it the old test split.
        false_alarms: above 0, below 1, for all measures together.
    """
    if min(len(old.features), len(new.features)) < 4:
        return ()
    labelled = bool((old.labels >= 0).any())
    level = false_alarms / (2 if labelled else 1)
    rng = np.random.default_rng(seed)
    there, came = sampled(old.features, 2 * MOST, rng), sampled(new.features, MOST, rng)
    kernel = KernelDistance(np.concatenate([there, came]))
    rows = np.arange(len(there) + len(came))
    found, noise = _split(kernel, rows[: len(there)], rows[len(there) :], level, rng)
    measures = [_measure(f"kid_{view}", found, noise, f"KID in {view}")]
    if labelled:
        was, came = (sampled(side.labels, 10 * MOST, rng) for side in (old, new))
        found, noise = _split(total_variation, was, came, level, rng)
        measures.append(_measure("classes", found.clip(0, 1), noise, "Share of images that changed class"))
    return tuple(measures)


def sampled(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many of the rows, in their order."""
    return rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), most, replace=False))]


def _split(
    statistic: Statistic, old: np.ndarray, new: np.ndarray, level: float, rng: np.random.Generator
) -> tuple[Estimate, float]:
    """`statistic(old, new)` with its interval, and its noise between parts of `old` of just the same sizes."""
    count = min(len(new), len(old) // 2)
    there, came = rng.permutation(old)[count:], rng.permutation(new)[:count]
    found = half_samples(lambda a, b: {"": statistic(a, b)}, there, [came], 20, int(rng.integers(2**31)))[""]
    orders = (rng.permutation(old) for _ in range(SPLITS))
    return found, _noise([statistic(order[count:], order[:count]) for order in orders], level)


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
    return tuple(measure for measures in found for measure in measures)


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
        noise = _noise([abs(statistic(rest, block)) for rest, block in parts], level)
        yield _measure(name, found, noise, what, either_way=True)


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
