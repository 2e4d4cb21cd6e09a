"""Forecasting: from rolling origins over the test split, beside seasonal naive, random walk, AutoETS and noise.

Every subject forecasts the same windows, from the same past, as an ensemble of possible futures. Intervals are
bootstrapped over the windows, with the same draws for every subject, so that differences are paired. What is averaged
over series is in each one's own unit, its seasonal naive error in training: a set's largest series decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch

from genfoundry.dataset import Dataset, read_card
from genfoundry.errors import UserError
from genfoundry.exhibit import Bands, Lines
from genfoundry.gate import WINDOWS, ratio_name
from genfoundry.judging.baselines import apart, ensembles
from genfoundry.judging.features import Extractor
from genfoundry.kinds.series import storage
from genfoundry.kinds.series.rows import SeriesBatch, SeriesRows
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.metric import kinds_of
from genfoundry.metrics.forecast import BANDS, Forecast, aggregate, by_window, crps, unit
from genfoundry.model import Forecasts, Model
from genfoundry.records import Score
from genfoundry.statistics.interval import Estimate, percentiles
from genfoundry.stopping import until_interrupted
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from genfoundry.tasks.forecasting.about import Plan

NUM_FUTURES = 200  # possible futures per window
DRAWS = 1000  # of the bootstrap
MOST_ROWS = 20_000  # futures made at once
SHOWN = 6  # windows in the gallery
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
DRAWN = ("seasonal_naive", "auto_ets")  # beside the model's fan
TRIVIAL = ("noise", "seasonal_naive")
PRIMARY = "scaled_crps"
COMPARED = ("model", "auto_ets")  # whose scores are set against the baselines', window by window
AGAINST = ("seasonal_naive", "auto_ets")
RATIO = "relative_crps"  # in the data's unit, over seasonal naive's
DIGITS = 7  # of a window's score as it is kept: a float32 has no more
WALK = (  # of prices
    "seasonal naive, as a season is one step: the last value again. Where steps can't be foretold, as of prices, "
    "no model is beyond it but by the width of its fan"
)


class Origins(NamedTuple):
    """The N windows that are judged.

    `real` float64 (N, 2, H) as `metrics.forecast` reads it; `histories` all that was before each window's future, and
    `known` the part of it before the validation split, both float64 (T,), NaN where missing; `stamps` (N, L) of pasts.
    `left_out` are the series that never moved before the validation split, so that no error has a unit there.
    """

    batch: SeriesBatch
    real: np.ndarray
    histories: list[np.ndarray]
    known: list[np.ndarray]
    names: list[str]
    stamps: np.ndarray
    left_out: tuple[str, ...] = ()


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified series dataset. The promise: `genfoundry.task`.

    The deciding score is the CRPS in units of each series' own seasonal naive error in training. Beside it stands its
    ratio to each baseline's on the same windows, and each window's score, for whoever pairs two models by windows.

    Raises:
        UserError: no series ever moved before the validation split.
    """
    model.eval()
    spec = cast(SeriesSpec, model.spec)
    origins = rolling_origins(dataset.folder, spec, plan.origins, model)
    subjects = {"model": futures(model, origins.batch, NUM_FUTURES, plan.seed)}
    for name in apart(spec):
        histories = origins.known if name == "noise" else origins.histories
        subjects[name] = ensembles(name, histories, spec, NUM_FUTURES)
    protocol = f"h{spec.horizon}_o{plan.origins}"
    windows = {subject: by_window(origins.real, fake) for subject, fake in subjects.items()}
    scores = tuple(_scores(windows, protocol, plan.seed))
    primary = f"{PRIMARY}_{protocol}"
    details = {WINDOWS + primary: [float(f"{value:.{DIGITS}g}") for value in windows["model"][PRIMARY]]}
    exhibits = (*_forecasts(dataset.folder, spec, origins, subjects), _by_step(origins, subjects))
    return Judgement(primary, scores, _protocol(plan, spec, origins), details, TRIVIAL, exhibits)


