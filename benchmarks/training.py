"""Training: our run beside the usual loop of the same network, and beside a bare loop of the same family.

Every side is a process of its own: ours is started as the pipeline starts a training, the usual loop as a script is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn

from benchmarks import ours, plain
from benchmarks.measure import Row, Timing, apart, interleaved, stepped
from benchmarks.networks import VariationalPerceptron, dcgan_32, perceptrons
from genfoundry.job import MEMORY
from genfoundry.loader import build_model
from genfoundry.model import Model
from genfoundry.records import ImageSpec
from genfoundry.schedule import Settings

Make = Callable[[ImageSpec], Model]


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


class Contest(NamedTuple):
    """One network, trained by both sides."""

    what: str
    goal: str
    batch: int
    side: int  # pixels
    same: Make
    usual: Callable[[np.ndarray], Iterator]


def overhead(images: np.ndarray, peak: float, counts: dict[str, int], rounds: int) -> Iterator[Row]:
    """Rows of a Lightning run beside a bare loop: the families of the default recipes, averaging and journal on."""
    for family, count in counts.items():
        make, settings = partial(_family, family), _settings(64, 0.998, count)
        with ExitStack() as stack:
            sides = [
                stack.enter_context(apart(partial(way, make, images, settings, count), MEMORY))
                for way in (_by_lightning, _bare)
            ]
            what = f"{family}: Lightning run, beside a bare loop"
            yield _row(what, sides, "≥ .95", make, images, 64, peak, rounds)


def peers(images: np.ndarray, peak: float, counts: dict[str, int], rounds: int) -> Iterator[Row]:
    """Rows of our run beside the usual loop: the same network, batch and optimiser settings."""
    for family, count in counts.items():
        contest = CONTESTS[family]
        pixels = _resized(images, contest.side)
        settings = _settings(contest.batch, 0, count)
        with (
            apart(partial(_by_lightning, contest.same, pixels, settings, count), MEMORY) as run,
            apart(partial(_usual, contest.usual, images, count)) as usual,
        ):
            what = f"{contest.what}, batch {contest.batch}: beside the usual loop"
            yield _row(what, [run, usual], contest.goal, contest.same, pixels, contest.batch, peak, rounds)


def _resized(images: np.ndarray, side: int) -> np.ndarray:
    if images.shape[-1] == side:
        return images
    return np.stack(
        [np.array(Image.fromarray(i[0]).resize((side, side), Image.Resampling.BILINEAR))[None] for i in images]
    )


def _row(
    what: str,
    sides: list[Callable[[], Timing]],
    goal: str,
    make: Make,
    images: np.ndarray,
    batch: int,
    peak: float,
    rounds: int,
) -> Row:
    mine, theirs = interleaved(*sides, rounds=rounds)
    split = ours.Pixels(images)
    share = ours.operations(make(split.spec), split, batch) / mine.process / peak
    return Row(what, mine, theirs, goal, share, "images/s", batch)


def _by_lightning(make: Make, images: np.ndarray, settings: Settings, count: int) -> Callable[[], Timing]:
    split = ours.Pixels(images)
    return ours.by_lightning(_seeded(make, split.spec), split, settings, count)


def _bare(make: Make, images: np.ndarray, settings: Settings, count: int) -> Callable[[], Timing]:
    split = ours.Pixels(images)
    return stepped(ours.tight(_seeded(make, split.spec), split, settings), count)


def _usual(usual: Callable[[np.ndarray], Iterator], images: np.ndarray, count: int) -> Callable[[], Timing]:
    torch.manual_seed(0)
    return stepped(usual(images), count)


def _family(family: str, spec: ImageSpec) -> Model:
    return build_model(family, spec, {})


def _seeded(make: Make, spec: ImageSpec) -> Model:
    torch.manual_seed(0)
    return make(spec)


def _usual_gan(networks: Callable[[], tuple[nn.Module, nn.Module]], side: int, images: np.ndarray) -> Iterator:
    generator, discriminator = networks()
    data = plain.batches(plain.Pictures(images, side), 64)
    return plain.adversarial(generator, nn.Sequential(discriminator, nn.Sigmoid()), data, (100,))


def _usual_vae(images: np.ndarray) -> Iterator:
    return plain.variational(VariationalPerceptron(), plain.batches(plain.Pictures(images, 28, signed=False), 128))


CONTESTS = {
    "dcgan": Contest("DCGAN 32×32", "≥ 2.5 (4 with bf16)", 64, 32, ours.SameDCGAN, partial(_usual_gan, dcgan_32, 32)),
    "vae": Contest("VAE 784-400-20", "≥ 2.4 (4 with bf16)", 128, 28, ours.SameVAE, _usual_vae),
    "gan": Contest("GAN of perceptrons", "≥ 2", 64, 28, ours.SamePerceptrons, partial(_usual_gan, perceptrons, 28)),
}
