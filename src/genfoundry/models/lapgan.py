"""Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks.

Denton, Chintala, Szlam, Fergus, 2015 (arXiv 1506.05751).

The coarsest image comes from noise; each finer one is the coarser one enlarged, plus the detail that a conditional
generator draws for it (Eq. 5). Every level has a discriminator of its own and learns from real coarse images, so the
levels are independent and learn side by side. Where the data has classes every level is told the class, as the paper's
CC-LAPGAN is. Away from the paper: convolutions at the coarsest level too, the class as in Miyato 2018 (arXiv
1802.05637), a lazy gradient penalty, an averaged generator, and noise on the coarse image that a level is given in
training (Ho 2022, arXiv 2106.15282, §4), so that it bears the faults of the level below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator as Random
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.errors import UserError
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.adversarial import FromNoise, Game
from genfoundry.modelling.layers import ClassNorm2d, Projection, halvings, noise, shift


class LAPGAN(FromNoise):
    """A pyramid of generators, the coarsest first."""

    conditions: ClassVar[tuple[str, ...]] = ("label",)

    class Config(FromNoise.Config):
        levels: int | None = Field(default=None, gt=0)  # halvings; None: until the short side is at most 8 (§4: 8)
        width: int = Field(default=16, gt=0)  # channels at the finest level, doubled at each coarser one
        coarse_width: int = Field(default=64, gt=0)  # channels of the coarsest level, which is dense in the paper
        augmentation: float = Field(default=0.1, ge=0)  # largest deviation of the noise on a given image

    config: Config
    generator: nn.ModuleList
    discriminator: nn.ModuleList

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.levels = depth(spec, config.levels)
        coarse = (spec.channels, spec.height >> self.levels, spec.width >> self.levels)
        classes = spec.num_classes if self.takes_labels else 0
        widths = [config.width << (self.levels - level) for level in range(1, self.levels + 1)]
        details = (Detail(spec.channels, width, classes) for width in widths)
        self.generator = nn.ModuleList([Coarsest(coarse, config, classes), *details])
        sizes = [(coarse[1] << level, coarse[2] << level) for level in range(1, self.levels + 1)]
        finer = zip(sizes, widths, strict=True)
        critics = (Critic((2 * spec.channels, *size), width, (2, 2), classes) for size, width in finer)
        self.discriminator = nn.ModuleList([Critic(coarse, config.coarse_width, (1, 2), classes), *critics])
        self.prepare()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """An image (B, C, H, W) at every level's size, the coarsest first."""
        return [F.avg_pool2d(images, 2**level) if level else images for level in range(self.levels, -1, -1)]

    def games(self, batch: ImageBatch) -> list[Game]:
        real = self.pyramid(batch.images)
        fake = self.generator[0](self.latents(batch), batch.labels)
        games = [Game(self._judge(0, None, batch.labels), real[0], fake)]
        for level in range(1, self.levels + 1):
            low = enlarge(real[level - 1])
            spread = self.config.augmentation * torch.rand(len(low), 1, 1, 1, device=low.device)
            given = low + spread * torch.randn_like(low)
            detail = self.generator[level](given, noise_plane(given, None), batch.labels)
            games.append(Game(self._judge(level, given, batch.labels), real[level], (low + detail).clamp(-1, 1)))
        return games

    def _judge(self, level: int, low: Tensor | None, labels: Tensor) -> Callable[[Tensor], Tensor]:
        """A level's discriminator, of an image beside the coarse one that it was made from, shifted together."""
        pixels = min(self.config.shift, 1) if level < self.levels else self.config.shift

        def score(images: Tensor) -> Tensor:
            shown = images if low is None else torch.cat([images, low], 1)
            return self.discriminator[level](shift(shown, pixels), labels)

        return score

    @torch.no_grad()
    def sample_levels(self, like: ImageBatch, generator: Random | None = None) -> list[Tensor]:
        """The same samples at every level's size, the coarsest first."""
        made = [self.generator[0](self.latents(like, generator), like.labels)]
        for detail in self.generator[1:]:
            low = enlarge(made[-1])
            made.append((low + detail(low, noise_plane(low, generator), like.labels)).clamp(-1, 1))
        return made

    def make(self, like: ImageBatch, generator: Random | None = None) -> Tensor:
        return self.sample_levels(like, generator)[-1]


def depth(spec: ImageSpec, levels: int | None) -> int:
    """How often the pyramid halves the image.

    Raises:
        UserError: a side turns odd on the way, or falls under 2 pixels.
    """
    if levels is None:
        return halvings(spec)
    step = 2**levels
    if spec.height % step or spec.width % step or min(spec.height, spec.width) < 2 * step:
        raise UserError(
            f"Images of {spec.height}×{spec.width} can't be halved {levels} times.",
            expected=f"height and width that are multiples of {step} and at least {2 * step}",
            remedy="set model.levels lower, or add the data again with another --size",
        )
    return levels


def enlarge(images: Tensor) -> Tensor:
    """Twice as high and wide, bilinearly."""
    return F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)


def noise_plane(like: Tensor, generator: Random | None) -> Tensor:
    """One plane of N(0, 1) for each image, (B, 1, H, W): a level's z (§3.2)."""
    height, width = like.shape[2:]
    return noise(len(like), height * width, generator, like.device).unflatten(1, (1, height, width))


class Coarsest(nn.Module):
    """z (B, latent_dim), labels (B,) → (B, C, h, w): a dense layer to the grid, then two convolutions on it."""

    def __init__(self, shape: tuple[int, int, int], config: LAPGAN.Config, classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.grid = (config.coarse_width, height, width)
        self.dense = nn.Linear(config.latent_dim, self.grid[0] * height * width, bias=False)
        self.norms = nn.ModuleList(ClassNorm2d(self.grid[0], classes) for _ in range(2))
        self.inner = nn.Conv2d(self.grid[0], self.grid[0], 3, padding=1, bias=False)
        self.last = nn.Conv2d(self.grid[0], channels, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        x = self.dense(z).unflatten(1, self.grid).contiguous(memory_format=torch.channels_last)
        x = self.inner(torch.relu(self.norms[0](x, labels)))
        return torch.tanh(self.last(torch.relu(self.norms[1](x, labels))))


class Detail(nn.Module):
    """A coarse image enlarged (B, C, H, W), a plane of noise (B, 1, H, W), labels (B,) → what to add (B, C, H, W).

    Without normalisation, since its input differs a little between training and drawing.
    """

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels + 1, width, 3, padding=1)
        self.by_class = nn.Embedding(classes, width) if classes else None
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(width, width, 3, padding=1)]
        self.layers = nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, low: Tensor, z: Tensor, labels: Tensor) -> Tensor:
        x = self.first(torch.cat([low, z], 1).contiguous(memory_format=torch.channels_last))
        return self.layers(x if self.by_class is None else x + self.by_class(labels)[:, :, None, None])


class Critic(nn.Module):
    """Images of a `shape` (B, C, H, W), labels (B,) → logits (B,): two convolutions, then a projection on the class."""

    def __init__(self, shape: tuple[int, int, int], inner: int, strides: tuple[int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip((channels, inner), (inner, 2 * inner), strides, strict=True):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.LeakyReLU(0.2)]
            height, width = -(-height // stride), -(-width // stride)
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = Projection(2 * inner * height * width, classes)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.head(self.layers(images), labels)
