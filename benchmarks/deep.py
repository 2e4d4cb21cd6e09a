"""The two deeper networks that both sides train: a PixelCNN of plain masked convolutions, and an SRGAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genfoundry.modelling.spectral import convolve


def masked_convolutions(width: int = 64, depth: int = 8, size: int = 7, *, spectral: bool = False) -> nn.Module:
    """The PixelCNN of scripts (van den Oord 2016a, §3): values (B, 1, H, W) in [0, 1] → logits (B, 256, H, W).

    `spectral` leaves out the rows of the kernels that the mask zeroes and goes by their frequencies: the same function.
    """
    kind = Spectral if spectral else Masked
    layers: list[nn.Module] = []
    for level in range(depth):
        layers += [kind(width if level else 1, width, size, sees_itself=level > 0), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(width, 256, 1))


class Masked(nn.Conv2d):
    """A convolution of what comes before a pixel in reading order, and of the pixel where it `sees_itself`."""

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, size: int, sees_itself: bool) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2, bias=False)
        mask = torch.ones_like(self.weight)
        mask[:, :, size // 2, size // 2 + sees_itself :] = 0
        mask[:, :, size // 2 + 1 :] = 0
        self.register_buffer("mask", mask)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        self.weight.data.mul_(self.mask)
        return super().forward(input)


class Spectral(Masked):
    """The same without the rows that are zero, as the family `pixelcnn` convolves with wide kernels."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        half = self.kernel_size[0] // 2
        return convolve(input, (self.weight * self.mask)[:, :, : half + 1], half, half)


def super_resolution(width: int = 64, blocks: int = 16) -> tuple[nn.Module, nn.Module]:
    """SRGAN (Ledig 2017, Fig. 4): (B, 3, h, w) → (B, 3, 4h, 4w), and (B, 3, H, W) → logits (B, 1, H/16, W/16).

    The discriminator scores patches, as scripts have it, in place of the paper's dense layers.
    """
    generator = nn.Sequential(
        nn.Conv2d(3, width, 9, padding=4),
        nn.PReLU(),
        Skip(*(_residual(width) for _ in range(blocks)), _convolution(width, width), nn.BatchNorm2d(width)),
        *_sub_pixel(width),
        *_sub_pixel(width),
        nn.Conv2d(width, 3, 9, padding=4),
        nn.Tanh(),
    )
    discriminator: list[nn.Module] = [_convolution(3, width), nn.LeakyReLU(0.2)]
    for a, b in ((1, 1), (1, 2), (2, 2), (2, 4), (4, 4), (4, 8), (8, 8)):
        discriminator += [_convolution(a * width, b * width, stride=2 if a == b else 1), nn.BatchNorm2d(b * width)]
        discriminator += [nn.LeakyReLU(0.2)]
    return generator, nn.Sequential(*discriminator, _convolution(8 * width, 1))


class Skip(nn.Sequential):
    """x plus what the layers make of it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return input + super().forward(input)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def _residual(width: int) -> nn.Module:
    first, second = (_convolution(width, width) for _ in range(2))
    return Skip(first, nn.BatchNorm2d(width), nn.PReLU(), second, nn.BatchNorm2d(width))


def _sub_pixel(width: int) -> list[nn.Module]:
    return [_convolution(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()]
