"""The one training loop: a LightningModule around any family.

One call of `training_step` runs many minibatches, so that Lightning's cost per call is shared, and losses are summed on
the device and read once per line of the journal. Steps are counted here: Lightning counts optimiser steps.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from genfoundry.batch import Split
from genfoundry.model import Model
from genfoundry.training.rows import shuffled_rows
from genfoundry.training.settings import Settings
from genfoundry.training.snapshot import TrainingState


class NotFinite(Exception):  # noqa: N818, named after the outcome
    """A loss or a weight is not finite, or the samples have no variety left."""


class Loop(pl.LightningModule):
    """Trains `model` by its own `training_step`; keeps the moving average of what the family names."""

    def __init__(self, model: Model, settings: Settings, split: Split) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.settings, self.split = model, settings, split
        self.step, self.stopping = 0, ""
        self.optimizers_by_name = model.optimizers()
        self.rates = {n: [g["lr"] for g in o.param_groups] for n, o in self.optimizers_by_name.items()}
        self.averages = nn.ModuleDict()
        if settings.ema_decay:
            self.averages.update({n: copy.deepcopy(getattr(model, n)).requires_grad_(False) for n in model.averaged})
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()  # a value may be logged in some steps only
        self._step = torch.compile(model.training_step) if settings.compile else model.training_step

    def configure_optimizers(self) -> list[Optimizer]:
        return list(self.optimizers_by_name.values())

    def stop(self, why: str) -> None:
        """Ask for a clean end after the step under way."""
        self.stopping = why

    def training_step(self, turn: int) -> None:
        """Run minibatches up to the next step at which something is due, or up to a request to stop."""
        settings = self.settings
        every = (settings.log_every, settings.snapshot_every, settings.sample_every)
        due = min(settings.max_steps, *(self.step - self.step % n + n for n in every))
        while self.step < due and not self.stopping:
            self._set_rates(settings.rate(self.step))
            rows = shuffled_rows(len(self.split), settings.batch_size, settings.seed, self.step)
            self._collect(self._step(self.split.batch(rows), self.step, self.update))
            self._average()
            self.step += 1

    def _set_rates(self, factor: float) -> None:
        for name, optimizer in self.optimizers_by_name.items():
            for group, rate in zip(optimizer.param_groups, self.rates[name], strict=True):
                group["lr"] = rate * factor

    def update(self, name: str, loss: Tensor, clip: float | None = None) -> None:
        """zero_grad, backward and step of one optimiser."""
        optimizer = self.optimizers_by_name[name]
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        if clip is not None:
            nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], clip)
        optimizer.step()

    @torch.no_grad()
    def _average(self) -> None:
        decay = self.settings.averaging(self.step)
        for name, average in self.averages.items():
            source = getattr(self.model, name)
            kept: list[Tensor] = list(average.parameters())
            now: list[Tensor] = list(source.parameters())
            torch._foreach_lerp_(kept, now, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
            for buffer, current in zip(average.buffers(), source.buffers(), strict=True):
                buffer.copy_(current)

    def _collect(self, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            value = value.float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] += 1

    def drain(self) -> dict[str, float]:
        """Mean of each logged value since the last call, as `train/<name>`.

        Raises:
            Diverged: one of them is not finite.
        """
        if not self._sums:
            return {}
        values = torch.stack(list(self._sums.values())).tolist()
        means = {f"train/{n}": value / self._counts[n] for n, value in zip(self._sums, values, strict=True)}
        self._sums, self._counts = {}, Counter()
        for name, value in means.items():
            if not math.isfinite(value):
                raise NotFinite(f"{name} is {value} at step {self.step}")
        return means

    def ensure_finite(self) -> None:
        """Look at every weight and average.

        Raises:
            Diverged: one of them is not finite, though the loss before the last update was.
        """
        for name, tensor in self.state_dict().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise NotFinite(f"{name} is not finite at step {self.step}")

    @contextmanager
    def published(self) -> Iterator[None]:
        """The model as it would be published now: averaged weights, evaluation mode."""
        trained = {name: getattr(self.model, name) for name in self.averages}
        for name, average in self.averages.items():
            setattr(self.model, name, average)
        self.model.eval()
        try:
            yield
        finally:
            for name, module in trained.items():
                setattr(self.model, name, module)
            self.model.train()

    def publish_averages(self) -> None:
        """Put the averaged weights in place of the trained ones, for good."""
        for name, average in self.averages.items():
            getattr(self.model, name).load_state_dict(average.state_dict())

    def state(self) -> TrainingState:
        """What a snapshot holds."""
        modules: dict[str, nn.Module] = {"model": self.model, "averages": self.averages}
        return TrainingState(modules, self.optimizers_by_name)


class Turns:
    """What Lightning iterates over: as many calls of `training_step` as it takes. It fetches one turn ahead, so which
    minibatches a turn runs is decided in the turn itself."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def __iter__(self) -> Iterator[int]:
        turn = 0
        while self.loop.step < self.loop.settings.max_steps and not self.loop.stopping:
            yield turn
            turn += 1
