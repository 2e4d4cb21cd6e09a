"""The sets of images that are scored: what a model makes, and the floors beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from genfoundry.errors import UserError
from genfoundry.judging.features import cached_features
from genfoundry.kind import View
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import ImageBatch, ImageRows
from genfoundry.model import Model
from genfoundry.stopping import until_interrupted

Sampler = Callable[[ImageBatch, Generator | None], Tensor]
BATCH = 250  # samples in one call of the model


class TrainingImages(NamedTuple):
    """The training split: uint8 (N, C, H, W) mapped from the file with that md5, and int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray
    digest: str


class ImageSet(NamedTuple):
    """Who made it (`model`, a variant of it, a floor), and one uint8 array (N, C, H, W) per seed.

    `train` is what it may have copied from, of which only `rows` where they are given. `finite` is False where a pixel
    was NaN or infinite. `labels` are the classes that were asked for, one int64 array (N,) per seed.
    """

    subject: str
    draws: list[np.ndarray]
    train: TrainingImages
    finite: bool = True
    labels: tuple[np.ndarray, ...] = ()
    rows: np.ndarray | None = None

    def train_features(self, view: View) -> np.ndarray:
        """Features (N, D) of what it may have copied from."""
        every = cached_features(view, self.train.images, self.train.digest)
        return every if self.rows is None else every[self.rows]


class LabelledImages(NamedTuple):
    """uint8 (N, C, H, W) and int64 (N,); `digest` is that of the file that they are mapped from, if they are."""

    images: np.ndarray
    labels: np.ndarray
    digest: str = ""


def generated(model: Model, real: RealImages, count: int, seeds: list[int]) -> ImageSet:
    """`count` samples of the model per seed, for labels as the training split has them."""
    return _drawn("model", model.sample, model, real, count, seeds)


def variants(model: Model, real: RealImages, count: int, seeds: list[int]) -> list[ImageSet]:
    """The same of each of its other ways to sample, where it has any."""
    samplers: dict[str, Sampler] = getattr(model, "sample_variants", dict)()
    return [_drawn(subject, sampler, model, real, count, seeds) for subject, sampler in samplers.items()]


def _drawn(subject: str, sampler: Sampler, model: Model, real: RealImages, count: int, seeds: list[int]) -> ImageSet:
    split = real.rows(model.device)
    draws, labels, finite = [], [], True
    for seed in seeds:
        parts = torch.from_numpy(_rows(len(split), count, seed)).split(BATCH)
        generator = Generator(model.device).manual_seed(seed)
        pixels, asked = [], []
        for part in until_interrupted(parts):
            batch = split.batch(part)
            with torch.inference_mode():
                images = sampler(batch, generator).float().cpu()
            finite &= bool(torch.isfinite(images).all())
            pixels.append(to_pixels(images.nan_to_num()))
            asked.append(batch.labels.cpu().numpy())
        draws.append(np.concatenate(pixels))
        labels.append(np.concatenate(asked))
    return ImageSet(subject, draws, real.train, finite, tuple(labels))


def _rows(length: int, count: int, seed: int) -> np.ndarray:
    """`count` row numbers in random order, none twice before all were taken once."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(length) for _ in range(-(-count // length))])[:count]


def floors(train: TrainingImages, count: int, seed: int) -> list[ImageSet]:
    """`real`: unseen images, from one half of the training split, the other half standing for training data;
    `copy`: training images replayed; `noise`: uniform bytes."""
    images, length = train.images, len(train.images)
    order = _rows(length, length, seed)
    half = length // 2
    real = images[np.sort(order[:half][:count])]
    noise = np.random.default_rng(seed).integers(0, 256, (count, *images.shape[1:]), np.uint8)
    return [
        ImageSet("real", [real], train, rows=np.sort(order[half:])),
        ImageSet("copy", [images[_rows(length, count, seed + 1)]], train),
        ImageSet("noise", [noise], train),
    ]


class RealImages(NamedTuple):
    """The training split, and as many held-out images as are generated; with their classes, and what they are paired
    with."""

    folder: Path
    train: TrainingImages
    test: np.ndarray
    test_labels: np.ndarray
    test_sources: np.ndarray | None = None

    def rows(self, device: torch.device) -> ImageRows:
        """The training split as batches, mapped from disk: most of what is asked of it are labels."""
        return ImageRows(self.folder, "train", device, budget=0)


def real_images(folder: Path, most: int, seed: int) -> RealImages:
    """The real side of every comparison: all of train, at most `most` of test.

    Raises:
        UserError: the training images were exchanged while they were opened.
    """
    train, test = _training_images(folder), storage.read(folder, "test")
    rows = np.sort(_rows(len(test.labels), min(most, len(test.labels)), seed))
    sources = None if test.sources is None else np.asarray(test.sources[rows])
    return RealImages(folder, train, np.asarray(test.images[rows]), test.labels[rows], sources)


def _training_images(folder: Path) -> TrainingImages:
    """The split, mapped; its digest is asked before and after, or it might be that of another file."""
    digest = storage.digest(folder, "train")
    images, labels, _ = storage.read(folder, "train")
    if storage.digest(folder, "train") != digest:
        raise UserError(f"The training images of {folder} were changed while they were opened.", remedy="run it again")
    return TrainingImages(images, labels, digest)
