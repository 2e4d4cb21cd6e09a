"""What direct forecasters share: the whole horizon at once, as quantiles at fixed levels, learnt by the pinball loss.

Wen, Torkkola, Narayanaswamy, Madeka, 2017, "A Multi-Horizon Quantile Recurrent Forecaster" (arXiv 1711.11053), §3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field, field_validator
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from genfoundry.kinds.series.calendar import time_feature_names
from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.windows import Scaled, Scaling, Transform, restore, scale, transform

LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)


class Forecaster(Model[SeriesBatch, SeriesSpec]):
    """A family gives `network` and `quantiles`."""

    kind: ClassVar[str] = "series"
    task: ClassVar[str] = "forecasting"
    conditions: ClassVar[tuple[str, ...]] = ("past",)
    averaged: ClassVar[tuple[str, ...]] = ("network",)

    class Config(Model.Config):
        levels: tuple[float, ...] = LEVELS
        scaling: Scaling = "standard"
        transform: Transform = "none"
        residual: bool = False  # the network emits steps from the last value
        learning_rate: float = Field(default=1e-3, gt=0)
        weight_decay: float = Field(default=0.0, ge=0)
        clip: float = Field(default=10.0, gt=0)

        @field_validator("levels")
        @classmethod
        def _ascend(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
            if len(levels) < 3 or list(levels) != sorted({*levels}) or not (levels[0] > 0 and levels[-1] < 1):
                raise ValueError("levels are at least three, ascending, between 0 and 1")
            return levels

    config: Config
    network: nn.Module
    levels: Tensor

    def __init__(self, spec: SeriesSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.register_buffer("levels", torch.tensor(config.levels), persistent=False)

    def optimizers(self) -> dict[str, Optimizer]:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return {"network": torch.optim.AdamW(self.parameters(), rate, weight_decay=decay)}

    def quantiles(self, past: Scaled, batch: SeriesBatch) -> Tensor:
        """(B, H, Q) in the unit of `past.z`, ascending along Q. `batch` gives the calendar and the series' number."""
        raise NotImplementedError

    def loss(self, past: Scaled, truth: Tensor, batch: SeriesBatch) -> Tensor:
        """What is minimised; `truth` (B, H) is the future in the unit of `past.z`."""
        return pinball(self.quantiles(past, batch), truth, batch.future_mask, self.levels)

    def training_step(self, batch: SeriesBatch, step: int, update: Update) -> Losses:
        past = self.scale(batch)
        truth = (transform(batch.future, self.config.transform) - past.shift) / past.scale
        loss = self.loss(past, truth, batch)
        update("network", loss, clip=self.config.clip)
        return {"pinball": loss.detach()}

    def scale(self, batch: SeriesBatch) -> Scaled:
        """The past (B, L), in its own unit."""
        return scale(transform(batch.past, self.config.transform), batch.past_mask, self.config.scaling)

    @torch.no_grad()
    def sample(self, like: SeriesBatch, generator: Generator | None = None) -> Tensor:
        return self.forecast(like, 1, generator)[:, 0]

    @torch.no_grad()
    def forecast(self, batch: SeriesBatch, num_samples: int, generator: Generator | None = None) -> Tensor:
        """Possible futures (B, num_samples, H): the quantiles at uniform draws, one draw a path.

        So the steps of a path all lie at the same level: each step has the right distribution, and paths never cross,
        but how steps vary together is not learnt.
        """
        uniform = torch.rand((len(batch), num_samples), generator=generator)
        return self._at(batch, uniform)

    @torch.no_grad()
    def forecast_quantiles(self, batch: SeriesBatch, levels: Sequence[float]) -> Tensor:
        """The quantiles of each step at Q levels, (B, Q, H): the heads' own, and straight lines between them."""
        return self._at(batch, torch.tensor(levels).expand(len(batch), -1))

    def _at(self, batch: SeriesBatch, levels: Tensor) -> Tensor:
        """Quantiles (B, S, H) at levels (B, S) of each row's own."""
        past = self.scale(batch)
        read = interpolate(self.quantiles(past, batch).float(), self.levels, levels.to(past.z.device).contiguous())
        return restore(read * past.scale[:, None] + past.shift[:, None], self.config.transform)


def ascending(emitted: Tensor) -> Tensor:
    """What a network emits (…, Q) as quantiles that don't cross: the middle one, and gaps outwards from it.

    Shifting all of them is one number, so that a level can change without the spread (as the location and the scale of
    a distribution can).
    """
    middle = emitted.shape[-1] // 2
    centre, gaps = emitted[..., middle : middle + 1], F.softplus(emitted)
    below = centre - gaps[..., :middle].flip(-1).cumsum(-1).flip(-1)
    return torch.cat((below, centre, centre + gaps[..., middle + 1 :].cumsum(-1)), -1)


def pinball(quantiles: Tensor, truth: Tensor, mask: Tensor, levels: Tensor) -> Tensor:
    """Mean quantile loss of `quantiles` (…, Q) at `truth` (…), over what `mask` (…) says was observed (Wen, §3.1)."""
    error = truth[..., None] - quantiles.float()
    losses = torch.maximum(levels * error, (levels - 1) * error).mean(-1)
    return (losses * mask).sum() / mask.sum().clamp_min(1)


def interpolate(quantiles: Tensor, levels: Tensor, at: Tensor) -> Tensor:
    """Quantiles (B, H, Q) read at the levels `at` (B, S): (B, S, H). Straight lines, the outer ones prolonged."""
    upper = torch.searchsorted(levels, at).clamp(1, len(levels) - 1)  # (B, S)
    share = (at - levels[upper - 1]) / (levels[upper] - levels[upper - 1])
    rows, index = quantiles.transpose(1, 2), upper[..., None].expand(-1, -1, quantiles.shape[1])  # (B, Q, H), (B, S, H)
    low, high = rows.gather(1, index - 1), rows.gather(1, index)
    return low + share[..., None] * (high - low)


def read_cycles(spec: SeriesSpec, wanted: int | None) -> int:
    """How many calendar cycles are read, shortest first: so many as are wanted (None for all) and as there are."""
    return len(time_feature_names(spec.freq)[:wanted])
