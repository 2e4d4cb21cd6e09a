"""One contract for all families: what `check_model` asks, every family keeps.

What rows and samples look like is the kind's to say, what is served is the task's, and what a family can do besides is
read from the table of capabilities: a new one has to be checked here.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.types.schema import TensorSpec
from support.kinds import image, series

from genfoundry import catalog, kind, task
from genfoundry.batch import Batch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Model
from genfoundry.records import Spec
from genfoundry.training.loader import build_model, load_model, write_model

IMAGE_SPECS, (SERIES_SPEC,) = image.SPECS, series.SPECS


def smallest(of: str) -> Spec:
    """The last and smallest of the specs that families of a kind are tried on."""
    return importlib.import_module(f"support.kinds.{of}").SPECS[-1]


def batch_of(spec: Spec, rows: int, seed: int = 0) -> Any:
    """Random rows of a spec's shape and range."""
    return kind.of(spec).rows.example_batch(spec, rows, seed)


def check_model(family: str, spec: Spec, folder: Path, **settings) -> None:
    """Train two steps, sample, publish, load, serve: every promise of `genfoundry.model` on one spec."""
    torch.manual_seed(0)
    model = build_model(family, spec, settings)
    batch = batch_of(spec, 8)
    model.before_training(lambda: [batch_of(spec, 64, seed) for seed in range(2)])
    touched = _train(model, batch)
    idle = [name for name, p in model.named_parameters() if p.requires_grad and name not in touched]
    assert not idle, f"no gradient ever reached {idle}"
    model.eval()
    model.after_training([batch_of(spec, 64, seed) for seed in range(2)])
    write_model(folder, family, model, model.state_dict())
    again = load_model(folder)
    if model.generative:
        _check_samples(model, again, batch)
    _check_capabilities(family, model, again, batch)
    _check_served(family, again)


def _train(model: Model, batch: Batch) -> set[str]:
    optimizers, touched = model.optimizers(), set()

    def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
        optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        ours = {id(p) for group in optimizers[name].param_groups for p in group["params"]}
        touched.update(n for n, p in model.named_parameters() if id(p) in ours and p.grad is not None and p.grad.any())
        optimizers[name].step()

    for step in range(2):
        losses = model.training_step(batch, step, update)
        assert losses, "nothing to log"
        for name, value in losses.items():
            assert value.shape == (), f"{name} is not a scalar"
            assert not value.requires_grad, f"{name} is not detached"
            assert torch.isfinite(value), f"{name} is {value}"
    return touched


def _check_samples(model: Model, again: Model, batch: Batch) -> None:
    first = model.sample(batch, torch.Generator().manual_seed(7))
    assert len(first) == len(batch)
    importlib.import_module(f"support.kinds.{model.kind}").check_samples(first, model.spec)
    torch.testing.assert_close(
        first, model.sample(batch, torch.Generator().manual_seed(7)), rtol=0, atol=0, equal_nan=True
    )
    drawn_again = model.sample(batch, torch.Generator().manual_seed(8))
    assert torch.equal(first, drawn_again) == model.deterministic, "what the seed changes"
    torch.testing.assert_close(
        first, again.sample(batch, torch.Generator().manual_seed(7)), rtol=0, atol=0, equal_nan=True
    )
    for condition, changed in _altered(batch, model.kind).items():
        moved = not torch.equal(first, model.sample(changed, torch.Generator().manual_seed(7)))
        assert moved == (condition in model.conditions), f"{condition}: {'used' if moved else 'not used'}"


def _altered(batch: Batch, of: str) -> dict[str, Batch]:
    """The batch with one condition changed, for each that a family of the catalogue reads of this kind of data."""
    families = [catalog.describe("models", name) for name in catalog.names("models")]
    known = {each for family in families if family.attributes["kind"] == of for each in family.conditions}
    parts = {field.name.removesuffix("s"): field.name for field in fields(batch)}
    return {name: replace(batch, **{parts[name]: getattr(batch, parts[name]).roll(1, 0)}) for name in known}


