"""Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.

Radford, Metz, Chintala, 2016 (arXiv 1511.06434).

Convolutions in place of dense layers, strides in place of pooling, batch normalisation. The paper's own settings are
the recipe `dcgan-2016`. The defaults keep its architecture and change what later work found wanting: no batch
normalisation in the discriminator, a lazy gradient penalty (Mescheder 2018), upsampling before a 3×3 convolution
(Odena 2016), translations (Zhao 2020), an averaged generator; narrow and with a high rate, since many steps of a small
network beat few of a wide one at equal wall-clock.
"""

from __future__ import annotations

import itertools
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.adversarial import FromNoise
from genfoundry.modelling.layers import UpConv2d, halvings


class DCGAN(FromNoise):
    """Convolutional generator and discriminator (§3)."""

    class Config(FromNoise.Config):
        width: int = Field(default=16, gt=0)  # channels beside the image, doubled as it shrinks; 64 in the paper
        max_width: int = Field(default=64, gt=0)  # 512 to 1024 in the paper
        upsampling: Literal["resize", "transposed"] = "resize"  # transposed in the paper
        discriminator_norm: bool = False  # True in the paper, §3
        initial_std: float | None = Field(default=None, gt=0)  # 0.02 in the paper, §4

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.generator = Generator(spec, config)
        self.discriminator = Discriminator(spec, config)
        if config.initial_std:
            for module in self.modules():
                if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | UpConv2d):
                    nn.init.normal_(module.weight, std=config.initial_std)
        self.prepare()
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class Generator(nn.Module):
    """(B, latent_dim) → (B, C, H, W) in [-1, 1]: a dense layer to a small grid, doubled until it is the image."""

    def __init__(self, spec: ImageSpec, config: DCGAN.Config) -> None:
        super().__init__()
        depth = halvings(spec)
        widths = [min(config.width * 2**level, config.max_width) for level in range(depth, -1, -1)]
        self.grid = (widths[0], spec.height >> depth, spec.width >> depth)
        self.dense = nn.Linear(config.latent_dim, self.grid[0] * self.grid[1] * self.grid[2], bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [_double(inputs, outputs, config.upsampling), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], spec.channels, 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        x = self.dense(z).unflatten(1, self.grid).contiguous(memory_format=torch.channels_last)
        return self.layers(torch.relu(self.norm(x)))


def _double(inputs: int, outputs: int, upsampling: str) -> nn.Module:
    if upsampling == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return UpConv2d(inputs, outputs, bias=False)


class Discriminator(nn.Module):
    """(B, C, H, W) → (B, 1) logits: strided convolutions down to a small grid, then a dense layer."""

    def __init__(self, spec: ImageSpec, config: DCGAN.Config) -> None:
        super().__init__()
        depth = halvings(spec) + 1
        widths = [min(config.width * 2**level, config.max_width) for level in range(depth)]
        layers: list[nn.Module] = [nn.Conv2d(spec.channels, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for inputs, outputs in itertools.pairwise(widths):
            layers.append(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not config.discriminator_norm))
            layers += [nn.BatchNorm2d(outputs)] if config.discriminator_norm else []
            layers.append(nn.LeakyReLU(0.2))
        size = widths[-1] * (spec.height >> depth) * (spec.width >> depth)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images.contiguous(memory_format=torch.channels_last))
