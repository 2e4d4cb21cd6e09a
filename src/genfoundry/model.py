"""What every family promises. A family is one file of `models/`: the paper, its Config, its networks, the class.

The training loop, the optimiser steps, the averaged (EMA) copy, logging, snapshots and resuming are the trainer's;
a family says what is trained, on which losses, and how to sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import torch
from pydantic import BaseModel, ConfigDict
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from genfoundry.batch import Batch
from genfoundry.records import Spec

Losses = dict[str, Tensor]
B = TypeVar("B", bound=Batch)
S = TypeVar("S", bound=Spec)

CAPABILITIES = {
    "sample": "samples",
    "reconstruct": "reconstructs",
    "log_likelihood": "exact likelihood",
    "embed": "embeds",
    "classify": "classifies",
    "forecast": "forecasts",
    "forecast_quantiles": "knows its quantiles",
    "upscale": "enlarges",
    "complete": "completes",
    "decode": "decodes",
    "anomaly_score": "finds anomalies",
    "sample_levels": "coarse to fine",
}
"""What a family may be able to do, by the method that does it, and what that is called in lists. But for `sample` there
is a protocol for each below. Which of them a family has is read from its source (`genfoundry.catalog.describe`)."""


class Update(Protocol):
    """What the trainer hands to `training_step`: zero_grad, backward and step of one optimiser."""

    def __call__(self, name: str, loss: Tensor, clip: float | None = None) -> None:
        """Minimise `loss` with the optimiser `name`; `clip` bounds the norm of its gradient."""
        ...


class Model(nn.Module, Generic[B, S]):
    """A family that reads batches of type `B` of data that look like `S`.

    Subclasses set the constants, nest `Config` (and say `config: Config` behind it), implement three methods.

    `kind`       the kind of data it reads (`image`, `series`)
    `task`       what it is for: the folder of `tasks/` that judges it
    `conditions` what `sample` reads of the rows it is given, beside their number: fields of the batch, in the singular
    `deterministic`  whether `sample` draws nothing: the same rows give the same, whatever the generator
    `exact_likelihood` whether `log_likelihood`, where there is one, is no mere bound
    `averaged`   the sub-modules whose exponential moving average is evaluated and published
    `budgeted`   the settings that count training steps, which a budget shortens as it does `max_steps`
    """

    kind: ClassVar[str]
    task: ClassVar[str] = "generation"
    conditions: ClassVar[tuple[str, ...]] = ()
    deterministic: ClassVar[bool] = False
    exact_likelihood: ClassVar[bool] = False
    averaged: ClassVar[tuple[str, ...]] = ()
    budgeted: ClassVar[tuple[str, ...]] = ()
    config: Config
    spec: S
    names: tuple[str, ...] = ()  # what the numbers of the classes, or of the series, are called; set by the loader

    class Config(BaseModel):
        """Hyper-parameters of the family, with the paper's values as defaults."""

        model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, spec: S, config: Config) -> None:
        super().__init__()
        self.spec, self.config = spec, config

    @property
    def takes_labels(self) -> bool:
        """Whether `sample` reads the class: the family does, and this data has classes to tell apart."""
        return "label" in self.conditions and getattr(self.spec, "num_classes", 0) > 1

    def optimizers(self) -> dict[str, Optimizer]:
        """A fresh optimiser for each name that `training_step` updates."""
        raise NotImplementedError

    def training_step(self, batch: B, step: int, update: Update) -> Losses:
        """One step on one batch. For each optimiser call `update(name, loss)`: backward and step.

        Args:
            batch: of this family's kind.
            step: how many steps were done before this one.
            update: does zero_grad, backward and step of the optimiser of that name.

        Returns:
            detached scalars to log, by name.
        """
        raise NotImplementedError

    def sample(self, like: B, generator: Generator | None = None) -> Tensor:
        """One generated example for each row of `like`, conditioned on whatever the family uses.

        Images: float32 (B, C, H, W) in [-1, 1]. Series: float32 (B, H), one possible future.
        """
        raise NotImplementedError

    def before_training(self, batches: Callable[[], Iterable[B]]) -> None:
        """What is fitted once on the training data, before the first step, and travels with the weights as buffers
        (bins, encodings). Their shapes follow from the spec and the config alone; a resumed training calls it again,
        before it restores its snapshot, so the same data must give the same.

        Args:
            batches: each call begins another pass over the training data.
        """

    def after_training(self, batches: Iterable[B]) -> None:
        """What is fitted once on the trained weights, over one pass of the training data (a prior, say)."""

    @property
    def generative(self) -> bool:
        """Whether it samples; the discriminative baselines are judged and never sampled."""
        return type(self).sample is not Model.sample

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


@runtime_checkable
class Reconstructs(Protocol):
    """Maps an example to its code and back."""

    def reconstruct(self, batch: Batch) -> Tensor:
        """The reconstruction of each row, in the data's shape and range."""
        ...


@runtime_checkable
class HasLikelihood(Protocol):
    """Gives a log-likelihood, or a lower bound of it (the ELBO)."""

    def log_likelihood(self, batch: Batch) -> Tensor:
        """(B,) in nats, of the data as discrete 8-bit values."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """Gives features."""

    def embed(self, batch: Batch) -> Tensor:
        """(B, D) features."""
        ...


@runtime_checkable
class Decodes(Embeds, Protocol):
    """Gives features, and makes an example of them."""

    def decode(self, z: Tensor) -> Tensor:
        """The examples of features (B, D), in the data's shape and range."""
        ...


@runtime_checkable
class Completes(Protocol):
    """Fills in what is missing."""

    def complete(self, images: Tensor, known: Tensor, generator: Generator | None = None) -> Tensor:
        """`images` (B, C, H, W) with the pixels drawn anew where `known` (B, 1, H, W) is False."""
        ...


@runtime_checkable
class Upscales(Protocol):
    """Makes large images of small ones."""

    @property
    def scale(self) -> int:
        """How many times larger."""
        ...

    def upscale(self, low: Tensor) -> Tensor:
        """(B, C, h, w) of any size, in [-1, 1], enlarged: (B, C, scale · h, scale · w)."""
        ...


@runtime_checkable
class Pyramids(Protocol):
    """Makes an image from coarse to fine."""

    def sample_levels(self, like: Batch, generator: Generator | None = None) -> list[Tensor]:
        """What `sample` makes at every level's size, the coarsest first."""
        ...


@runtime_checkable
class ScoresAnomalies(Protocol):
    """Says how unusual an example is."""

    def anomaly_score(self, batch: Batch) -> Tensor:
        """(B,) higher for what is less like the training data."""
        ...


@runtime_checkable
class Classifies(Protocol):
    """Gives class scores."""

    def classify(self, batch: Batch) -> Tensor:
        """(B, num_classes) logits."""
        ...


@runtime_checkable
class Forecasts(Protocol):
    """Draws many possible futures of a window in one pass."""

    def forecast(self, batch: Batch, num_samples: int, generator: Generator | None = None) -> Tensor:
        """(B, num_samples, H) possible futures in the data's unit."""
        ...


@runtime_checkable
class HasQuantiles(Protocol):
    """Knows the quantiles of each step of a forecast, without drawing futures."""

    def forecast_quantiles(self, batch: Batch, levels: Sequence[float]) -> Tensor:
        """(B, Q, H) in the data's unit, at each of the Q levels between 0 and 1."""
        ...
