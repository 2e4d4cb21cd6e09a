"""Anomaly detection in series: faults planted into the future of half of the test windows are to be found; and, apart
from them, the neighbourhoods of real gaps, where a recorder may have failed before it fell silent or after.

A forecaster's score of a window is its own surprise: how far what came lies from its forecast, in units of the
forecast's spread. No label is read: the threshold is what 5 % of the validation split's clean windows exceed. Beside
the model stand seasonal naive's residual, an isolation forest (Liu 2008), the distance to the fifth nearest training
window (Ramaswamy 2000), and chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch

from genfoundry.dataset import Dataset, read_card
from genfoundry.errors import UserError
from genfoundry.exhibit import Bands, Table
from genfoundry.judging.baselines import filled
from genfoundry.judging.detectors import DRAWS, detectors, records, threshold
from genfoundry.judging.features import Extractor
from genfoundry.kinds.series.rows import SeriesRows
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.metric import subject
from genfoundry.metrics.forecast import observed_mean
from genfoundry.model import Model
from genfoundry.modelling.windows import fill, scale
from genfoundry.records import Score
from genfoundry.task import Judgement
from genfoundry.tasks.forecasting.judge import NUM_FUTURES, Origins, bands, futures, rolling_origins

if TYPE_CHECKING:
    from genfoundry.tasks.anomaly.about import Plan

NEEDS = ("sample",)
SIZES = (3.0, 6.0)  # of a fault, in the series' own step deviations, up or down; drawn evenly
LEAST_OBSERVED = 4  # steps of a future that can hold a fault
LEAST_GAPS = 4  # windows with a gap that make a score of their own
TRIVIAL = ("noise", "seasonal_naive")
TITLE = "Forecasts of windows with planted faults"
MOST_TRAIN = 5000  # windows that isolation forest and neighbours read

Rng = np.random.Generator
Detector = Callable[[Origins], np.ndarray]  # windows to (N,), high for an anomaly
Found = dict[str, np.ndarray]  # by subject: scores of windows (N,)


def spike(values: np.ndarray, size: float, rng: Rng) -> np.ndarray:
    """One step is off by `size`."""
    values[rng.integers(len(values))] += size
    return values


def level_shift(values: np.ndarray, size: float, rng: Rng) -> np.ndarray:
    """All steps from one in the first half on are off by `size`."""
    values[rng.integers(len(values) // 2 + 1) :] += size
    return values


def stuck_value(values: np.ndarray, size: float, rng: Rng) -> np.ndarray:
    """Half of the steps repeat the one before them."""
    half = len(values) // 2
    start = rng.integers(1, len(values) - half + 1)
    values[start : start + half] = values[start - 1]
    return values


def noise_burst(values: np.ndarray, size: float, rng: Rng) -> np.ndarray:
    """Half of the steps, one after the other, are off by Gaussian noise of deviation `size`."""
    half = len(values) // 2
    start = rng.integers(len(values) - half + 1)
    values[start : start + half] += abs(size) * rng.standard_normal(half)
    return values


FAULTS = {"spike": spike, "level_shift": level_shift, "stuck_value": stuck_value, "noise_burst": noise_burst}


class Planted(NamedTuple):
    """Windows with faults in half of them; `kind` (N,) is the fault's name, empty where a window is clean."""

    origins: Origins
    kind: np.ndarray


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded forecaster on a verified series dataset. The promise: `genfoundry.task`.

    The deciding score is the AUROC.

    Raises:
        UserError: the test split holds too few windows for a fault of each kind.
    """
    model.eval()
    spec = cast(SeriesSpec, model.spec)
    clean = rolling_origins(dataset.folder, spec, plan.origins, model, "val")
    tested = rolling_origins(dataset.folder, spec, plan.origins, model)
    planted, gaps = plant(tested, plan.seed), beside_gaps(tested)
    samples = futures(model, tested.batch, NUM_FUTURES, plan.seed)
    baselines = _baselines(dataset.folder, spec, plan.seed)

    def scored(origins: Origins, drawings: np.ndarray) -> Found:
        own = {"model": surprise(origins, drawings)}
        return own | {name: detect(origins) for name, detect in baselines.items()} | {"noise": np.zeros(len(drawings))}

    usual = scored(clean, futures(model, clean.batch, NUM_FUTURES, plan.seed))
    protocol, found = f"h{spec.horizon}_o{plan.origins}", scored(planted.origins, samples)
    scores = [*_scores(found, usual, planted.kind != "", protocol, plan.seed)]
    if LEAST_GAPS <= gaps.sum() < len(gaps):
        scores += _scores(scored(tested, samples), usual, gaps, f"gaps_{protocol}", plan.seed)
    described = _protocol(plan, spec, planted, clean) | {"windows with a real gap": int(gaps.sum())}
    exhibits = (*_windows(dataset.folder, spec, planted, samples), _found_by_fault(planted, found, usual))
    return Judgement(f"auroc_{protocol}", tuple(scores), described, {}, TRIVIAL, exhibits)


def _scores(found: Found, usual: Found, anomalies: np.ndarray, protocol: str, seed: int) -> Iterator[Score]:
    for name, scores in found.items():
        yield from records(name, anomalies.astype(int), scores, usual[name], protocol, seed)


def beside_gaps(origins: Origins) -> np.ndarray:
    """(N,) bool: whether the target is missing at some steps of a window's future and observed at others.

    The forecaster's score reads the observed ones only: it says whether what stands beside a gap is unusual.
    """
    missing = np.isnan(origins.real[:, 0]).mean(1)
    return (missing > 0) & (missing < 1)


def plant(origins: Origins, seed: int) -> Planted:
    """Put a fault into the observed steps of half of the windows, of each kind as often.

    Raises:
        UserError: there are fewer than two windows for each kind.
    """
    rng = np.random.default_rng(seed)
    able = np.flatnonzero(np.isfinite(origins.real[:, 0]).sum(1) >= LEAST_OBSERVED)
    rows = rng.permutation(able)[: len(origins.real) // 2]
    if len(rows) < len(FAULTS) or len(rows) == len(origins.real):
        raise UserError(
            f"{len(origins.real)} windows are too few for a fault of each kind.",
            expected=f"at least {2 * len(FAULTS)} in the test split",
            remedy="raise evaluation.origins",
        )
    real, kind = origins.real.copy(), np.full(len(origins.real), "", dtype=object)
    for order, row in enumerate(rows):
        kind[row] = fault = list(FAULTS)[order % len(FAULTS)]
        seen = np.isfinite(real[row, 0])
        size = rng.uniform(*SIZES) * rng.choice((-1, 1)) * step_deviation(origins.known[row])
        real[row, 0, seen] = FAULTS[fault](real[row, 0, seen], size, rng)
    return Planted(origins._replace(real=real), kind)


def step_deviation(history: np.ndarray) -> float:
    """Standard deviation of the steps of a history (T,), NaN where missing."""
    return float(np.nanstd(np.diff(history)))


def surprise(origins: Origins, samples: np.ndarray) -> np.ndarray:
    """How little a forecaster of `samples` (N, S, H) expected what came: (N,).

    The mean over the observed steps of the squared error of the median, in deviations of the forecast; of the values
    themselves, and of their steps, where a spike or a stuck value shows. No deviation counts as less than that of the
    series' own steps, as a forecaster may not say how steps vary together. What is missing doesn't count.
    """
    floor = np.array([step_deviation(history) for history in origins.known])[:, None]
    last = np.array([history[-1] for history in origins.histories])  # NaN where missing
    truth, total = origins.real[:, 0], np.zeros(len(samples))
    starts = np.broadcast_to(last[:, None, None], (*samples.shape[:2], 1))
    steps = np.diff(truth, axis=1, prepend=last[:, None]), np.diff(samples, axis=2, prepend=starts)
    for came, drawings in ((truth, samples), steps):
        spread = np.maximum(drawings.std(1), floor)
        square = ((came - np.median(drawings, axis=1)) / spread) ** 2
        total += np.nan_to_num(observed_mean(square, came)) if np.isfinite(samples).all() else np.nan
    return total


def _baselines(folder: Path, spec: SeriesSpec, seed: int) -> dict[str, Detector]:
    train = SeriesRows(folder, "train", spec)
    rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(train))[:MOST_TRAIN])
    batch = train.batch(rows)
    known = _features(batch.past, batch.past_mask, batch.future, batch.future_mask)
    fitted = detectors(known, seed)
    return {
        "seasonal_naive": lambda origins: _residual(origins, spec),
        **{name: lambda origins, detect=detect: detect(_rows(origins)) for name, detect in fitted.items()},
    }


def _residual(origins: Origins, spec: SeriesSpec) -> np.ndarray:
    """Mean absolute error of the last season repeated, in the series' seasonal error."""
    again = [np.resize(filled(history, spec.season)[-spec.season :], spec.horizon) for history in origins.histories]
    return observed_mean(np.abs(origins.real[:, 0] - np.stack(again)) / origins.real[:, 1], origins.real[:, 0])


