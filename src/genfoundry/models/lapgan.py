"""Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks.

Denton, Chintala, Szlam, Fergus, 2015 (arXiv 1506.05751).

The coarsest image comes from noise; each finer one is the coarser one enlarged, plus the detail that a conditional
generator draws for it (Eq. 5). Every level has a discriminator of its own and learns from real coarse images, so the
levels are independent and learn side by side. Away from the paper: a lazy gradient penalty, an averaged generator,
and noise on the coarse image that a level is given in training (Ho 2022, arXiv 2106.15282, §4), so that it bears the
faults of the level below.
"""

from __future__ import annotations

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
        width: int = Field(default=16, gt=0)  # channels of the finer levels; 64 in the paper's appendix
        dense: int = Field(default=256, gt=0)  # hidden units of the coarsest level; 1200 and 600 in the paper's
        augmentation: float = Field(default=0.1, ge=0)  # largest deviation of the noise on a given image

    config: Config
    generator: nn.ModuleList
    discriminator: nn.ModuleList

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.levels = depth(spec, config.levels)
        coarse = (spec.channels, spec.height >> self.levels, spec.width >> self.levels)
        finer = range(self.levels)
        self.generator = nn.ModuleList([coarsest(coarse, config), *(Detail(spec.channels, config) for _ in finer)])
        sizes = [(coarse[1] << level, coarse[2] << level) for level in range(1, self.levels + 1)]
        self.discriminator = nn.ModuleList(
            [perceptron(coarse, config), *(critic(spec.channels, *size, config) for size in sizes)]
        )
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

    def _judge(self, level: int, low: Tensor | None):
        """A level's discriminator, of an image beside the coarse one that it was made from, shifted together."""
        pixels = self.config.shift >> (self.levels - level)

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
    """(B, latent_dim) → (B, C, h, w): two hidden layers (§4)."""
    size = shape[0] * shape[1] * shape[2]
    layers: list[nn.Module] = []
    for inputs in (config.latent_dim, config.dense):
        layers += [nn.Linear(inputs, config.dense, bias=False), nn.BatchNorm1d(config.dense), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(config.dense, size), nn.Tanh(), nn.Unflatten(1, shape))


def perceptron(shape: tuple[int, int, int], config: LAPGAN.Config) -> nn.Sequential:
    """(B, C, h, w) → (B, 1) logits: two hidden layers (§4)."""
    size, width = shape[0] * shape[1] * shape[2], config.dense
    hidden = [nn.Linear(size, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(width, 1))


class Detail(nn.Module):
    """A coarse image enlarged (B, C, H, W) and a plane of noise (B, 1, H, W) → the detail to add (B, C, H, W)."""

    def __init__(self, channels: int, config: LAPGAN.Config) -> None:
        super().__init__()
        width = config.width
        self.layers = nn.Sequential(
            nn.Conv2d(channels + 1, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
        )

    def forward(self, low: Tensor, z: Tensor) -> Tensor:
        return self.layers(torch.cat([low, z], 1).contiguous(memory_format=torch.channels_last))


def critic(channels: int, height: int, width: int, config: LAPGAN.Config) -> nn.Sequential:
    """An image beside its coarse one (B, 2C, H, W) → (B, 1) logits: two strided convolutions and a dense layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((2 * channels, config.width), (config.width, 2 * config.width)):
        layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * config.width * (height // 4) * (width // 4), 1))
