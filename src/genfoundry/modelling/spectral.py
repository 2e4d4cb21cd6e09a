"""Wide convolutions on a CPU by way of their frequencies.

Mathieu, Henaff, LeCun, Fast Training of Convolutional Networks through FFTs, 2013 (arXiv 1312.5851): a product in the
frequencies costs the same for every width of the kernel. Images of this catalogue are so small that the transform is
two matrix products, which a CPU does at its peak, and no fast Fourier transform.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


def convolve(images: Tensor, kernel: Tensor, top: int, left: int) -> Tensor:
    """What `F.conv2d` gives of `images` (B, C, H, W), zero around, and `kernel` (D, C, h, w), but for rounding.

    The kernel's first row lies `top` rows above the place that it makes, its first column `left` columns before it.
    Returns (B, D, H, W) in float32, channels last.
    """
    made = _Convolve.apply(images.float(), kernel.float(), top, left)
    assert isinstance(made, Tensor)
    return made


class _Convolve(torch.autograd.Function):
    """A product for each frequency; its two gradients are products as well (§2.1)."""

    @staticmethod
    def forward(ctx, images: Tensor, kernel: Tensor, top: int, left: int) -> Tensor:
        ctx.sides = images.shape[2] + kernel.shape[2] - 1, images.shape[3] + kernel.shape[3] - 1
        ctx.image, ctx.kernel = (
            ((0, images.shape[2]), (0, images.shape[3])),
            ((-top, kernel.shape[2]), (-left, kernel.shape[3])),
        )
        seen, taps = _frequencies(images, ctx.sides, ctx.image), _frequencies(kernel, ctx.sides, ctx.kernel)
        ctx.save_for_backward(seen, taps)
        return _space(torch.bmm(seen, taps.mH), ctx.sides, ctx.image)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        seen, taps = ctx.saved_tensors
        wanted = _frequencies(gradient.float(), ctx.sides, ctx.image)
        of_images = _space(torch.bmm(wanted, taps), ctx.sides, ctx.image)
        return of_images, _space(torch.bmm(wanted.mH, seen), ctx.sides, ctx.kernel), None, None


Span = tuple[int, int]  # the first place and how many there are


def _frequencies(x: Tensor, sides: tuple[int, int], places: tuple[Span, Span]) -> Tensor:
    """(B, C, H, W) to complex (F, B, C): one matrix for each pair of a vertical and a horizontal frequency."""
    (count, channels, height, width), (down, across) = x.shape, sides
    x = x.permute(2, 3, 0, 1).reshape(height, width, -1)
    rows = _waves(across, across // 2 + 1, *places[1], x.device) @ x  # (H, 2·m, B·C)
    both = (_waves(down, down, *places[0], x.device) @ rows.flatten(1)).view(2, down, 2, -1, count, channels)
    return torch.complex(both[0, :, 0] - both[1, :, 1], both[0, :, 1] + both[1, :, 0]).flatten(0, 1)


def _space(products: Tensor, sides: tuple[int, int], places: tuple[Span, Span]) -> Tensor:
    """The way back: complex (F, B, D) to (B, D, H, W)."""
    (_, count, channels), (down, across) = products.shape, sides
    half = across // 2 + 1
    twice = torch.full((half, 1), 2.0 / (down * across), device=products.device)  # a frequency and its mirror image
    twice[0] /= 2
    if across % 2 == 0:
        twice[-1] /= 2
    parts = torch.view_as_real(products).reshape(down, -1)
    waves = _waves(down, down, *places[0], products.device).unflatten(0, (2, down)).mT.flatten(0, 1)  # (2·H, n)
    both = (waves @ parts).view(2, places[0][1], half, count * channels, 2)
    # the waves of `_frequencies` run backwards: their sines have the other sign here
    rows = torch.stack([both[0, ..., 0] + both[1, ..., 1], both[0, ..., 1] - both[1, ..., 0]], 1)  # (H, 2, m, B·D)
    waves = (_waves(across, half, *places[1], products.device).unflatten(0, (2, half)) * twice).flatten(0, 1).mT
    back = (waves @ rows.flatten(1, 2)).unflatten(2, (count, channels))  # (H, W, B, D)
    return back.permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=64)
def _waves(length: int, frequencies: int, first: int, count: int, device: torch.device) -> Tensor:
    """Cosines, then sines run backwards, (2 · frequencies, count): e^(-2πi · frequency · place / length)."""
    turns = torch.outer(torch.arange(frequencies), torch.arange(first, first + count)) % length
    angle = turns.double() * (2 * math.pi / length)
    return torch.cat([angle.cos(), -angle.sin()]).float().to(device)
