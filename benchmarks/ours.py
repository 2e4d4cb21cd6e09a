"""Our side: the peers' networks as families, and a family's training as the trainer runs it or in a bare loop."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.deep import masked_convolutions, super_resolution
from benchmarks.measure import Clock, Timing
from benchmarks.networks import CLASSES, VariationalPerceptron, dcgan_32, perceptrons, told_perceptrons
from genfoundry.kinds.image.rows import ImageBatch, ImageRows
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.adversarial import Adversarial, FromNoise, Game
from genfoundry.modelling.resampling import degrade
from genfoundry.training.device import resolve
from genfoundry.training.journal import Journal
from genfoundry.training.loop import Loop
from genfoundry.training.rows import shuffled_rows
from genfoundry.training.settings import Settings
from genfoundry.training.trainer import Reporter, fit

PAPER = FromNoise.Config(latent_dim=100, penalty=0, shift=0, learning_rate=2e-4, betas=(0.5, 0.999))


class Pixels(ImageRows):
    """A split of images that are in memory already."""

    def __init__(self, images: np.ndarray) -> None:
        self.device = torch.device("cpu")
        self.images, self.sources = torch.from_numpy(images), None
        self.labels = torch.arange(len(images)) % CLASSES  # stand-ins: no speed depends on them

    @property
    def spec(self) -> ImageSpec:
        _, channels, height, width = self.images.shape
        return ImageSpec(channels=channels, height=height, width=width, num_classes=0)


class SameDCGAN(FromNoise):
    """`networks.dcgan_32`, upsampling and convolution in one, channels last."""

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, PAPER)
        self.generator, discriminator = dcgan_32(fused=True)
        self.discriminator = discriminator
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class SamePerceptrons(FromNoise):
    """`networks.perceptrons`."""

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, PAPER)
        self.generator, self.discriminator = perceptrons()


class SameTold(FromNoise):
    """`networks.told_perceptrons`."""

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, PAPER)
        self.generator, self.discriminator = told_perceptrons(PAPER.latent_dim, spec.height)

    def make(self, like: ImageBatch, generator: torch.Generator | None = None) -> Tensor:
        return self.generator(self.latents(like, generator), like.labels)

    def score(self, images: Tensor, like: ImageBatch) -> Tensor:
        return self.discriminator(images, like.labels).flatten()


class SameSRGAN(Adversarial):
    """`deep.super_resolution`, channels last."""

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, PAPER)
        self.generator, self.discriminator = super_resolution()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def games(self, batch: ImageBatch) -> list[Game]:
        low, high = (x.contiguous(memory_format=torch.channels_last) for x in (degrade(batch.images, 4), batch.images))
        return [Game(lambda images: self.discriminator(images).flatten(), high, self.generator(low))]

    def generator_loss(self, game: Game) -> Tensor:
        return F.l1_loss(game.fake, game.real) + 1e-3 * super().generator_loss(game)


class SamePixelCNN(Model):
    """`deep.masked_convolutions`, spectral, channels last."""

    kind: ClassVar[str] = "image"

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, Model.Config())
        self.network = masked_convolutions(spectral=True)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def optimizers(self) -> dict[str, Optimizer]:
        return {"network": Adam(self.parameters(), 1e-3, fused=True)}

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        values = batch.images.add(1).div(2)
        logits = self.network(values).permute(0, 2, 3, 1)  # (B, H, W, 256): a softmax over the last is not copied
        loss = F.cross_entropy(logits.flatten(0, 2), (values * 255).round().long().flatten())
        update("network", loss)
        return {"nats": loss.detach()}


class SameVAE(Model):
    """`networks.VariationalPerceptron`."""

    kind: ClassVar[str] = "image"

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, Model.Config())
        self.network = VariationalPerceptron()

    def optimizers(self) -> dict[str, Optimizer]:
        return {"vae": Adam(self.parameters(), 1e-3, fused=True)}

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        loss = self.network.negative_bound(batch.images.add(1).div(2))
        update("vae", loss)
        return {"negative_elbo": loss.detach()}


class Stopwatch(Reporter):
    """The trainer's own callback, with a clock that starts after the first turn of a training and ends with it."""

    def __init__(self, folder: Path, loop: Loop) -> None:
        super().__init__(folder, Journal(folder), loop)
        self.start, self.clock, self.timing = 0, Clock(), Timing(0, 0)

    def on_train_start(self, trainer, pl_module) -> None:
        handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        super().on_train_start(trainer, pl_module)
        for name, handler in handlers.items():
            signal.signal(name, handler)

    def on_train_batch_end(self, trainer, pl_module, *rest) -> None:
        super().on_train_batch_end(trainer, pl_module, *rest)
        if not self.start:
            self.start, self.clock = self.loop.step, Clock()
        elif self.loop.step >= self.loop.settings.max_steps:
            self.timing = self.clock.read(self.loop.step - self.start)


def by_lightning(model: Model, split: Pixels, settings: Settings, count: int) -> Callable[[], Timing]:
    """A side that takes `count` steps under Lightning, journal included, as `genfoundry.training.trainer` does."""
    loop = Loop(model, settings, split)

    def side() -> Timing:
        with tempfile.TemporaryDirectory() as folder:
            first = loop.step - loop.step % settings.log_every + settings.log_every
            loop.settings = settings.model_copy(update={"max_steps": first + count})
            watch = Stopwatch(Path(folder), loop)
            fit(loop, resolve("cpu", "fp32"), watch)
            return watch.timing

    return side


def tight(model: Model, split: Pixels, settings: Settings) -> Iterator[Losses]:
    """The same training with nothing around it: slice, step, average."""
    optimizers = model.optimizers()
    copies = {name: [p.detach().clone() for p in getattr(model, name).parameters()] for name in model.averaged}

    def update(name: str, loss: Tensor, clip: float | None = None) -> None:
        optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_([p for g in optimizers[name].param_groups for p in g["params"]], clip)
        optimizers[name].step()

    for step in range(10**9):
        rows = shuffled_rows(len(split), settings.batch_size, settings.seed, step)
        yield model.training_step(split.batch(rows), step, update)
        if settings.ema_decay:
            for name, kept in copies.items():
                now = [p.detach() for p in getattr(model, name).parameters()]
                torch._foreach_lerp_(kept, now, 1 - settings.averaging(step))  # pyright: ignore[reportPrivateImportUsage]


def operations(model: Model, split: Pixels, batch_size: int) -> float:
    """Floating-point operations of one training step, forwards and backwards."""
    batch = split.batch(torch.arange(batch_size))
    with FlopCounterMode(display=False) as counter:
        model.training_step(batch, 1, lambda name, loss, clip=None: loss.backward())
    model.zero_grad()
    return float(counter.get_total_flops())
