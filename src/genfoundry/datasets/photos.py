"""Photos: 48×48 colour crops of seven photographs; two whole photographs, and no crop of the others, are held out.

Shipped by the packages scikit-image (an astronaut, a cat, a cup, a motorcycle, a rocket) and scikit-learn (a palace in
China, a flower). Training crops overlap by half, held-out ones don't; flat crops, of sky say, are left out, since
there is nothing in them to learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from genfoundry.dataset import Card, shipped
from genfoundry.kinds.image.storage import ImageExample

SIDE = 48  # pixels
FLAT = 8.0  # standard deviation, in 255ths, under which a crop is flat
PHOTOGRAPHS = {
    "train": (
        ("skimage", "data/astronaut.png"),
        ("skimage", "data/motorcycle_left.png"),
        ("skimage", "data/rocket.jpg"),
        ("sklearn", "datasets/images/china.jpg"),
        ("sklearn", "datasets/images/flower.jpg"),
    ),
    "test": (("skimage", "data/chelsea.png"), ("skimage", "data/coffee.png")),
}
CARD = Card(
    name="photos",
    kind="image",
    title="Crops of seven photographs",
    description="48×48 colour crops, unlabelled, split by photograph: a cat and a cup of coffee are held out whole.",
    licence="public domain or CC0 (scikit-image's data); CC BY 2.0 (scikit-learn's china and flower)",
    source="packages scikit-image, skimage.data, and scikit-learn, sklearn.datasets.images",
    consent="published photographs; one portrait, of an astronaut, by NASA",
    class_names=(),
)


def examples() -> Iterator[ImageExample]:
    """Every crop, photograph by photograph, in reading order."""
    for split, photographs in PHOTOGRAPHS.items():
        step = SIDE // 2 if split == "train" else SIDE
        for package, name in photographs:
            pixels = _read(package, name)
            for top in range(0, pixels.shape[1] - SIDE + 1, step):
                for left in range(0, pixels.shape[2] - SIDE + 1, step):
                    crop = pixels[:, top : top + SIDE, left : left + SIDE]
                    if crop.std() >= FLAT:
                        yield ImageExample(split, np.ascontiguousarray(crop), -1, f"{Path(name).name}[{top},{left}]")


def _read(package: str, name: str) -> np.ndarray:
    """A photograph as uint8 (3, H, W)."""
    with Image.open(shipped(package, name)) as photograph:
        return np.asarray(photograph.convert("RGB")).transpose(2, 0, 1)
