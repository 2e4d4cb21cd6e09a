"""How good a probabilistic forecast is: CRPS, MASE, and how often what came lies in the 80 % and 95 % bands.

CRPS: Matheson and Winkler 1976; Gneiting and Raftery 2007, https://doi.org/10.1198/016214506000001437.
MASE: Hyndman and Koehler 2006, https://doi.org/10.1016/j.ijforecast.2006.03.001.
The scaled CRPS is in the same unit as MASE, each series' own seasonal naive error in training: what is averaged over
series then has no scale.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind

BANDS = (80, 95)  # per cent

SCORES = (
    ScoreKind(
        "scaled_crps",
        label="Scaled CRPS",
        question="How far is the whole forecast distribution from what was observed, in units of the seasonal naive "
        "error?",
        better="lower",
        low=0,
    ),
    ScoreKind(
        "crps",
        label="CRPS",
        question="How far is it in the data's unit? Where series differ in size, the largest decide it.",
        better="lower",
        low=0,
        headline=True,
    ),
    ScoreKind(
        "mase",
        label="MASE",
        question="Error of the median, in units of the seasonal naive error in training.",
        better="lower",
        low=0,
        headline=True,
    ),
    ScoreKind(
        "coverage80",
        label="Coverage of the 80 % band",
        question="How often does what is observed lie in the band? 80 % is right, more is too wide.",
        better="higher",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
    ),
    ScoreKind(
        "coverage95",
        label="Coverage of the 95 % band",
        question="How often does what is observed lie in the band? 95 % is right, more is too wide.",
        better="higher",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
    ),
    ScoreKind(
        "miscoverage80",
        label="Miss of the 80 % band",
        question="How far is the band's hit rate from 80 %?",
        better="lower",
        low=0,
        per_cent=True,
    ),
    ScoreKind(
        "miscoverage95",
        label="Miss of the 95 % band",
        question="How far is the band's hit rate from 95 %?",
        better="lower",
        low=0,
        per_cent=True,
    ),
)


class Forecast(Metric):
    """Scores of ensembles. Of a window, steps that were not observed are left out; windows weigh the same.

    The view `forecast`: `real` float (N, 2, H), what came (NaN where missing) and the unit of the window's series (the
    same at each step, see `unit`); `fake` float (N, S, H), S possible futures. `crps` alone is in the data's unit.
    `miscoverage80` is how far `coverage80` is from .80, whichever way.
    """

    view = "forecast"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return aggregate(by_window(real, fake))


def by_window(real: np.ndarray, fake: np.ndarray) -> dict[str, np.ndarray]:
    """`scaled_crps`, `crps`, `mase` and the coverages of each window, (N,); NaN where a window can't be scored."""
    truth, units = real[:, 0], real[:, 1]
    error = np.abs(np.median(fake, axis=1) - truth)
    found = {"crps": observed_mean(crps(fake, truth), truth)}
    found["scaled_crps"] = found["crps"] / units[:, 0]
    found["mase"] = observed_mean(error / units, truth)
    for band in BANDS:
        found[f"coverage{band}"] = observed_mean(inside(fake, truth, band / 100), truth)
    return found


def aggregate(windows: dict[str, np.ndarray]) -> dict[str, float]:
    """Means over the windows of `by_window`, and the miscoverages."""
    means = {name: _mean(values) for name, values in windows.items()}
    return means | {f"miscoverage{band}": abs(means[f"coverage{band}"] - band / 100) for band in BANDS}


def crps(samples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """CRPS of the empirical distribution of `samples` (N, S, H) at `truth` (N, H): (N, H), in the data's unit.

    E|X − y| − E|X − X′| / 2, over all pairs of the ensemble (Gneiting and Raftery 2007, Eq. 21).
    """
    count = samples.shape[1]
    ranked = np.sort(samples, axis=1)
    weights = (2 * np.arange(1, count + 1) - count - 1) / count**2
    return np.abs(samples - truth[:, None]).mean(1) - np.einsum("s,nsh->nh", weights, ranked)


def inside(samples: np.ndarray, truth: np.ndarray, band: float) -> np.ndarray:
    """(N, H): 1 where `truth` lies in the central `band` (a share) of `samples` (N, S, H), else 0."""
    low, high = np.quantile(samples, [(1 - band) / 2, (1 + band) / 2], axis=1)
    hits = ((truth >= low) & (truth <= high)).astype(float)
    return np.where(np.isnan(low) | np.isnan(high), np.nan, hits)


def observed_mean(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean over the observed steps of each row: (N, H) → (N,); a forecast that is not a number stays one."""
    seen = np.isfinite(truth)
    with np.errstate(invalid="ignore"):
        return np.where(seen, values, 0).sum(1) / seen.sum(1)


def unit(history: np.ndarray, season: int) -> float:
    """What a series' errors are measured in: its seasonal error, or where that says nothing its error of one step.

    `history` (T,) is NaN where missing. NaN for a series that never moved.
    """
    found = (seasonal_error(history, steps) for steps in (season, 1))
    return next((error for error in found if np.isfinite(error)), float("nan"))


def seasonal_error(history: np.ndarray, season: int) -> float:
    """Mean absolute difference one season apart in a series (T,), NaN where missing: the denominator of MASE."""
    difference = np.abs(history[season:] - history[:-season])
    known = difference[np.isfinite(difference)]
    return float(known.mean()) if len(known) and known.mean() > 0 else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