def _rows(origins: Origins) -> np.ndarray:
    future = torch.from_numpy(origins.real[:, 0]).float()
    seen = future.isfinite().float()
    past, mask = origins.batch.past.cpu(), origins.batch.past_mask.cpu()
    return _features(past, mask, future.nan_to_num(), seen)


def _features(past: torch.Tensor, mask: torch.Tensor, future: torch.Tensor, seen: torch.Tensor) -> np.ndarray:
    """A window's future, and as much of its past, in units of the whole past, gaps filled: (N, up to 2 · H)."""
    unit, horizon = scale(past, mask, "standard"), future.shape[1]
    z = torch.cat((unit.z, (future - unit.shift) / unit.scale), 1)
    return fill(z, torch.cat((torch.ones_like(mask), seen), 1))[:, -2 * horizon :].numpy()


def _found_by_fault(planted: Planted, found: Found, usual: Found) -> Table:
    """The share of each fault above the threshold, by the model and by each baseline but chance."""
    told = [name for name in found if name != "noise"]

    def share(fault: str, name: str) -> float:
        return float((found[name][planted.kind == fault] > threshold(usual[name])).mean())

    return Table(
        title="Anomalies found, by fault",
        caption="Share of the planted faults whose score is above the threshold.",
        columns=("fault", *map(subject, told)),
        rows=tuple((_said(fault), *(f"{share(fault, name):.0%}" for name in told)) for fault in FAULTS),
    )


