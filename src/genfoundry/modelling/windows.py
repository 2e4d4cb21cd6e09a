"""What forecasters share about a window: the scale of its past, its gaps, its calendar."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Scaling = Literal["mean", "standard"]
Transform = Literal["none", "sqrt", "log"]


class Scaled(NamedTuple):
    """Values (B, L) in the network's unit, gaps filled with the last seen; value = z · `scale` + `shift`, (B, 1)."""

    z: Tensor
    mask: Tensor
    shift: Tensor
    scale: Tensor


def scale(values: Tensor, mask: Tensor, scaling: Scaling) -> Scaled:
    """Values (B, L) relative to their own observed mean (DeepAR, §3.3), or mean and deviation (RevIN, Kim 2022)."""
    values = values * mask
    count = mask.sum(1, keepdim=True).clamp_min(1)
    mean = values.sum(1, keepdim=True) / count
    if scaling == "mean":
        shift, size = torch.zeros_like(mean), (values.abs().sum(1, keepdim=True) / count).clamp_min(1e-6)
    else:
        variance = ((values - mean).square() * mask).sum(1, keepdim=True) / count
        shift, size = mean, variance.sqrt().clamp_min(1e-3 * mean.abs() + 1e-6)
    return Scaled(fill((values - shift) / size * mask, mask), mask, shift, size)


def fill(z: Tensor, mask: Tensor) -> Tensor:
    """Put the last observed value where `mask` (B, L) is 0, and 0 before the first."""
    at = torch.arange(z.shape[1], device=z.device).expand_as(z)
    last = torch.where(mask > 0, at, 0).cummax(1).values
    return (z * mask).gather(1, last)


def calendar(time: Tensor, cycles: int) -> Tensor:
    """The first `cycles` positions of `time` (B, T, F) as sines and cosines: (B, T, 2 · cycles)."""
    angles = 2 * math.pi * time[..., :cycles]
    return torch.cat((angles.sin(), angles.cos()), 2)


def transform(values: Tensor, how: Transform) -> Tensor:
    """Values as they are learnt: as they are, or their root or logarithm, what is negative counting as none."""
    if how == "sqrt":
        return values.clamp_min(0).sqrt()
    return values.clamp_min(1e-6).log() if how == "log" else values


def restore(values: Tensor, how: Transform) -> Tensor:
    """The inverse of `transform`."""
    if how == "sqrt":
        return values.clamp_min(0).square()
    return values.exp() if how == "log" else values
