"""Fashion-MNIST: 70,000 photographs of articles of clothing, 28×28 grey, ten classes; 60,000 train, 10,000 test.

Xiao, Rasul, Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms"
(https://arxiv.org/abs/1708.07747). Read from the Debian package `dataset-fashion-mnist`: four gzipped IDX files
whose unpacked bytes are pinned by checksum, so the authors' own download serves as well.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genfoundry.dataset import Card
from genfoundry.errors import UserError
from genfoundry.kinds.image.storage import ImageExample

EMBEDDED = False
FOLDER = Path("/usr/share/datasets/fashion-mnist")
SHA256 = {  # of the unpacked files
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
CARD = Card(
    name="fashion-mnist",
    kind="image",
    title="Fashion-MNIST, 70,000 articles",
    description="Photographs of clothing, 28×28 grey, ten balanced classes, in the authors' own split.",
    licence="MIT (Zalando SE)",
    source="Debian package dataset-fashion-mnist (github.com/zalandoresearch/fashion-mnist)",
    consent="public research dataset of products; no people to be recognised",
    class_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
)  # fmt: skip


def examples() -> Iterator[ImageExample]:
    """Every article, in the order of the files.

    Raises:
        UserError: a file is absent, or is not the pinned one.
    """
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = read_idx(FOLDER / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(FOLDER / f"{prefix}-labels-idx1-ubyte.gz").tolist()
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield ImageExample(split, image[None], label, f"{prefix}[{index}]")


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array of one pinned, gzipped IDX file: magic 0, 0, 8, number of axes, then their big-endian lengths.

    Raises:
        UserError: the file is absent, or is not the pinned one.
    """
    remedy = f"apt-get install dataset-fashion-mnist   (or put the authors' four .gz files into {FOLDER})"
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"Fashion-MNIST is not on this machine: {path} is missing.", remedy=remedy) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} does not unpack: {error}", remedy=remedy) from None
    if (found := hashlib.sha256(content).hexdigest()) != SHA256[path.stem]:
        raise UserError(f"{path} unpacks to sha256 {found}.", expected=SHA256[path.stem], remedy=remedy)
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