@torch.no_grad()
def _check_capabilities(family: str, model: Model, again: Model, batch: Batch) -> None:
    """What a family can do besides has the right shape, and is the same after loading."""
    methods = catalog.describe("models", family).methods
    for name in catalog.capabilities():
        if name in methods and name != "sample":
            values, shape = CAPABILITIES[name](model, batch)
            assert values.shape == shape, name
            assert torch.isfinite(values).all(), name
            torch.testing.assert_close(values, CAPABILITIES[name](again, batch)[0], rtol=0, atol=0, msg=name)


Checked = tuple[torch.Tensor, tuple[int, ...]]
"""What a capability made, and the shape that it should have."""


def _likelihood(model, batch) -> Checked:
    nats = model.log_likelihood(batch)
    assert (nats < 0).all(), "a probability of discrete data above 1"
    return nats, (len(batch),)


def _completed(model, batch) -> Checked:
    spec, rows = model.spec, len(batch)
    known = torch.arange(spec.height)[:, None].expand(rows, 1, spec.height, spec.width) < spec.height // 2
    made = model.complete(batch.images, known, _stream())
    assert torch.equal(made[known.expand_as(made)], batch.images[known.expand_as(made)]), "what is known stays"
    return made, batch.images.shape


def _upscaled(model, batch) -> Checked:
    spec, scale = model.spec, model.scale
    return model.upscale(batch.images), (len(batch), spec.channels, scale * spec.height, scale * spec.width)


def _embedded(model, batch) -> Checked:
    made = model.embed(batch)
    return made, (len(batch), made.shape[1])


def _stream() -> torch.Generator:
    return torch.Generator().manual_seed(5)


CAPABILITIES: dict[str, Callable[..., Checked]] = {
    "reconstruct": lambda model, batch: (model.reconstruct(batch), batch.images.shape),
    "log_likelihood": _likelihood,
    "embed": _embedded,
    "classify": lambda model, batch: (model.classify(batch), (len(batch), model.spec.num_classes)),
    "forecast": lambda model, batch: (model.forecast(batch, 3, _stream()), (len(batch), 3, model.spec.horizon)),
    "forecast_quantiles": lambda model, batch: (
        model.forecast_quantiles(batch, (0.1, 0.7)),
        (len(batch), 2, model.spec.horizon),
    ),
    "upscale": _upscaled,
    "complete": _completed,
    "decode": lambda model, batch: (model.decode(model.embed(batch)), batch.images.shape),
    "anomaly_score": lambda model, batch: (model.anomaly_score(batch), (len(batch),)),
    "sample_levels": lambda model, batch: (model.sample_levels(batch, _stream())[-1], batch.images.shape),
}


def _check_served(family: str, model: Model) -> None:
    """The family can be judged in its own task, which serves it as it says."""
    own = task.of(model.task)
    assert own.fits(catalog.describe("models", family)), f"{own.name} needs {own.needs(model.kind)}"
    assert "model." in own.usage("m", model.spec)
    signature, served = own.signature(model), own.predictor(model)
    (answer,) = signature.outputs.inputs[:1]
    if (given := _given(signature.inputs.inputs)) is not None and isinstance(answer, TensorSpec):
        found = served.predict(given)
        assert found.dtype == answer.type
        assert len(found) == len(given)
        assert all(size in (-1, there) for size, there in zip(answer.shape, found.shape, strict=True))


def _given(inputs: list) -> np.ndarray | pd.DataFrame | None:
    """Three rows of what a signature asks for, where that is one array or whole numbers; None where it is more."""
    rng = np.random.default_rng(0)
    if isinstance(inputs[0], TensorSpec):
        shape = [3, *(8 if size == -1 else size for size in inputs[0].shape[1:])]
        return rng.integers(0, 256, shape).astype(inputs[0].type)
    required = [column for column in inputs if column.required]
    if any(column.type.name != "long" for column in required):
        return None
    return pd.DataFrame({column.name: rng.integers(0, 9, 3) for column in required})


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
