"""One contract for all families: what `check_model` asks, every family keeps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from genfoundry.batch import Batch
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import (
    Classifies,
    Completes,
    Decodes,
    HasLikelihood,
    HasQuantiles,
    Model,
    Pyramids,
    Reconstructs,
    ScoresAnomalies,
    Upscales,
)
from genfoundry.modelling.forecaster import Forecaster
from genfoundry.training.loader import build_model, load_model, write_model

IMAGE_SPECS = [
    ImageSpec(channels=1, height=28, width=28, num_classes=10),
    ImageSpec(channels=3, height=32, width=48, num_classes=3),
    ImageSpec(channels=1, height=8, width=8, num_classes=2),
]
SERIES_SPEC = SeriesSpec(freq="h", season=24, context=72, horizon=6, num_series=3)


def batch_of(spec: ImageSpec | SeriesSpec, rows: int, seed: int = 0) -> Batch:
    """Random data of a spec's shape and range."""
    generator = torch.Generator().manual_seed(seed)
    if isinstance(spec, ImageSpec):
        levels = torch.randint(0, 256, (rows, *spec.shape), generator=generator)
        return ImageBatch(levels / 127.5 - 1, torch.randint(0, spec.num_classes, (rows,), generator=generator))
    past, future = (torch.randn(rows, n, generator=generator) * 5 + 50 for n in (spec.context, spec.horizon))
    time = [torch.rand(rows, n, 4, generator=generator) - 0.5 for n in (spec.context, spec.horizon)]
    series = torch.arange(rows) % spec.num_series
    return SeriesBatch(past, torch.ones_like(past), time[0], future, torch.ones_like(future), time[1], series)


def check_model(family: str, spec: ImageSpec | SeriesSpec, folder: Path, **settings) -> None:
    """Train two steps, sample, publish, load: every promise of `genfoundry.model` on one spec."""
    torch.manual_seed(0)
    model = build_model(family, spec, settings)
    batch = batch_of(spec, 8)
    touched = _train(model, batch)
    idle = [name for name, p in model.named_parameters() if p.requires_grad and name not in touched]
    assert not idle, f"no gradient ever reached {idle}"
    model.eval()
    model.after_training([batch_of(spec, 64, seed) for seed in range(2)])
    write_model(folder, family, model, model.state_dict())
    again = load_model(folder)
    if model.generative:
        _check_samples(model, again, batch, spec)
    _check_capabilities(model, again, batch, spec)


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


def _check_samples(model: Model, again: Model, batch: Batch, spec: ImageSpec | SeriesSpec) -> None:
    shape = spec.shape if isinstance(spec, ImageSpec) else (spec.horizon,)
    first = model.sample(batch, torch.Generator().manual_seed(7))
    assert first.shape == (len(batch), *shape)
    assert first.dtype == torch.float32
    assert torch.isfinite(first).all()
    if isinstance(spec, ImageSpec):
        assert first.min() >= -1
        assert first.max() <= 1
    torch.testing.assert_close(first, model.sample(batch, torch.Generator().manual_seed(7)), rtol=0, atol=0)
    drawn_again = model.sample(batch, torch.Generator().manual_seed(8))
    assert torch.equal(first, drawn_again) == (model.task == "super_resolution"), "what the seed changes"
    torch.testing.assert_close(first, again.sample(batch, torch.Generator().manual_seed(7)), rtol=0, atol=0)
    for condition, changed in _altered(batch, spec).items():
        moved = not torch.equal(first, model.sample(changed, torch.Generator().manual_seed(7)))
        assert moved == (condition in model.conditions), f"{condition}: {'used' if moved else 'not used'}"


def _altered(batch: Batch, spec: ImageSpec | SeriesSpec) -> dict[str, Batch]:
    """The batch with one condition changed, by the condition's name."""
    if isinstance(spec, SeriesSpec):
        return {"past": replace(batch, past=batch.past * 1.5)}
    return {
        "label": replace(batch, labels=(batch.labels + 1) % spec.num_classes),
        "image": replace(batch, images=batch.images.flip(3)),
    }


@torch.no_grad()
def _check_capabilities(model: Model, again: Model, batch: Batch, spec: ImageSpec | SeriesSpec) -> None:
    """What a family can do besides has the right shape, and is the same after loading."""
    found = dict(_abilities(model, batch, spec))
    for name, (values, shape) in found.items():
        assert values.shape == shape, name
        assert torch.isfinite(values).all(), name
    for name, (values, _) in _abilities(again, batch, spec):
        torch.testing.assert_close(found[name][0], values, rtol=0, atol=0, msg=name)
    if isinstance(model, HasLikelihood):
        assert (found["log_likelihood"][0] < 0).all(), "a probability of discrete data above 1"


def _abilities(
    model: Model, batch: Batch, spec: ImageSpec | SeriesSpec
) -> Iterator[tuple[str, tuple[torch.Tensor, tuple[int, ...]]]]:
    """Name, and what was made with the shape that it should have, of every promise of `genfoundry.model` kept."""
    rows, generator = len(batch), torch.Generator().manual_seed(5)
    if isinstance(spec, SeriesSpec):
        if isinstance(model, Forecaster):
            yield "forecast", (model.forecast(batch, 3, generator), (rows, 3, spec.horizon))
        if isinstance(model, HasQuantiles):
            yield "forecast_quantiles", (model.forecast_quantiles(batch, (0.1, 0.7)), (rows, 2, spec.horizon))
        return
    if isinstance(model, Reconstructs):
        yield "reconstruct", (model.reconstruct(batch), (rows, *spec.shape))
    if isinstance(model, HasLikelihood):
        yield "log_likelihood", (model.log_likelihood(batch), (rows,))
    if isinstance(model, Classifies):
        yield "classify", (model.classify(batch), (rows, spec.num_classes))
    if isinstance(model, Decodes):
        yield "decode", (model.decode(model.embed(batch)), (rows, *spec.shape))
    if isinstance(model, ScoresAnomalies):
        yield "anomaly_score", (model.anomaly_score(batch), (rows,))
    if isinstance(model, Completes):
        known = torch.arange(spec.height)[:, None].expand(rows, 1, spec.height, spec.width) < spec.height // 2
        made = model.complete(batch.images, known, generator)
        assert torch.equal(made[known.expand_as(made)], batch.images[known.expand_as(made)]), "what is known stays"
        yield "complete", (made, (rows, *spec.shape))
    if isinstance(model, Upscales):
        scale = model.config.scale
        yield "upscale", (model.upscale(batch.images), (rows, spec.channels, scale * spec.height, scale * spec.width))
    if isinstance(model, Pyramids):
        finest = model.sample_levels(batch, generator)[-1]
        yield "sample_levels", (finest, (rows, *spec.shape))


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
