"""Images on disk: `<split>-images.npy` uint8 (N, C, H, W), `<split>-labels.npy` int64 (N,), and `manifest.csv`.

The manifest holds one row an image (split, index, source, sha256, mean, std, perceptual hash, label); validation
reads it instead of the pixels. A set of pairs has `<split>-sources.npy` uint8 (N, C, h, w) too, what each image is to
be made from, and its sha256 as one more column. Where a user gave a `val` beside `train`, its images are training rows
that the manifest's last column marks.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genfoundry.dataset import Card, read_card
from genfoundry.files import publish
from genfoundry.kinds.image.spec import ImageSpec

SPLITS = ("train", "test")
UNLABELLED = -1
MANIFEST = "manifest.csv"
SOURCE_SHA = "source_sha256"
GIVEN = "given"
VAL = "val"


class ImageExample(NamedTuple):
    """One image of one split; `pixels` is uint8 (C, H, W), `source` says where it came from.

    `paired` is uint8 (C, h, w), what the image is to be made from, in a set of pairs. `given` is "val" for a training
    example of a user's own `val`, else empty.
    """

    split: str
    pixels: np.ndarray
    label: int
    source: str
    paired: np.ndarray | None = None
    given: str = ""


class ImageSplit(NamedTuple):
    """The arrays of one split: uint8 (N, C, H, W), memory-mapped, int64 (N,), and uint8 (N, C, h, w) where paired."""

    images: np.ndarray
    labels: np.ndarray
    sources: np.ndarray | None = None


def write(folder: Path, examples: Iterable[ImageExample], card: Card) -> tuple[ImageSpec, dict[str, int]]:
    """Write the canonical form of `examples`, all of one shape, into an empty `folder`; `card` names the classes.

    Raises:
        ValueError: an example is not uint8 (C, H, W), or differs in shape from the first; nor may what it is paired
            with.
    """
    by_split: dict[str, list[ImageExample]] = {split: [] for split in SPLITS}
    for example in examples:
        _check(example, next((rows[0] for rows in by_split.values() if rows), example))
        by_split[example.split].append(example)
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in by_split.items():
        np.save(folder / f"{split}-images.npy", np.stack([row.pixels for row in rows]))
        np.save(folder / f"{split}-labels.npy", np.array([row.label for row in rows], np.int64))
        if sources := [row.paired for row in rows if row.paired is not None]:
            np.save(_sources(folder, split), np.stack(sources))
    publish(folder / MANIFEST, _manifest(by_split))
    first = by_split["train"][0]
    channels, height, width = first.pixels.shape
    source = None if first.paired is None else first.paired.shape
    spec = ImageSpec(channels=channels, height=height, width=width, num_classes=len(card.class_names), source=source)
    return spec, {split: len(rows) for split, rows in by_split.items()}


def _sources(folder: Path, split: str) -> Path:
    return folder / f"{split}-sources.npy"


def _check(example: ImageExample, first: ImageExample) -> None:
    if (example.paired is None) != (first.paired is None):
        raise ValueError(f"one of {example.source} and {first.source} is paired, the other is not")
    pairs = [(example.pixels, first.pixels)]
    if example.paired is not None and first.paired is not None:
        pairs.append((example.paired, first.paired))
    for pixels, like in pairs:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape != like.shape:
            raise ValueError(
                f"{example.source}: {pixels.dtype} {pixels.shape}; expected uint8 {like.shape} like {first.source}"
            )


def _manifest(by_split: dict[str, list[ImageExample]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    every = [row for rows in by_split.values() for row in rows]
    paired, given = every[0].paired is not None, any(row.given for row in every)
    header = ("split", "index", "source", "sha256", "mean", "std", "phash", "label")
    writer.writerow((*header, *([SOURCE_SHA] if paired else []), *([GIVEN] if given else [])))
    for split, rows in by_split.items():
        for index, row in enumerate(rows):
            mean, std = f"{row.pixels.mean():.4f}", f"{row.pixels.std():.4f}"
            cells = (split, index, row.source, sha256(row.pixels), mean, std, perceptual_hash(row.pixels), row.label)
            more = [] if row.paired is None else [sha256(row.paired)]
            writer.writerow((*cells, *more, *([row.given] if given else [])))
    return text.getvalue()


def sha256(pixels: np.ndarray) -> str:
    """The hash of an image as the manifest holds it: of its bytes, row by row, a channel after the other."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


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
    path = _sources(folder, split)
    sources = np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None
    return ImageSplit(images, labels, sources)


def names(folder: Path, spec: ImageSpec) -> tuple[str, ...]:
    """The classes by their numbers; none where the card has no name for each of the spec's.

    Raises:
        UserError: the folder is no dataset.
    """
    found = read_card(folder).class_names
    return found if len(found) == spec.num_classes else ()


def class_counts(folder: Path, spec: ImageSpec) -> dict[str, list[int]]:
    """How many images each class has, in each split."""
    labels = {split: read(folder, split).labels for split in SPLITS}
    return {split: np.bincount(of, minlength=spec.num_classes).tolist() for split, of in labels.items()}


def given_val(folder: Path) -> np.ndarray:
    """Which training rows a user's own `val` gave: int64 indices into `train`, ascending; none in most sets."""
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
        marked = [int(row["index"]) for row in csv.DictReader(file) if row.get(GIVEN) == VAL]
    return np.array(marked, np.int64)
