"""CIFAR-10: 60,000 photographs, 32×32 colour, ten balanced classes; 50,000 train, 10,000 test.

Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images". Read from the authors' binary archive, whose
bytes are pinned by checksum.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

import numpy as np

from genfoundry.data.download import Download
from genfoundry.dataset import Card
from genfoundry.kinds.image.storage import ImageExample

EMBEDDED = False
ARCHIVE = Download(
    name="cifar-10-binary.tar.gz",
    address="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",
)
SIZE = 1 + 3 * 32 * 32  # bytes of one record: the class, then the planes red, green, blue
CARD = Card(
    name="cifar-10",
    kind="image",
    title="CIFAR-10, 60,000 photographs",
    description="Photographs of animals and vehicles, 32×32 colour, ten balanced classes, in the authors' own split.",
    licence="unstated by the authors; research use",
    source="www.cs.toronto.edu/~kriz/cifar.html",
    consent="photographs gathered from the web without the photographers' consent; no people among the classes",
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)


def examples() -> Iterator[ImageExample]:
    """Every photograph, in the order of the archive's files.

    Raises:
        UserError: the archive is not here and can't be had, or is not the pinned one.
    """
    with tarfile.open(ARCHIVE.fetch()) as archive:
        for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
            content = archive.extractfile(f"cifar-10-batches-bin/{name}")
            assert content is not None, f"the pinned archive holds {name}"
            yield from records(content.read(), name)


def records(content: bytes, name: str) -> Iterator[ImageExample]:
    """The examples of one binary file."""
    split = "test" if name.startswith("test") else "train"
    for index, row in enumerate(np.frombuffer(content, np.uint8).reshape(-1, SIZE)):
        yield ImageExample(split, row[1:].reshape(3, 32, 32), int(row[0]), f"{name}[{index}]")
