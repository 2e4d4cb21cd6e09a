"""Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network.

Ledig, Theis, Huszár, Caballero, Cunningham, Acosta, Aitken, Tejani, Totz, Wang, Shi, 2017 (arXiv 1609.04802).

First a residual network (SRResNet) learns the pixels, then it goes on against a discriminator (SRGAN, Eq. 3); both are
kept and both are judged: the first wins in decibels, the second in likeness. Away from the paper: no batch
normalisation (Lim 2017, arXiv 1707.02921, §3.1), sub-pixel convolutions that start as nearest enlargement (Aitken 2017,
arXiv 1707.02937), the enlarged input added to the output (Kim 2016), an L1 error, and the discriminator's own features
in place of a network trained elsewhere (Salimans 2016, §3.1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import ClassVar, Literal, cast

import torch
from pydantic import Field
from torch import Generator as Random
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.errors import UserError
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Update
from genfoundry.modelling.adversarial import Adversarial, Game
from genfoundry.modelling.resampling import degrade, tiled


class SRGAN(Adversarial):
    """Images enlarged; trained on their own reductions, or on what they are paired with."""

    task: ClassVar[str] = "super_resolution"
    conditions: ClassVar[tuple[str, ...]] = ("image",)
    deterministic: ClassVar[bool] = True
    budgeted: ClassVar[tuple[str, ...]] = ("pixel_steps",)

    class Config(Adversarial.Config):
        scale: Literal[2, 4] = 4  # §3
        width: int = Field(default=32, gt=0)  # 64 in the paper, §2.1.1
        blocks: int = Field(default=4, gt=0)  # 16 in the paper
        pixel_steps: int = Field(default=600, ge=0)  # of L1 alone; 10⁶ of MSE in the paper, §3.2
        adversarial_weight: float = Field(default=1e-2, ge=0)  # 10⁻³ in the paper, Eq. 3
        feature_weight: float = Field(default=0.1, ge=0)
        shift: int = Field(default=0, ge=0)

    config: Config
    generator: Generator
    discriminator: Discriminator

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.height % config.scale or spec.width % config.scale:
            raise UserError(
                f"Images of {spec.height}×{spec.width} can't be reduced {config.scale} times.",
                expected=f"height and width that are multiples of {config.scale}",
                remedy="set model.scale=2, or add the data again with another --size",
            )
        _check_pairs(spec, config.scale)
        self.generator = Generator(spec.channels, config)
        self.by_pixels = Generator(spec.channels, config).requires_grad_(False)  # as it was after `pixel_steps`
        self.register_buffer("switched", torch.zeros((), dtype=torch.bool))
        self.discriminator = Discriminator(spec.channels, config)
        self.prepare()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    switched: Tensor

    @property
    def scale(self) -> int:
        return self.config.scale

    def low(self, batch: ImageBatch) -> Tensor:
        """What is to be enlarged: what the images of a batch are paired with, or else the images, reduced."""
        return degrade(batch.images, self.config.scale) if batch.source is None else batch.source

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        batch = _flipped(batch)
        if step < self.config.pixel_steps:
            loss = F.l1_loss(self.generator(self.low(batch)), batch.images)
            update("generator", loss)
            return {"pixels": loss.detach()}
        if not self.switched:
            self._keep()
        return super().training_step(batch, step, update)

    def games(self, batch: ImageBatch) -> list[Game]:
        fake = self.generator(self.low(batch))
        return [Game(lambda images: self.discriminator(images).mean((1, 2, 3)), batch.images, fake)]

    def generator_loss(self, game: Game) -> Tensor:
        """Pixels, features and the game (Eq. 3)."""
        config = self.config
        with torch.no_grad():
            wanted = self.discriminator.features(game.real)
        features = F.l1_loss(self.discriminator.features(game.fake), wanted)
        pixels = F.l1_loss(game.fake, game.real)
        return pixels + config.feature_weight * features + config.adversarial_weight * super().generator_loss(game)

    def after_training(self, batches) -> None:
        if not self.switched:
            self._keep()

    def _keep(self) -> None:
        self.by_pixels.load_state_dict(self.generator.state_dict())
        self.switched.fill_(True)

    @torch.no_grad()
    def upscale(self, low: Tensor) -> Tensor:
        """Images of any size (B, C, h, w) in [-1, 1] → (B, C, h·scale, w·scale), in tiles where they are large."""
        return self._tiled(self.generator, low)

    @torch.no_grad()
    def upscale_by_pixels(self, low: Tensor) -> Tensor:
        """The same by the network as it was before the game."""
        return self._tiled(self.by_pixels, low)

    def upscale_variants(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """What is judged beside `upscale`."""
        return {"l1": self.upscale_by_pixels}

    def _tiled(self, network: nn.Module, low: Tensor) -> Tensor:
        return tiled(network, low, self.config.scale, self.generator.reach).clamp(-1, 1)

    @torch.no_grad()
    def sample(self, like: ImageBatch, generator: Random | None = None) -> Tensor:
        return self.upscale(self.low(like))


def _flipped(batch: ImageBatch) -> ImageBatch:
    """Each image mirrored, or not, at random; and with it what it is paired with."""
    mirrored = torch.rand(len(batch.images), 1, 1, 1, device=batch.images.device) < 0.5
    images, source = (
        None if side is None else torch.where(mirrored, side.flip(3), side) for side in (batch.images, batch.source)
    )
    return ImageBatch(cast(Tensor, images), batch.labels, source)


def _check_pairs(spec: ImageSpec, scale: int) -> None:
    wanted = (spec.channels, spec.height // scale, spec.width // scale)
    if spec.source not in (None, wanted):
        found, expected = ("×".join(map(str, shape)) for shape in (spec.source, wanted))
        ratio = spec.height // spec.source[1]
        fits = ratio in (2, 4) and spec.source == (spec.channels, spec.height // ratio, spec.width // ratio)
        raise UserError(
            f"The pairs' sources are {found} (channels, height, width), which is not 1/{scale} of the images.",
            expected=f"{expected} for a scale of {scale}",
            remedy=f"set model.scale={ratio}"
            if fits
            else "add pairs that are 2 or 4 times reduced, of as many channels",
        )


class Generator(nn.Module):
    """(B, C, h, w) → (B, C, h·scale, w·scale): residual blocks, then sub-pixel convolutions (Fig. 4)."""

    def __init__(self, channels: int, config: SRGAN.Config) -> None:
        super().__init__()
        width, doublings = config.width, int(math.log2(config.scale))
        self.scale = config.scale
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(config.blocks)))
        self.enlarge = nn.Sequential(*(SubPixel(width) for _ in range(doublings)))
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        # pixels of the input that one of the output depends on, to each side
        self.reach = 2 * config.blocks + 4

    def forward(self, low: Tensor) -> Tensor:
        x = self.first(low.contiguous(memory_format=torch.channels_last))
        x = self.enlarge(x + self.blocks(x))
        return self.last(x) + F.interpolate(low, scale_factor=self.scale, mode="bicubic", align_corners=False)


class Residual(nn.Module):
    """x + f(x), f two 3×3 convolutions of the same width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class SubPixel(nn.Module):
    """(B, D, h, w) → (B, D, 2h, 2w); at first each pixel is repeated (ICNR)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, 4 * width, 3, padding=1)
        with torch.no_grad():
            self.convolution.weight.copy_(self.convolution.weight[::4].repeat_interleave(4, 0))
            self.convolution.bias.copy_(self.convolution.bias[::4].repeat_interleave(4, 0))  # pyright: ignore

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(F.pixel_shuffle(self.convolution(x), 2))


class Discriminator(nn.Module):
    """(B, C, H, W) → logits (B, 1, H/8, W/8), one for each patch; any size."""

    def __init__(self, channels: int, config: SRGAN.Config) -> None:
        super().__init__()
        widths = (channels, config.width, 2 * config.width, 2 * config.width)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers)
        self.last = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.features(images.contiguous(memory_format=torch.channels_last)))
