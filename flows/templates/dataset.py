"""Title of the data: how many, of what, for what.

Whence they come and what was done to them. This one draws grey discs and rings; read your own files in `examples`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genfoundry.dataset import Card
from genfoundry.kinds.image.storage import ImageExample

CARD = Card(
    name="template",
    kind="image",
    title="Discs and rings, 400 of 16×16",
    description="Grey discs and rings of any size, 16×16; every fifth is held out as test.",
    licence="CC0",
    source="drawn by this file",
    consent="drawings, of nobody",
    class_names=("disc", "ring"),
)


def examples() -> Iterator[ImageExample]:
    """The same images each time, in the same order: the digest of what is built names the version."""
    draw, axis = np.random.default_rng(0), np.arange(16)
    for number in range(400):
        label, (x, y), radius = number % 2, draw.uniform(5, 11, 2), draw.uniform(2.5, 5)
        distance = np.hypot(axis[:, None] - y, axis - x)
        inside = (distance < radius) & (distance > (radius - 2 if label else -1))
        pixels = (255 * inside + draw.integers(0, 20, (16, 16)) * ~inside).astype(np.uint8)
        yield ImageExample("test" if number // 2 % 5 == 4 else "train", pixels[None], label, f"drawing {number}")
