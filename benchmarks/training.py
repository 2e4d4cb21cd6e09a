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
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks import ours, plain
from benchmarks.deep import masked_convolutions, super_resolution
from benchmarks.measure import Row, Timing, apart, interleaved, stepped
from benchmarks.networks import VariationalPerceptron, dcgan_32, perceptrons, told_perceptrons
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Model
from genfoundry.training.job import MEMORY
from genfoundry.training.loader import build_model
from genfoundry.training.settings import Settings

Make = Callable[[ImageSpec], Model]
Pairs = Iterator[list[Tensor]]


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
    items: Callable[[np.ndarray], Dataset]  # of the usual side, from digits (N, 1, 28, 28)
    loop: Callable[[Pairs], Iterator]  # of the usual side
    colours: int = 1


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
        pixels = _resized(images, contest.side, contest.colours)
        settings = _settings(contest.batch, 0, count)
        with (
            apart(partial(_by_lightning, contest.same, pixels, settings, count), MEMORY) as run,
            apart(partial(_usual, contest, images, count)) as usual,
        ):
            what = f"{contest.what}, batch {contest.batch}: beside the usual loop"
            yield _row(what, [run, usual], contest.goal, contest.same, pixels, contest.batch, peak, rounds)


def _resized(images: np.ndarray, side: int, colours: int = 1) -> np.ndarray:
    if images.shape[-1] != side:
        images = np.stack(
            [np.array(Image.fromarray(i[0]).resize((side, side), Image.Resampling.BILINEAR))[None] for i in images]
        )
    return np.repeat(images, colours, 1) if colours > 1 else images


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
    # as many uncounted steps as the other side's first turn: a processor slows down after a second of work
    return stepped(ours.tight(_seeded(make, split.spec), split, settings), count, before=count)


def _usual(contest: Contest, images: np.ndarray, count: int) -> Callable[[], Timing]:
    torch.manual_seed(0)
    return stepped(contest.loop(plain.pairs(contest.items(images), contest.batch)), count)


def _family(family: str, spec: ImageSpec) -> Model:
    return build_model(family, spec, {})


def _seeded(make: Make, spec: ImageSpec) -> Model:
    torch.manual_seed(0)
    return make(spec)


def _game(loop: Callable[..., Iterator], networks: Callable[[], tuple[nn.Module, nn.Module]], data: Pairs) -> Iterator:
    generator, discriminator = networks()
    return loop(generator, Probable(discriminator), data)


class Probable(nn.Module):
    """Logits as probabilities."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.sigmoid(self.layers(*inputs))


def _vae(data: Pairs) -> Iterator:
    return plain.variational(VariationalPerceptron(), data)


def _pixelcnn(data: Pairs) -> Iterator:
    return plain.autoregressive(masked_convolutions(), data)


def _crops(images: np.ndarray) -> plain.Crops:
    return plain.Crops(_resized(images, 64, 3))


from_noise, told = (partial(loop, latent=(100,)) for loop in (plain.adversarial, plain.conditional))
at_28, at_32 = (partial(plain.Pictures, side=side) for side in (28, 32))
unsigned = partial(plain.Pictures, side=28, signed=False)
CONTESTS = {
    "dcgan": Contest(
        "DCGAN 32×32", "≥ 2.5 (5 with bf16)", 64, 32, ours.SameDCGAN, at_32, partial(_game, from_noise, dcgan_32)
    ),
    "vae": Contest("VAE 784-400-20", "≥ 2.4 (5 with bf16)", 128, 28, ours.SameVAE, unsigned, _vae),
    "gan": Contest(
        "GAN of perceptrons", "≥ 2 (3 with bf16)", 64, 28, ours.SamePerceptrons, at_28,
        partial(_game, from_noise, perceptrons),
    ),
    "cgan": Contest(
        "GAN of perceptrons told the class 32×32", "≥ 1.6 (3 with bf16)", 64, 32, ours.SameTold, at_32,
        partial(_game, told, told_perceptrons),
    ),
    "pixelcnn": Contest(
        "PixelCNN of masked 7×7 convolutions", "≥ 1.6 (3 with bf16)", 32, 28, ours.SamePixelCNN, unsigned, _pixelcnn
    ),
    "srgan": Contest(
        "SRGAN, crops of 64×64", "≥ 1.2 (2.5 with bf16)", 8, 64, ours.SameSRGAN, _crops,
        partial(_game, plain.super_resolution, super_resolution), colours=3,
    ),
}  # fmt: skip