def rolling_origins(folder: Path, spec: SeriesSpec, count: int, model: Model, split: str = "test") -> Origins:
    """`count` windows per series, or as many as there are, evenly spaced over a split.

    Raises:
        UserError: no series ever moved before the validation split.
    """
    windows, axis = SeriesRows(folder, split, spec, model.device), storage.read(folder)
    owners = windows.series.cpu().numpy()
    rows = np.concatenate([_evenly(np.flatnonzero(owners == owner), count) for owner in np.unique(owners)])
    batch = windows.batch(torch.from_numpy(rows))
    values = np.where(axis.mask > 0, axis.values.astype(np.float64), np.nan)
    cuts = windows.start.cpu().numpy()[rows] + spec.context
    begins = axis.offsets[owners[rows]]
    histories = [values[begin:cut] for begin, cut in zip(begins, cuts, strict=True)]
    val = storage.boundary(read_card(folder).splits, "val")
    known = [_before(val, axis.stamps[begin:], history) for begin, history in zip(begins, histories, strict=True)]
    truth = np.stack([values[cut : cut + spec.horizon] for cut in cuts])
    units = np.array([unit(history, spec.season) for history in known])
    found = Origins(
        batch=batch,
        real=np.stack((truth, np.broadcast_to(units[:, None], truth.shape)), 1),
        histories=histories,
        known=known,
        names=[axis.ids[owner] for owner in owners[rows]],
        stamps=axis.stamps[cuts[:, None] + np.arange(-spec.context, 0)],
    )
    return found if np.isfinite(units).all() else _measurable(found, np.isfinite(units))


def _measurable(origins: Origins, kept: np.ndarray) -> Origins:
    """The windows of series whose errors have a unit, (N,) bool."""
    rows = np.flatnonzero(kept)
    if not len(rows):
        raise UserError(
            "No series ever moves before the validation split, so no error has a unit to be measured in.",
            expected="series whose training part varies",
        )
    return Origins(
        batch=origins.batch[torch.from_numpy(rows).to(origins.batch.past.device)],
        real=origins.real[rows],
        histories=[origins.histories[row] for row in rows],
        known=[origins.known[row] for row in rows],
        names=[origins.names[row] for row in rows],
        stamps=origins.stamps[rows],
        left_out=tuple(dict.fromkeys(np.array(origins.names)[~kept].tolist())),
    )


def _before(time: np.datetime64, stamps: np.ndarray, history: np.ndarray) -> np.ndarray:
    """The part of a history before `time`; the whole where a series began later."""
    part = history[stamps[: len(history)] < time]
    return part if np.isfinite(part).any() else history


def _evenly(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))]


