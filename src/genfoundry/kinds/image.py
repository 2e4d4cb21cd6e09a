"""Images on disk: `<split>-images.npy` uint8 (N, C, H, W), `<split>-labels.npy` int64 (N,), and `manifest.csv`.

The manifest holds one row an image (split, index, source, sha256, mean, std, perceptual hash, label); validation
reads it instead of the pixels.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genfoundry.files import publish
from genfoundry.records import ImageSpec

SPLITS = ("train", "test")
UNLABELLED = -1
MANIFEST = "manifest.csv"


class ImageExample(NamedTuple):
    """One image of one split; `pixels` is uint8 (C, H, W), `source` says where it came from."""

    split: str
    pixels: np.ndarray
    label: int
    source: str


class ImageSplit(NamedTuple):
    """The arrays of one split: uint8 (N, C, H, W), memory-mapped, and int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray


def write(folder: Path, examples: Iterable[ImageExample], num_classes: int) -> tuple[ImageSpec, dict[str, int]]:
    """Write the canonical form of `examples`, all of one shape, into an empty `folder`.

    Raises:
        ValueError: an example is not uint8 (C, H, W), or differs in shape from the first.
    """
    by_split: dict[str, list[ImageExample]] = {split: [] for split in SPLITS}
    for example in examples:
        _check(example, next((rows[0] for rows in by_split.values() if rows), example))
        by_split[example.split].append(example)
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in by_split.items():
        np.save(folder / f"{split}-images.npy", np.stack([row.pixels for row in rows]))
        np.save(folder / f"{split}-labels.npy", np.array([row.label for row in rows], np.int64))
    publish(folder / MANIFEST, _manifest(by_split))
    channels, height, width = by_split["train"][0].pixels.shape
    spec = ImageSpec(channels=channels, height=height, width=width, num_classes=num_classes)
    return spec, {split: len(rows) for split, rows in by_split.items()}


def _check(example: ImageExample, first: ImageExample) -> None:
    pixels = example.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape != first.pixels.shape:
        raise ValueError(
            f"{example.source}: {pixels.dtype} {pixels.shape}; expected uint8 {first.pixels.shape} like {first.source}"
        )


def _manifest(by_split: dict[str, list[ImageExample]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("split", "index", "source", "sha256", "mean", "std", "phash", "label"))
    for split, rows in by_split.items():
        for index, row in enumerate(rows):
            sha = hashlib.sha256(row.pixels.tobytes()).hexdigest()
            mean, std = f"{row.pixels.mean():.4f}", f"{row.pixels.std():.4f}"
            writer.writerow((split, index, row.source, sha, mean, std, perceptual_hash(row.pixels), row.label))
    return text.getvalue()


def perceptual_hash(pixels: np.ndarray) -> str:
    """64-bit difference hash of an image (C, H, W): the sign of horizontal steps on a 8 × 9 grid, in hexadecimal."""
    grey = pixels.mean(axis=0)
    rows = np.linspace(0, grey.shape[0] - 1, 8).round().astype(int)
    columns = np.linspace(0, grey.shape[1] - 1, 9).round().astype(int)
    grid = grey[np.ix_(rows, columns)]
    bits = (grid[:, 1:] > grid[:, :-1]).ravel()
    return np.packbits(bits).tobytes().hex()


def read(folder: Path, split: str) -> ImageSplit:
    """Memory-map one split of a canonical folder."""
    images = np.load(folder / f"{split}-images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / f"{split}-labels.npy", allow_pickle=False)
    return ImageSplit(images, labels)
