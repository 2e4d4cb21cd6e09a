"""Conditional Generative Adversarial Nets.

Mirza, Osindero, 2014 (arXiv 1411.1784); cGANs with Projection Discriminator, Miyato, Koyama, 2018 (arXiv 1802.05637).

Both players are told the class. The first paper concatenates it to what they read (`conditioning: concatenation`).
The default is the second's: the discriminator's features are projected on a vector of the class (Eq. 3), and the
generator's normalisation scales and shifts each channel by class (Dumoulin 2017), in the small, fast convolutional
networks of this catalogue with a lazy gradient penalty.
"""

from __future__ import annotations

import itertools
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator as Random
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.errors import UserError
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.adversarial import FromNoise
from genfoundry.modelling.layers import ClassNorm2d, Projection, UpConv2d, halvings


class CGAN(FromNoise):
    """Images of the class that is asked for."""

    conditions: ClassVar[tuple[str, ...]] = ("label",)

    class Config(FromNoise.Config):
        conditioning: Literal["projection", "concatenation"] = "projection"  # concatenation in Mirza 2014, §3.2
        width: int = Field(
            default=16, gt=0
        )  # channels beside the image, doubled as it shrinks; Mirza 2014 has perceptrons, §4.1
        max_width: int = Field(default=64, gt=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.num_classes < 2:
            raise UserError(
                f"A conditional model needs labels of two classes; this dataset has {spec.num_classes or 'none'}.",
                expected="a folder a class, of two or more",
                remedy="train an unconditional family on it: genfoundry models",
            )
        self.generator = Generator(spec, config)
        self.discriminator = Discriminator(spec, config)
        self.prepare()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def make(self, like: ImageBatch, generator: Random | None = None) -> Tensor:
        return self.generator(self.latents(like, generator), like.labels)

    def score(self, images: Tensor, like: ImageBatch) -> Tensor:
        return self.discriminator(images, like.labels)


class Generator(nn.Module):
    """(B, latent_dim), labels (B,) → (B, C, H, W) in [-1, 1]: a dense layer to a small grid, doubled until it fits."""

    def __init__(self, spec: ImageSpec, config: CGAN.Config) -> None:
        super().__init__()
        depth = halvings(spec)
        widths = [min(config.width * 2**level, config.max_width) for level in range(depth, -1, -1)]
        self.grid = (widths[0], spec.height >> depth, spec.width >> depth)
        self.told = spec.num_classes if config.conditioning == "concatenation" else 0
        told_norms = 0 if self.told else spec.num_classes
        inputs = config.latent_dim + self.told
        self.dense = nn.Linear(inputs, self.grid[0] * self.grid[1] * self.grid[2], bias=False)
        self.doubles = nn.ModuleList(UpConv2d(a, b, bias=False) for a, b in itertools.pairwise(widths))
        self.norms = nn.ModuleList(ClassNorm2d(width, told_norms) for width in widths)
        self.last = nn.Conv2d(widths[-1], spec.channels, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        if self.told:
            z = torch.cat([z, F.one_hot(labels, self.told).to(z)], 1)
        x = self.dense(z).unflatten(1, self.grid).contiguous(memory_format=torch.channels_last)
        x = torch.relu(self.norms[0](x, labels))
        for double, norm in zip(self.doubles, self.norms[1:], strict=True):
            x = torch.relu(norm(double(x), labels))
        return torch.tanh(self.last(x))


class Discriminator(nn.Module):
    """(B, C, H, W), labels (B,) → logits (B,): strided convolutions, then φ · (w + v of the class)."""

    def __init__(self, spec: ImageSpec, config: CGAN.Config) -> None:
        super().__init__()
        depth = halvings(spec) + 1
        widths = [min(config.width * 2**level, config.max_width) for level in range(depth)]
        self.told = spec.num_classes if config.conditioning == "concatenation" else 0
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise([spec.channels + self.told, *widths]):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        size = widths[-1] * (spec.height >> depth) * (spec.width >> depth)
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = Projection(size, 0 if self.told else spec.num_classes)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        if self.told:
            planes = F.one_hot(labels, self.told).to(images)[:, :, None, None]
            images = torch.cat([images, planes.expand(-1, -1, *images.shape[2:])], 1)
        return self.head(self.layers(images.contiguous(memory_format=torch.channels_last)), labels)
