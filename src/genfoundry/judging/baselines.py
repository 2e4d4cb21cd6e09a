"""What every forecast is judged beside: ensembles of seasonal naive, random walk, AutoETS, and of no model.

An ensemble is S evenly spaced quantiles of a baseline's predictive distribution, so that the same code scores it and
a model's samples. A history is one series up to the forecast's origin, NaN where missing.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version
from statistics import NormalDist

import numpy as np

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.project.root import state_dir

LONGEST_SEASON = 24  # AutoETS knows no longer one (Hyndman 2002)
SEASONS_OF_HISTORY, LEAST_HISTORY = 28, 200  # what AutoETS is fitted on: 4 weeks of hours; enough, and 0.6 s a fit


def noise(history: np.ndarray, spec: SeriesSpec, count: int) -> np.ndarray:
    """The quantiles of all that was ever observed, at every step: (S, H)."""
    values = np.quantile(history[np.isfinite(history)], _levels(count))
    return np.repeat(values[:, None], spec.horizon, axis=1)


def seasonal_naive(history: np.ndarray, spec: SeriesSpec, count: int) -> np.ndarray:
    """The last season again, spread by the errors that this made in the history around their median: (S, H).

    The spread grows with the root of the number of seasons ahead, as a seasonal random walk's does (Hyndman and
    Athanasopoulos, Forecasting, 3rd ed., §5.5). With a season of one step this is the random walk.
    """
    season, horizon = spec.season, spec.horizon
    full = filled(history, season)
    errors = history[season:] - history[:-season]
    errors = errors[np.isfinite(errors)]
    spread = np.quantile(errors - np.median(errors), _levels(count)) if len(errors) else np.zeros(count)
    ahead = np.sqrt(1 + np.arange(horizon) // season)
    return np.resize(full[-season:], horizon) + spread[:, None] * ahead


def random_walk(history: np.ndarray, spec: SeriesSpec, count: int) -> np.ndarray:
    """The last value again, spread by the steps of the history and the root of the time ahead: (S, H)."""
    return seasonal_naive(history, spec.model_copy(update={"season": 1}), count)


def auto_ets(history: np.ndarray, spec: SeriesSpec, count: int) -> np.ndarray:
    """Exponential smoothing, its form chosen by AICc (Hyndman 2002), with its own Gaussian intervals: (S, H)."""
    from statsforecast.models import AutoETS  # compiles for seconds

    full = filled(history, 1)[-max(SEASONS_OF_HISTORY * spec.season, LEAST_HISTORY) :]
    seasonal = 1 < spec.season <= LONGEST_SEASON and len(full) >= 2 * spec.season + 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = AutoETS(season_length=spec.season if seasonal else 1).forecast(full, spec.horizon, level=[80])
    mean = np.asarray(found["mean"], np.float64)
    deviation = (np.asarray(found["hi-80"], np.float64) - mean) / NormalDist().inv_cdf(0.9)
    normal = np.array([NormalDist().inv_cdf(level) for level in _levels(count)])
    return mean + normal[:, None] * deviation


BASELINES = {"noise": noise, "seasonal_naive": seasonal_naive, "random_walk": random_walk, "auto_ets": auto_ets}


def apart(spec: SeriesSpec) -> list[str]:
    """The baselines that differ: with a season of one step seasonal naive is the random walk."""
    return [name for name in BASELINES if name != "random_walk" or spec.season > 1]


def ensembles(name: str, histories: list[np.ndarray], spec: SeriesSpec, count: int) -> np.ndarray:
    """A baseline's ensembles (N, S, H) float32 at N origins.

    AutoETS's are kept on disk, by what they were made from.
    """
    if name != "auto_ets":
        return _made(name, histories, spec, count)
    values = (np.ascontiguousarray(history, np.float64).tobytes().hex() for history in histories)
    parts = [digest(spec.model_dump()), count, version("statsforecast"), *map(digest, values)]
    path = state_dir("baselines") / f"{name}-{digest(parts)[:32]}.npy"
    shape = (len(histories), count, spec.horizon)
    found = sealed.read_array(path, "it is made anew")
    if found is not None and (found.shape, found.dtype) == (shape, np.float32):
        return found
    made = _made(name, histories, spec, count)
    sealed.write_array(path, made)
    return made


def _made(name: str, histories: list[np.ndarray], spec: SeriesSpec, count: int) -> np.ndarray:
    return np.stack([BASELINES[name](history, spec, count) for history in histories]).astype(np.float32)


def filled(history: np.ndarray, season: int) -> np.ndarray:
    """A history without gaps: from the same phase of an earlier season, or else by straight lines.

    Raises:
        UserError: it holds no value.
    """
    full, known = history.astype(np.float64), np.isfinite(history)
    if not known.any():
        raise UserError("A series holds no value before a forecast's origin.", remedy="drop that series")
    if season > 1:
        for at in np.flatnonzero(~known[season:]) + season:
            full[at] = full[at - season]
        known = np.isfinite(full)
    steps = np.arange(len(full))
    return np.interp(steps, steps[known], full[known])


def _levels(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count
