"""Training: our run beside the usual loop of the same network, and beside a bare loop of the same family."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import nn

from benchmarks import ours, plain
from benchmarks.measure import Row, Timing, interleaved, stepped
from benchmarks.networks import VariationalPerceptron, dcgan_32, perceptrons
from genfoundry.loader import build_model
from genfoundry.model import Model
from genfoundry.schedule import Settings


def _settings(batch_size: int, ema_decay: float, count: int) -> Settings:
    """Without snapshots and grids."""
    seldom = 10**6
    return Settings(
        max_steps=1,
        batch_size=batch_size,
        ema_decay=ema_decay,
        log_every=min(20, count),
        snapshot_every=seldom,
        sample_every=seldom,
    )


def overhead(images: np.ndarray, peak: float, counts: dict[str, int], rounds: int) -> Iterator[Row]:
    """Rows of a Lightning run beside a bare loop: the families of the default recipes, averaging and journal on."""
    split = ours.Pixels(images)
    for family, count in counts.items():
        settings = _settings(64, 0.998, count)
        models = [_seeded(lambda family=family: build_model(family, split.spec, {})) for _ in range(2)]
        run = ours.by_lightning(models[0], split, settings, count)
        bare = stepped(ours.tight(models[1], split, settings), count)
        yield _row(
            f"{family}: Lightning run, beside a bare loop", run, bare, "≥ .95", models[0], split, 64, peak, rounds
        )


def peers(images: np.ndarray, peak: float, counts: dict[str, int], rounds: int) -> Iterator[Row]:
    """Rows of our run beside the usual loop: the same network, batch and optimiser settings."""
    large = np.stack(
        [np.array(Image.fromarray(i[0]).resize((32, 32), Image.Resampling.BILINEAR))[None] for i in images]
    )
    contests: dict[str, tuple[str, int, type, np.ndarray, Callable[[], Iterator]]] = {
        "dcgan": ("≥ 2.5 (4 with bf16)", 64, ours.SameDCGAN, large, lambda: _gan(dcgan_32(), images, 32)),
        "vae": ("≥ 2.4 (4 with bf16)", 128, ours.SameVAE, images, lambda: _vae(images)),
        "gan": ("≥ 2", 64, ours.SamePerceptrons, images, lambda: _gan(perceptrons(), images, 28)),
    }
    names = {"dcgan": "DCGAN 32×32", "vae": "VAE 784-400-20", "gan": "GAN of perceptrons"}
    for family, count in counts.items():
        goal, batch, same, pixels, usual = contests[family]
        split = ours.Pixels(pixels)
        model = _seeded(lambda same=same, split=split: same(split.spec))
        run = ours.by_lightning(model, split, _settings(batch, 0, count), count)
        what = f"{names[family]}, batch {batch}: beside the usual loop"
        yield _row(what, run, stepped(usual(), count), goal, model, split, batch, peak, rounds)


def _row(
    what: str,
    run: Callable[[], Timing],
    peer: Callable[[], Timing],
    goal: str,
    model: Model,
    split: ours.Pixels,
    batch: int,
    peak: float,
    rounds: int,
) -> Row:
    mine, theirs = interleaved(run, peer, rounds=rounds)
    share = ours.operations(model, split, batch) / mine.process / peak
    return Row(what, mine, theirs, goal, share, "images/s", batch)


def _seeded(make: Callable[[], Model]) -> Model:
    torch.manual_seed(0)
    return make()


def _gan(networks: tuple[nn.Module, nn.Module], images: np.ndarray, side: int) -> Iterator:
    generator, discriminator = networks
    data = plain.batches(plain.Pictures(images, side), 64)
    return plain.adversarial(generator, nn.Sequential(discriminator, nn.Sigmoid()), data, (100,))


def _vae(images: np.ndarray) -> Iterator:
    return plain.variational(VariationalPerceptron(), plain.batches(plain.Pictures(images, 28, signed=False), 128))
