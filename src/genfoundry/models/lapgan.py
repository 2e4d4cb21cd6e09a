"""Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks.

Denton, Chintala, Szlam, Fergus, 2015 (arXiv 1506.05751).

The coarsest image comes from noise; each finer one is the coarser one enlarged, plus the detail that a conditional
generator draws for it (Eq. 5). Every level has a discriminator of its own and learns from real coarse images, so the
levels are independent and learn side by side. Away from the paper: convolutions at the coarsest level too, a lazy
gradient penalty, an averaged generator, and noise on the coarse image that a level is given in training (Ho 2022, arXiv
2106.15282, §4), so that it bears the faults of the level below.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from pydantic import Field
from torch import Generator as Random
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.adversarial import FromNoise, Game
from genfoundry.batch import ImageBatch
from genfoundry.errors import UserError
from genfoundry.layers import halvings, noise, shift
from genfoundry.records import ImageSpec


class LAPGAN(FromNoise):
    """A pyramid of generators, the coarsest first."""

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
        widths = [config.width << (self.levels - level) for level in range(1, self.levels + 1)]
        self.generator = nn.ModuleList([coarsest(coarse, config), *(Detail(spec.channels, width) for width in widths)])
        sizes = [(coarse[1] << level, coarse[2] << level) for level in range(1, self.levels + 1)]
        finer = zip(sizes, widths, strict=True)
        finer_critics = (critic(2 * spec.channels, *size, width, (2, 2)) for size, width in finer)
        self.discriminator = nn.ModuleList([critic(*coarse, config.coarse_width, (1, 2)), *finer_critics])
        self.prepare()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """An image (B, C, H, W) at every level's size, the coarsest first."""
        return [F.avg_pool2d(images, 2**level) if level else images for level in range(self.levels, -1, -1)]

    def games(self, batch: ImageBatch) -> list[Game]:
        real = self.pyramid(batch.images)
        fake = self.generator[0](self.latents(batch))
        games = [Game(self._judge(0, None), real[0], fake)]
        for level in range(1, self.levels + 1):
            low = enlarge(real[level - 1])
            spread = self.config.augmentation * torch.rand(len(low), 1, 1, 1, device=low.device)
            given = low + spread * torch.randn_like(low)
            detail = self.generator[level](given, noise_plane(given, None))
            games.append(Game(self._judge(level, given), real[level], (low + detail).clamp(-1, 1)))
        return games

    def _judge(self, level: int, low: Tensor | None) -> Callable[[Tensor], Tensor]:
        """A level's discriminator, of an image beside the coarse one that it was made from, shifted together."""
        pixels = min(self.config.shift, 1) if level < self.levels else self.config.shift

        def score(images: Tensor) -> Tensor:
            shown = images if low is None else torch.cat([images, low], 1)
            return self.discriminator[level](shift(shown, pixels)).flatten()

        return score

    @torch.no_grad()
    def sample_levels(self, like: ImageBatch, generator: Random | None = None) -> list[Tensor]:
        """The same samples at every level's size, the coarsest first."""
        made = [self.generator[0](self.latents(like, generator))]
        for detail in self.generator[1:]:
            low = enlarge(made[-1])
            made.append((low + detail(low, noise_plane(low, generator))).clamp(-1, 1))
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


def coarsest(shape: tuple[int, int, int], config: LAPGAN.Config) -> nn.Sequential:
    """(B, latent_dim) → (B, C, h, w): a dense layer to the grid, then two convolutions on it."""
    channels, height, width = shape
    inner = config.coarse_width
    return nn.Sequential(
        nn.Linear(config.latent_dim, inner * height * width, bias=False),
        nn.Unflatten(1, (inner, height, width)),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, inner, 3, padding=1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, channels, 3, padding=1),
        nn.Tanh(),
    )


class Detail(nn.Module):
    """A coarse image enlarged (B, C, H, W) and a plane of noise (B, 1, H, W) → the detail to add (B, C, H, W).

    Without normalisation, since its input differs a little between training and drawing.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (channels + 1, width, width):
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, low: Tensor, z: Tensor) -> Tensor:
        return self.layers(torch.cat([low, z], 1).contiguous(memory_format=torch.channels_last))


def critic(channels: int, height: int, width: int, inner: int, strides: tuple[int, int]) -> nn.Sequential:
    """(B, channels, H, W) → (B, 1) logits: two convolutions and a dense layer."""
    layers: list[nn.Module] = []
    for inputs, outputs, stride in zip((channels, inner), (inner, 2 * inner), strides, strict=True):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.LeakyReLU(0.2)]
        height, width = -(-height // stride), -(-width // stride)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * inner * height * width, 1))
