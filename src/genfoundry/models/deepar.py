"""DeepAR: Probabilistic Forecasting with Autoregressive Recurrent Networks.

Salinas, Flunkert, Gasthaus, Januschowski, 2020 (arXiv 1704.04110).

A recurrent network reads the last values, older values at fixed lags, the calendar and which series it is, and emits
the parameters of the next value's distribution; futures are drawn one step after the other. Beyond the paper, as
settings: a Student-t in place of the Gaussian (as in GluonTS, arXiv 1906.05264), scaling by mean and deviation, a
transform of the values, and `residual`, where the network emits the step from the last value.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from genfoundry.errors import UserError
from genfoundry.kinds.series.calendar import time_feature_names
from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.windows import Scaled, Scaling, Transform, calendar, fill, restore, scale, transform

State = Tensor | tuple[Tensor, Tensor]
Emitted = tuple[Tensor, Tensor, Tensor]


class DeepAR(Model[SeriesBatch, SeriesSpec]):
    """Forecasts the target of each window's series."""

    kind: ClassVar[str] = "series"
    task: ClassVar[str] = "forecasting"
    conditions: ClassVar[tuple[str, ...]] = ("past",)
    averaged: ClassVar[tuple[str, ...]] = ("network",)

    class Config(Model.Config):
        cell: Literal["lstm", "gru"] = "lstm"  # §3.1
        layers: int = Field(default=3, gt=0)  # §4.1, table 1 of the supplement
        hidden: int = Field(default=40, gt=0)  # likewise
        dropout: float = Field(default=0.0, ge=0, lt=1)
        embedding: int = Field(default=8, gt=0)  # of the series' number, §4
        lags: tuple[int, ...] = ()  # steps back beside the last value
        seasons: int = Field(default=1, ge=0)  # likewise, so many seasons and the step before each, where they fit
        encoder_steps: int = Field(default=0, ge=0)  # steps of the past that are unrolled; 0 for all that lags leave
        cycles: int | None = Field(default=None, ge=0)  # of the calendar that are read, shortest first; None for all
        likelihood: Literal["gaussian", "student_t"] = "gaussian"  # §3.1
        scaling: Scaling = "mean"  # §3.3
        transform: Transform = "none"
        residual: bool = False
        learning_rate: float = Field(default=1e-3, gt=0)
        weight_decay: float = Field(default=0.0, ge=0)
        clip: float = Field(default=10.0, gt=0)

    config: Config

    def __init__(self, spec: SeriesSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.cycles = len(time_feature_names(spec.freq)[: config.cycles])
        self.lags = lags(spec, config)
        room = spec.context - max((*self.lags, 1))
        self.encoder_steps = min(config.encoder_steps or room, room)
        self.network = Network(3 + len(self.lags) + 2 * self.cycles, spec.num_series, config)

    def optimizers(self) -> dict[str, Optimizer]:
        optimizer = torch.optim.AdamW if self.config.weight_decay else Adam
        return {
            "network": optimizer(self.parameters(), self.config.learning_rate, weight_decay=self.config.weight_decay)
        }

    def training_step(self, batch: SeriesBatch, step: int, update: Update) -> Losses:
        """Minimise the negative log-likelihood of every observed step but those that lags need (Eq. 2)."""
        past = self.scale(batch.past, batch.past_mask)
        future = (transform(batch.future, self.config.transform) - past.shift) / past.scale
        z = fill(torch.cat((past.z, future), 1), torch.cat((past.mask, batch.future_mask), 1))
        mask = torch.cat((past.mask, batch.future_mask), 1)
        time = torch.cat((batch.past_time, batch.future_time), 1)
        steps = torch.arange(self.spec.context - self.encoder_steps, z.shape[1], device=z.device)
        inputs = self.inputs(z, mask, time, past.scale, steps)
        (mean, deviation, freedom), _ = self.network(inputs, batch.series, z[:, steps - 1])
        logs = log_prob(z[:, steps], mean, deviation, freedom)
        loss = -(logs * mask[:, steps]).sum() / mask[:, steps].sum().clamp_min(1)
        update("network", loss, clip=self.config.clip)
        return {"nll": loss.detach()}

    def scale(self, values: Tensor, mask: Tensor) -> Scaled:
        """The past (B, L) relative to its own observed mean, or mean and deviation (§3.3)."""
        return scale(transform(values, self.config.transform), mask, self.config.scaling)

    def inputs(self, z: Tensor, mask: Tensor, time: Tensor, size: Tensor, steps: Tensor) -> Tensor:
        """What the network reads before it emits `steps` (T,): (B, T, inputs)."""
        back = [z[:, steps - lag] for lag in (1, *self.lags)]
        # the scale is told as in §3.3; a deviation is not: it names the weeks of training, and the fan turns narrow
        told = size.log().expand_as(back[0]) if self.config.scaling == "mean" else torch.zeros_like(back[0])
        return torch.cat((torch.stack((*back, mask[:, steps - 1], told), 2), calendar(time[:, steps], self.cycles)), 2)

    @torch.no_grad()
    def sample(self, like: SeriesBatch, generator: Generator | None = None) -> Tensor:
        return self.forecast(like, 1, generator)[:, 0]

    @torch.no_grad()
    def forecast(self, batch: SeriesBatch, num_samples: int, generator: Generator | None = None) -> Tensor:
        """Possible futures (B, num_samples, H) by ancestral sampling (§3.2); the past is read once a row."""
        past, context = self.scale(batch.past, batch.past_mask), self.spec.context
        steps = torch.arange(context - self.encoder_steps, context, device=past.z.device)
        read = self.inputs(past.z, past.mask, batch.past_time, past.scale, steps)
        _, state = self.network(read, batch.series, past.z[:, steps - 1])
        state = _repeat(state, num_samples)
        rows = batch.repeat(num_samples)
        z = F.pad(past.z, (0, self.spec.horizon)).repeat_interleave(num_samples, 0)
        mask = F.pad(past.mask, (0, self.spec.horizon), value=1.0).repeat_interleave(num_samples, 0)
        time = torch.cat((rows.past_time, rows.future_time), 1)
        size, shift = (side.repeat_interleave(num_samples, 0) for side in (past.scale, past.shift))
        for now in range(context, context + self.spec.horizon):
            step = torch.tensor([now], device=z.device)
            inputs = self.inputs(z, mask, time, size, step)
            (mean, deviation, freedom), state = self.network(inputs, rows.series, z[:, step - 1], state)
            z[:, now] = draw(mean, deviation, freedom, generator)[:, 0]
        futures = restore(z[:, context:] * size + shift, self.config.transform)
        return futures.unflatten(0, (-1, num_samples))


def lags(spec: SeriesSpec, config: DeepAR.Config) -> tuple[int, ...]:
    """How far back the network looks beside the last value, in steps, ascending.

    Raises:
        UserError: a lag that was asked for leaves nothing of the context to unroll.
    """
    if config.lags and (longest := max(config.lags)) >= spec.context:
        raise UserError(
            f"model.lags looks {longest} steps back, but the dataset's context has {spec.context}.",
            expected=f"lags from 1 to {spec.context - 1}",
        )
    seasonal = {spec.season * back + more for back in range(1, config.seasons + 1) for more in (0, 1)}
    fitting = {lag for lag in seasonal if 1 < lag <= spec.context // 2 and spec.season > 1}
    return tuple(sorted(fitting.union(config.lags) - {1}))


class Network(nn.Module):
    """Inputs (B, T, I), series (B,) and last values (B, T) → mean, deviation and degrees of freedom, each (B, T)."""

    def __init__(self, inputs: int, num_series: int, config: DeepAR.Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(num_series, config.embedding)
        cell = nn.LSTM if config.cell == "lstm" else nn.GRU
        between = config.dropout if config.layers > 1 else 0.0
        self.recurrent = cell(
            inputs + config.embedding, config.hidden, config.layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(config.dropout)
        self.emit = nn.Linear(config.hidden, 3 if config.likelihood == "student_t" else 2)

    def forward(
        self, inputs: Tensor, series: Tensor, last: Tensor, state: State | None = None
    ) -> tuple[Emitted, State]:
        who = self.embedding(series)[:, None].expand(-1, inputs.shape[1], -1)
        hidden, new_state = self.recurrent(torch.cat((inputs, who), 2), state)
        emitted = self.emit(self.dropout(hidden)).float()
        mean = emitted[..., 0] + last if self.config.residual else emitted[..., 0]
        deviation = F.softplus(emitted[..., 1]) + 1e-4
        freedom = 2 + F.softplus(emitted[..., 2]) if emitted.shape[2] == 3 else torch.full_like(mean, math.inf)
        return (mean, deviation, freedom), new_state


def log_prob(z: Tensor, mean: Tensor, deviation: Tensor, freedom: Tensor) -> Tensor:
    """Log-density of a Student-t, or of a Gaussian where `freedom` is infinite."""
    error = (z - mean) / deviation
    if torch.isinf(freedom).all():
        return -(error.square() + math.log(2 * math.pi)) / 2 - deviation.log()
    half = (freedom + 1) / 2
    constant = torch.lgamma(half) - torch.lgamma(freedom / 2) - (freedom * math.pi).log() / 2
    return constant - deviation.log() - half * torch.log1p(error.square() / freedom)


def draw(mean: Tensor, deviation: Tensor, freedom: Tensor, generator: Generator | None) -> Tensor:
    """A value of each distribution (Bailey 1994's polar method), drawn on the CPU so that a seed means the same."""
    u, v = torch.rand((2, *mean.shape), generator=generator).clamp_min(1e-7).to(mean.device)
    gaussian = -2 * u.log()
    radius = torch.where(torch.isinf(freedom), gaussian, freedom * torch.expm1(gaussian / freedom))
    return mean + deviation * radius.sqrt() * torch.cos(2 * math.pi * v)


def _repeat(state: State, times: int) -> State:
    if isinstance(state, tuple):
        return state[0].repeat_interleave(times, 1), state[1].repeat_interleave(times, 1)
    return state.repeat_interleave(times, 1)