def _said(fault: str) -> str:
    return fault.replace("_", " ")


def _protocol(plan: Plan, spec: SeriesSpec, planted: Planted, clean: Origins) -> dict[str, str | int | float]:
    return {
        "windows": len(planted.kind),
        "anomalies": int((planted.kind != "").sum()),
        "faults": f"planted, as often each: {', '.join(FAULTS)}",
        "size of a fault": f"{SIZES[0]:g} to {SIZES[1]:g} deviations of the series' steps, up or down",
        "score": "mean squared error of the median in the forecast's deviations, of values and of steps",
        "threshold": f"what 5 % of {len(clean.real)} clean windows of the validation split exceed; no label is read",
        "found": "share above the threshold: the model, seasonal naive, isolation forest, k nearest neighbours",
        "horizon": spec.horizon,
        "context": spec.context,
        "futures": NUM_FUTURES,
        "seed": plan.seed,
        "interval": f"95 %: {DRAWS} bootstrap draws of anomalies and of clean windows, the same for every subject",
    }


def _windows(folder: Path, spec: SeriesSpec, planted: Planted, samples: np.ndarray) -> list[Bands]:
    """A window with each fault, and one without, beside what was expected."""
    unit = read_card(folder).units.get("y", "")
    rows = [int(np.flatnonzero(planted.kind == kind)[0]) for kind in ("", *FAULTS)]
    names = [f"{planted.origins.names[row]}, {_said(planted.kind[row]) or 'no fault'}" for row in rows]
    return [
        bands(TITLE, spec, planted.origins, row, unit, name, samples[row])
        for row, name in zip(rows, names, strict=True)
    ]
