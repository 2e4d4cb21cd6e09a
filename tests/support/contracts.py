"""The contract of families as our tests call it, and what a forecaster learns of noiseless waves."""

from __future__ import annotations

import math

import torch

from genfoundry.batch import Batch
from genfoundry.contracts.families import CAPABILITIES, batch_of, check_model, smallest, train
from genfoundry.kinds.image.examples import SPECS as IMAGE_SPECS
from genfoundry.kinds.series.examples import SPECS as SERIES_SPECS
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Model

__all__ = ["CAPABILITIES", "IMAGE_SPECS", "SERIES_SPEC", "batch_of", "check_model", "smallest", "train"]

(SERIES_SPEC,) = SERIES_SPECS


def error_on_cycles(model: Model, spec: SeriesSpec, steps: int, futures: int) -> float:
    """Train a forecaster on noiseless waves of any phase; the mean error of its median, over the waves' mean size."""
    optimizer = model.optimizers()["network"]

    def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for step in range(steps):
        model.training_step(cycles(spec, 32, step), step, update)
    batch = cycles(spec, 64, 999)
    median = model.eval().forecast(batch, futures, torch.Generator().manual_seed(0)).median(1).values
    return ((median - batch.future).abs().mean() / batch.future.abs().mean()).item()


def cycles(spec: SeriesSpec, rows: int, seed: int) -> Batch:
    """Windows of one sine a season, each at a phase of its own."""
    batch = batch_of(spec, rows, seed)
    phase = torch.rand(rows, 1, generator=torch.Generator().manual_seed(seed)) * 2 * math.pi
    wave = torch.sin(phase + torch.arange(spec.context + spec.horizon) * 2 * math.pi / spec.season)
    batch.past.copy_(wave[:, : spec.context])
    batch.future.copy_(wave[:, spec.context :])
    return batch
