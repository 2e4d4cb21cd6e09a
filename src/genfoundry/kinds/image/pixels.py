"""Between the 8-bit levels of a file, 0 to 255, and the values of a network, -1 to 1: the one place that knows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

HALF = 127.5  # levels from -1 to 0


def to_unit(levels: Tensor) -> Tensor:
    """Levels 0 to 255 of any type and shape, as float32 in [-1, 1]."""
    return levels.to(torch.float32, copy=True).div_(HALF).sub_(1)


def unit_array(levels: np.ndarray) -> np.ndarray:
    """Floating-point levels 0 to 255 of any shape, in [-1, 1]."""
    return levels / HALF - 1


def to_levels(images: Tensor) -> Tensor:
    """Images in [-1, 1] as whole levels 0 to 255, still floating-point; beyond the range is cut off."""
    return images.add(1).mul(HALF).round().clamp(0, 255)


def to_pixels(images: Tensor) -> np.ndarray:
    """Images in [-1, 1] as the uint8 values that a file would hold; beyond the range is cut off."""
    return to_levels(images.float()).to(torch.uint8).cpu().numpy()


def quantised(images: Tensor) -> Tensor:
    """Images in [-1, 1] with the values that are left of them after they were a file, in their own type."""
    return to_levels(images).div(HALF).sub(1)
