"""A Multi-Horizon Quantile Recurrent Forecaster.

Wen, Torkkola, Narayanaswamy, Madeka, 2017 (arXiv 1711.11053), with the gated unit of Cho 2014 (arXiv 1406.1078) in
place of the LSTM: the recurrent baseline.

A recurrent network reads the past. From its state a global decoder makes one context for each step ahead and one for
all of them (§3.2), from which a local decoder, shared by the steps, emits the quantiles. In training every step of the
past forecasts what follows it (forking sequences, §3.3).
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.modelling.forecaster import Forecaster, ascending, pinball, read_cycles
from genfoundry.modelling.windows import Scaled, calendar


class RNN(Forecaster):
    """Values and calendar, a GRU, two decoders, quantiles."""

    class Config(Forecaster.Config):
        layers: int = Field(default=1, gt=0)  # sizes are ours; the paper tunes them by dataset
        hidden: int = Field(default=64, gt=0)
        context: int = Field(default=8, gt=0)  # numbers in a context of the global decoder, §3.2
        local: int = Field(default=32, gt=0)  # width of the local decoder
        dropout: float = Field(default=0.0, ge=0, lt=1)
        embedding: int = Field(default=4, gt=0)  # of the series' number
        encoder_steps: int = Field(default=0, ge=0)  # steps of the past that are read; 0 for all
        cycles: int | None = Field(default=None, ge=0)  # of the calendar that are read, shortest first; None for all
        forking: bool = True  # §3.3

    config: Config
    network: Network

    def __init__(self, spec: SeriesSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.cycles = read_cycles(spec, config.cycles)
        self.steps = min(config.encoder_steps or spec.context, spec.context)
        self.network = Network(spec, config, self.cycles)

    def quantiles(self, past: Scaled, batch: SeriesBatch) -> Tensor:
        state = self.network.encode(*self._read(past, batch))[:, -1:]
        return self._emit(state, batch.future_time[:, None], past.z[:, -1:])[:, 0]

    def loss(self, past: Scaled, truth: Tensor, batch: SeriesBatch) -> Tensor:
        if not self.config.forking:
            return super().loss(past, truth, batch)
        state = self.network.encode(*self._read(past, batch))
        values, mask, time = (
            self._ahead(*pair)
            for pair in (
                (past.z, truth),
                (past.mask, batch.future_mask),
                (batch.past_time, batch.future_time),
            )
        )
        quantiles = self._emit(state, time, past.z[:, -self.steps :])
        return pinball(quantiles, values, mask, self.levels)

    def _ahead(self, past: Tensor, future: Tensor) -> Tensor:
        """What follows each of the steps that are read: (B, L, …) and (B, H, …) → (B, T, H, …)."""
        after = torch.cat((past[:, past.shape[1] - self.steps + 1 :], future), 1)
        windows = after.unfold(1, self.spec.horizon, 1)  # (B, T, …, H)
        return windows if windows.dim() == 3 else windows.transpose(2, 3)

    def _read(self, past: Scaled, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        inputs = torch.cat((past.z[..., None], past.mask[..., None], calendar(batch.past_time, self.cycles)), 2)
        return inputs[:, -self.steps :], batch.series

    def _emit(self, state: Tensor, time: Tensor, last: Tensor) -> Tensor:
        """Quantiles (B, T, H, Q) from states (B, T, hidden), the calendar ahead (B, T, H, F), last values (B, T)."""
        ahead = calendar(time.flatten(1, 2), self.cycles).unflatten(1, time.shape[1:3])
        quantiles = ascending(self.network.decode(state, ahead))
        return quantiles + last[..., None, None] if self.config.residual else quantiles


class Network(nn.Module):
    """The encoder, and the two decoders of §3.2."""

    def __init__(self, spec: SeriesSpec, config: RNN.Config, cycles: int) -> None:
        super().__init__()
        self.horizon, self.context = spec.horizon, config.context
        self.embedding = nn.Embedding(spec.num_series, config.embedding)
        between = config.dropout if config.layers > 1 else 0.0
        inputs = 2 + 2 * cycles + config.embedding
        self.encoder = nn.GRU(inputs, config.hidden, config.layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(config.dropout)
        self.overall = nn.Linear(config.hidden, (spec.horizon + 1) * config.context)
        self.local = nn.Linear(2 * config.context + 2 * cycles, config.local)
        self.head = nn.Linear(config.local, len(config.levels))

    def encode(self, inputs: Tensor, series: Tensor) -> Tensor:
        """Inputs (B, T, I) and series (B,) → states (B, T, hidden)."""
        who = self.embedding(series)[:, None].expand(-1, inputs.shape[1], -1)
        return self.dropout(self.encoder(torch.cat((inputs, who), 2))[0])

    def decode(self, state: Tensor, ahead: Tensor) -> Tensor:
        """States (B, T, hidden) and the calendar ahead (B, T, H, 2 · cycles) → (B, T, H, Q)."""
        contexts = self.overall(state).unflatten(2, (self.horizon + 1, self.context))  # (B, T, H + 1, context)
        shared = contexts[:, :, -1:].expand(-1, -1, self.horizon, -1)
        return self.head(F.relu(self.local(torch.cat((contexts[:, :, :-1], shared, ahead), 3))))
