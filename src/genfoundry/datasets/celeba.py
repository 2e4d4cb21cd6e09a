"""CelebA: faces, aligned, cropped to the middle and reduced to 64×64 colour; the authors' own split, without labels.

Liu, Luo, Wang, Tang 2015, "Deep Learning Face Attributes in the Wild" (arXiv 1411.7766). The crop of 148 pixels around
the middle, then 64, is the usual one in print.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from genfoundry.data.download import Download
from genfoundry.dataset import Card
from genfoundry.kinds.image.storage import ImageExample

EMBEDDED = False
PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"  # the authors serve the files by hand only
IMAGES = Download(name="img_align_celeba.zip", address=PAGE, md5="00d2c5bc6d35e252742224ab0c1e8fcb", by_hand=True)
PARTITION = Download(name="list_eval_partition.txt", address=PAGE, md5="d32c9cbf5e040fd4025c592c306e6668", by_hand=True)
CROP, SIDE = 148, 64  # pixels
CARD = Card(
    name="celeba",
    kind="image",
    title="CelebA, faces",
    description="Aligned faces of celebrities, 64×64 colour, unlabelled; the authors' training and test identities.",
    licence="non-commercial research only, as the authors ask",
    source="mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    consent="real people who were not asked: don't publish generated faces as real, nor use them to pass for anyone",
    class_names=(),
)


def examples() -> Iterator[ImageExample]:
    """The faces of the training and the test partition, in the order of the list.

    Raises:
        UserError: a file is not here, or is not the pinned one.
    """
    splits = {"0": "train", "2": "test"}
    rows = [line.split() for line in PARTITION.fetch().read_text(encoding="ascii").splitlines() if line]
    with zipfile.ZipFile(IMAGES.fetch()) as archive:
        for name, part in rows:
            if part in splits:
                with archive.open(f"img_align_celeba/{name}") as file, Image.open(file) as face:
                    yield ImageExample(splits[part], reduced(face), -1, name)


def reduced(face: Image.Image) -> np.ndarray:
    """uint8 (3, 64, 64) of the middle of an aligned face."""
    left, top = (face.width - CROP) // 2, (face.height - CROP) // 2
    middle = face.convert("RGB").crop((left, top, left + CROP, top + CROP))
    return np.asarray(middle.resize((SIDE, SIDE), Image.Resampling.LANCZOS)).transpose(2, 0, 1)
