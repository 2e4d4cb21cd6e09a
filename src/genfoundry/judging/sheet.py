"""Images in a grid, as PNG bytes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from genfoundry.serving.provenance import marked

GAP = 2  # pixels between cells, after scaling
CELL = 56  # pixels that a cell has at least
BETWEEN = 96  # grey of the gaps, calm on light and on dark pages


def corner(height: int, width: int, count: int) -> tuple[int, int]:
    """(width, height) in pixels of the first `count` cells of a grid of images of that size."""
    factor = _factor(height, width)
    return GAP + count * (width * factor + GAP), GAP + height * factor + GAP


def _factor(height: int, width: int) -> int:
    return max(1, CELL // max(height, width))


def grid(images: np.ndarray, columns: int) -> bytes:
    """PNG of uint8 `images` (N, C, H, W), C of 1 or 3, row by row; small ones are enlarged by a whole factor.

    It says of itself that it is AI-generated: every gallery holds samples, if beside real images.
    """
    count, channels, height, width = images.shape
    factor = _factor(height, width)
    cells = images.repeat(factor, axis=2).repeat(factor, axis=3).transpose(0, 2, 3, 1)
    rows, high, wide = -(-count // columns), height * factor + GAP, width * factor + GAP
    sheet = np.full((rows * high + GAP, columns * wide + GAP, channels), BETWEEN, np.uint8)
    for index, cell in enumerate(cells):
        top, left = GAP + index // columns * high, GAP + index % columns * wide
        sheet[top : top + height * factor, left : left + width * factor] = cell
    picture = Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, pnginfo=marked())
    return buffer.getvalue()
