"""Fewer pixels, and more: the stated degradation of super-resolution, and the interpolations that it must beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from genfoundry.kinds.image.pixels import quantised

INTERPOLATIONS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


def degrade(images: Tensor, scale: int) -> Tensor:
    """(B, C, H, W) in [-1, 1] → (B, C, H/scale, W/scale): bicubic with antialiasing, rounded to 8-bit values.

    The degradation of the super-resolution literature (Ledig 2017, §3.2 and Agustsson 2017).
    """
    small = F.interpolate(images, scale_factor=1 / scale, mode="bicubic", antialias=True, align_corners=False)
    return quantised(small)


def interpolate(pixels: np.ndarray, scale: int, method: str) -> np.ndarray:
    """uint8 (N, C, h, w) → uint8 (N, C, h·scale, w·scale), by `bicubic` or `lanczos`, each channel for itself."""
    count, channels, height, width = pixels.shape
    size, how = (width * scale, height * scale), INTERPOLATIONS[method]
    planes = [np.asarray(Image.fromarray(plane).resize(size, how)) for plane in pixels.reshape(-1, height, width)]
    return np.stack(planes).reshape(count, channels, height * scale, width * scale)


def tiled(function: Callable[[Tensor], Tensor], images: Tensor, scale: int, halo: int, side: int = 128) -> Tensor:
    """`function` of (1, C, h, w) → (1, C, h·scale, w·scale), a tile at a time, so that memory stays bounded.

    Every tile is given `halo` pixels more on each side that has them, which are cut off again: where `halo` is at
    least the function's reach, there are no seams.
    """
    height, width = images.shape[2:]
    made = images.new_empty(len(images), images.shape[1], height * scale, width * scale)
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            above, before = max(0, top - halo), max(0, left - halo)
            tile = function(images[:, :, above : bottom + halo, before : right + halo])
            y, x = (top - above) * scale, (left - before) * scale
            part = tile[:, :, y : y + (bottom - top) * scale, x : x + (right - left) * scale]
            made[:, :, top * scale : bottom * scale, left * scale : right * scale] = part
    return made


def luminance(pixels: np.ndarray) -> np.ndarray:
    """uint8 (N, C, H, W) → float32 (N, 1, H, W) in [16, 235], the Y of ITU-R BT.601; grey counts as equal channels."""
    weights = np.array([65.481, 128.553, 24.966], np.float32) / 255
    planes = pixels.astype(np.float32) if pixels.shape[1] == 3 else np.repeat(pixels[:, :1].astype(np.float32), 3, 1)
    return np.tensordot(planes, weights, (1, 0))[:, None] + 16
