"""Digits: 1,797 real handwritten digits, 8×8, ten classes. Small enough for a test that trains.

A stratified fifth is held out. Shipped by scikit-learn (`sklearn.datasets.load_digits`); the test part of Alpaydin
and Kaynak's Optical Recognition of Handwritten Digits (UCI, 1998). Grey levels 0…16 are stretched to 0…255.
"""

from __future__ import annotations

from collections.abc import Iterator

from genfoundry.dataset import Card
from genfoundry.kinds.image.storage import ImageExample

CARD = Card(
    name="digits",
    kind="image",
    title="Optical digits, 1,797 of 8×8",
    description="Handwritten digits, 8×8 grey, ten classes; every fifth of a class is held out as test.",
    licence="CC BY 4.0 (UCI); BSD-3-Clause (scikit-learn)",
    source="package scikit-learn, sklearn.datasets.load_digits",
    consent="public research dataset; digits carry no identity",
    class_names=tuple("0123456789"),
    policy={"levels": "grey levels 0 to 16 stretched to 0 to 255, rounded"},
)


def examples() -> Iterator[ImageExample]:
    """Every digit; the fifth, tenth, … of each class are the test split."""
    from sklearn.datasets import load_digits  # needed only to build

    levels, labels = load_digits(return_X_y=True)
    seen = dict.fromkeys(range(10), 0)
    pixels = (levels * (255 / 16)).round().astype("uint8").reshape(-1, 1, 8, 8)
    for index, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        seen[int(label)] += 1
        split = "test" if seen[int(label)] % 5 == 0 else "train"
        yield ImageExample(split, image, int(label), f"load_digits[{index}]")
