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
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genfoundry.dataset import Card, read_card
from genfoundry.files import file_digest, write_atomic
from genfoundry.kinds.image.growing import GrowingArray
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

    Each is written as it comes and forgotten: no more than one is held, and a line of the manifest for each.

    Raises:
        ValueError: an example is not uint8 (C, H, W), or differs in shape from the first; nor may what it is paired
            with; or a split has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        first, splits = None, {split: _Split(folder, split, stack) for split in SPLITS}
        for example in examples:
            first = first or example
            _check(example, first)
            splits[example.split].append(example)
    if first is None or not all(split.labels for split in splits.values()):
        raise ValueError(f"there is no example in {', '.join(name for name, s in splits.items() if not s.labels)}")
    for name, split in splits.items():
        np.save(folder / f"{name}-labels.npy", np.array(split.labels, np.int64))
    write_atomic(folder / MANIFEST, _manifest([*splits.values()], paired=first.paired is not None))
    channels, height, width = first.pixels.shape
    source = None if first.paired is None else first.paired.shape
    spec = ImageSpec(channels=channels, height=height, width=width, num_classes=len(card.class_names), source=source)
    return spec, {name: len(split.labels) for name, split in splits.items()}


class _Split:
    """What was written of one split: `labels`, and per image its line of the manifest and the split it was given."""

    def __init__(self, folder: Path, name: str, files: ExitStack) -> None:
        self.name, self.files = name, files
        self.images, self.sources = folder / f"{name}-images.npy", _sources(folder, name)
        self.arrays: list[GrowingArray] = []
        self.labels: list[int] = []
        self.lines: list[str] = []
        self.given: list[str] = []

    def append(self, row: ImageExample) -> None:
        parts = [row.pixels] if row.paired is None else [row.pixels, row.paired]
        if not self.arrays:
            paths = (self.images, self.sources)
            self.arrays = [self.files.enter_context(GrowingArray(p, a)) for p, a in zip(paths, parts, strict=False)]
        for array, part in zip(self.arrays, parts, strict=True):
            array.append(part)
        self.lines.append(_line(self.name, len(self.labels), row))
        self.labels.append(row.label)
        self.given.append(row.given)


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


def _manifest(splits: list[_Split], *, paired: bool) -> str:
    given = any(any(split.given) for split in splits)
    header = ("split", "index", "source", "sha256", "mean", "std", "phash", "label")
    lines = [_csv((*header, *([SOURCE_SHA] if paired else []), *([GIVEN] if given else [])))]
    for split in splits:
        cells = ((f",{value}" if given else "") for value in split.given)
        lines += [f"{line}{cell}\n" for line, cell in zip(split.lines, cells, strict=True)]
    return "".join(lines)


def _line(split: str, index: int, row: ImageExample) -> str:
    """A row of the manifest without its end: whether there is one more column is not known yet."""
    mean, std = f"{row.pixels.mean():.4f}", f"{row.pixels.std():.4f}"
    cells = (split, index, row.source, sha256(row.pixels), mean, std, perceptual_hash(row.pixels), row.label)
    return _csv((*cells, *([] if row.paired is None else [sha256(row.paired)]))).removesuffix("\n")


def _csv(cells: tuple[object, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
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


def digest(folder: Path, split: str) -> str:
    """The md5 of the file of a split's images, as the card has it; costs nothing where the dataset was just opened."""
    return file_digest(folder / f"{split}-images.npy", "md5")


def given_val(folder: Path) -> np.ndarray:
    """Which training rows a user's own `val` gave: int64 indices into `train`, ascending; none in most sets."""
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
        marked = [int(row["index"]) for row in csv.DictReader(file) if row.get(GIVEN) == VAL]
    return np.array(marked, np.int64)