def futures(model: Model, batch: SeriesBatch, count: int, seed: int) -> np.ndarray:
    """Possible futures (N, `count`, H) float64 by a family's `forecast` where it has one, else by its `sample`."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for rows in until_interrupted(torch.arange(len(batch), device=batch.past.device).split(max(1, MOST_ROWS // count))):
        part = batch[rows]
        if isinstance(model, Forecasts):
            drawn = model.forecast(part, count, generator)
        else:
            drawn = model.sample(part.repeat(count), generator).unflatten(0, (len(part), count))
        made.append(drawn.double().cpu().numpy())
    return np.concatenate(made)


def _scores(windows: dict[str, dict[str, np.ndarray]], protocol: str, seed: int) -> Iterator[Score]:
    count = len(windows["model"][PRIMARY])
    draws = np.random.default_rng(seed).integers(0, count, (DRAWS, count))
    for subject, found in windows.items():
        point = aggregate(found)
        replicas = [aggregate({name: values[rows] for name, values in found.items()}) for rows in draws]
        for name in (kind.name for kind in kinds_of(Forecast)):
            estimate = percentiles(point[name], [replica[name] for replica in replicas])
            yield estimate.score(f"{name}_{protocol}", subject)
    for subject in COMPARED:
        for name, metric, other in _ratios(subject):
            estimate = _ratio(windows[subject][metric], windows[other][metric], draws)
            yield estimate.score(f"{name}_{protocol}", subject)


def _ratios(subject: str) -> Iterator[tuple[str, str, str]]:
    """The name of each ratio of a subject, the score that it is of, and the baseline whose score is below."""
    for metric in (PRIMARY, "mase"):
        yield from ((ratio_name(metric, other), metric, other) for other in AGAINST if other != subject)
    yield RATIO, "crps", "seasonal_naive"


def _ratio(own: np.ndarray, other: np.ndarray, draws: np.ndarray) -> Estimate:
    """The ratio of two means over the same windows (N,), `draws` (D, N) of them for its interval; below 1 is better."""
    return percentiles(own.mean() / other.mean(), [own[rows].mean() / other[rows].mean() for rows in draws])


def _protocol(plan: Plan, spec: SeriesSpec, origins: Origins) -> dict[str, str | int | float]:
    left_out = {"left out": f"series that never moved in training: {', '.join(origins.left_out)}"}
    return {
        **(left_out if origins.left_out else {}),
        "windows": len(origins.real),
        "origins": f"{plan.origins} a series, evenly spaced over the test split",
        "horizon": spec.horizon,
        "context": spec.context,
        "season": spec.season,
        "futures": NUM_FUTURES,
        "seed": plan.seed,
        "random walk": WALK if spec.season == 1 else "the last value again; the bar wherever steps can't be foretold",
        "bands": ", ".join(f"{band} %" for band in BANDS),
        "unit of scaled_crps and mase": "each series' own seasonal naive error before the validation split",
        "interval": f"95 %: {DRAWS} bootstrap draws of windows, the same for every subject",
    }


def _by_step(origins: Origins, subjects: dict[str, np.ndarray]) -> Lines:
    """How the error grows with the horizon, of the model and of each baseline but noise."""
    truth = origins.real[:, 0]
    observed = np.maximum(np.isfinite(truth).sum(0), 1)

    def points(fake: np.ndarray) -> tuple[tuple[float, float], ...]:
        means = np.where(np.isfinite(truth), crps(fake, truth), 0).sum(0) / observed
        return tuple((float(step), round(float(mean), 4)) for step, mean in enumerate(means, 1))

    return Lines(
        title="CRPS by step ahead",
        x_label="steps ahead",
        y_label="CRPS",
        lines={subject: points(fake) for subject, fake in subjects.items() if subject != "noise"},
        y_ends=(0.0,),
    )


def _forecasts(folder: Path, spec: SeriesSpec, origins: Origins, subjects: dict[str, np.ndarray]) -> list[Bands]:
    """A few windows, spread over series and time."""
    unit = read_card(folder).units.get("y", "")
    found = []
    for at in _evenly(np.arange(len(origins.real)), SHOWN):
        lines = {name: _plain(np.median(subjects[name][at], axis=0)) for name in DRAWN}
        shown = bands("Forecasts", spec, origins, at, unit, origins.names[at], subjects["model"][at])
        found.append(shown.model_copy(update={"lines": lines}))
    return found


def bands(title: str, spec: SeriesSpec, origins: Origins, at: int, unit: str, name: str, samples: np.ndarray) -> Bands:
    """Window `at`, of the series `name`: its `samples` (S, H) beside what was observed."""
    length = min(max(3 * spec.season, 2 * spec.horizon), spec.context)
    return Bands(
        title=title,
        caption=name,
        unit=unit,
        freq=spec.freq,
        start=str(origins.stamps[at, -length].astype("datetime64[s]")),
        past=_plain(origins.histories[at][-length:]),
        observed=_plain(origins.real[at, 0]),
        quantiles=_fan(samples),
    )


def _fan(samples: np.ndarray) -> dict[str, tuple[float | None, ...]]:
    levels = np.quantile(samples, QUANTILES, axis=0)
    return {f"{level:g}": _plain(row) for level, row in zip(QUANTILES, levels, strict=True)}


def _plain(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(round(float(value), 4) if np.isfinite(value) else None for value in values)
