"""Sets of images as they were split before each image's side followed from it alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from genfoundry.data.building import write_sealed
from genfoundry.data.quarantine import IntakeTally
from genfoundry.dataset import Card
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.storage import ImageExample
from genfoundry.project.root import data_dir


def picture(number: int, side: int = 16) -> np.ndarray:
    """(3, side, side) noise, the same for a number wherever it is made."""
    return np.random.default_rng(number).integers(0, 256, (3, side, side)).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.transpose(1, 2, 0)).save(path)
    return path


def lowest(pixels: Sequence[np.ndarray], fraction: float, seed: int = 0) -> set[str]:
    """The rule of before: the k images of one class with the lowest salted hashes are test, k a share of the class."""
    keys = [storage.sha256(one) for one in pixels]
    ranked = sorted(hashlib.sha256(f"{seed}:{key}".encode()).hexdigest() + key for key in keys)
    count = min(max(round(fraction * len(keys)), 1), len(keys) - 1)
    return {rank[64:] for rank in ranked[:count]}


def sealed(name: str, folder: str, classes: dict[str, dict[str, np.ndarray]], fraction: float = 0.2) -> str:
    """Write `data/<name>` as it was written from a user's `folder` of class folders ("" for a flat one); its digest."""
    examples, names = [], sorted(classes)
    for label, of in enumerate(names):
        test = lowest([*classes[of].values()], fraction)
        for file, pixels in sorted(classes[of].items()):
            split = "test" if storage.sha256(pixels) in test else "train"
            text = f"{of}/{file}" if of else file
            examples.append(ImageExample(split, pixels, label if of else storage.UNLABELLED, text))
    count, channels, side, _ = len(examples), *examples[0].pixels.shape
    policy = {
        "resize": f"none: all were {side}×{side}",
        "modes": f"RGB, {channels} channels (found: {count} RGB); turned upright by EXIF, transparency laid on white, "
        "16 bits scaled to 8, the first picture of a multi-picture JPEG",
        "split": f"{fraction:.0%} of each class is test, chosen by the hash of the pixels and seed 0",
        "quarantined": "none",
        "skipped": "none",
    }
    class_names = tuple(names) if names != [""] else ()
    card = Card(
        name=name, kind="image", title=name, licence="own", source=f"user's folder {folder}", consent="own",
        class_names=class_names, policy=policy,
    )  # fmt: skip
    IntakeTally(name, 0.0).write()
    return write_sealed(data_dir() / name, card, examples).digest
