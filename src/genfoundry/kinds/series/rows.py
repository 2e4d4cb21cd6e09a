"""Windows of series as a model is given them: a batch, and the split that makes batches from row numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from genfoundry.batch import Batch
from genfoundry.kinds.series import storage
from genfoundry.kinds.series.spec import SeriesSpec


@dataclass(frozen=True)
class SeriesBatch(Batch):
    """Windows of a target series. L past steps (`spec.context`), H future steps (`spec.horizon`), F time features.

    `past` (B, L) and `future` (B, H) float32 in the data's unit, 0 where missing; `past_mask` and `future_mask`
    are 1 where the value was observed; `past_time` (B, L, F) and `future_time` (B, H, F) in [-0.5, 0.5]; `series`
    int64 (B,) numbers the series that a window was cut from.
    """

    past: Tensor
    past_mask: Tensor
    past_time: Tensor
    future: Tensor
    future_mask: Tensor
    future_time: Tensor
    series: Tensor


class SeriesRows:
    """Every window of a split of series, `context` steps of past and `horizon` steps of future."""

    def __init__(self, folder: Path, split: str, spec: SeriesSpec, device: torch.device | str = "cpu") -> None:
        windows = storage.windows(folder, split, spec)
        self.spec, self.device = spec, torch.device(device)
        self.values, self.mask, self.time = (
            torch.from_numpy(array).to(self.device) for array in (windows.values, windows.mask, windows.time)
        )
        self.series = torch.from_numpy(windows.series).to(self.device)
        self.start = torch.from_numpy(windows.start).to(self.device)

    def __len__(self) -> int:
        return len(self.start)

    def batch(self, rows: Tensor) -> SeriesBatch:
        rows = rows.to(self.device)
        length = self.spec.context
        steps = self.start[rows, None] + torch.arange(length + self.spec.horizon, device=self.device)  # (B, L + H)
        values, mask, time = self.values[steps], self.mask[steps], self.time[steps]
        return SeriesBatch(
            values[:, :length], mask[:, :length], time[:, :length],
            values[:, length:], mask[:, length:], time[:, length:], self.series[rows],
        )  # fmt: skip


def open_split(folder: Path, split: str, spec: SeriesSpec, device: torch.device | str = "cpu") -> SeriesRows:
    """The windows of `split` of a dataset's folder."""
    return SeriesRows(folder, split, spec, device)


def example_batch(spec: SeriesSpec, rows: int, seed: int = 0) -> SeriesBatch:
    """Random windows around 50, every value observed; the series take turns."""
    generator, lengths = torch.Generator().manual_seed(seed), (spec.context, spec.horizon)
    past, future = (torch.randn(rows, steps, generator=generator) * 5 + 50 for steps in lengths)
    features = len(storage.time_feature_names(spec.freq))
    time = [torch.rand(rows, steps, features, generator=generator) - 0.5 for steps in lengths]
    series = torch.arange(rows) % spec.num_series
    return SeriesBatch(past, torch.ones_like(past), time[0], future, torch.ones_like(future), time[1], series)
