"""The sets of images that are scored: what a model makes, and the floors beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from genfoundry.kinds.image import storage
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import ImageBatch, ImageRows
from genfoundry.model import Model
from genfoundry.stopping import while_wanted

Sampler = Callable[[ImageBatch, Generator | None], Tensor]
BATCH = 250  # samples in one call of the model


class ImageSet(NamedTuple):
    """Who made it (`model`, a variant of it, a floor), and one uint8 array (N, C, H, W) a seed.

    `train` is what it may have copied from. `finite` is False where a pixel was NaN or infinite. `labels` are the
    classes that were asked for, one int64 array (N,) a seed.
    """

    subject: str
    draws: list[np.ndarray]
    train: np.ndarray
    finite: bool = True
    labels: tuple[np.ndarray, ...] = ()


class LabelledImages(NamedTuple):
    """uint8 (N, C, H, W) and int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray


def generated(model: Model, folder: Path, train: np.ndarray, count: int, seeds: list[int]) -> list[ImageSet]:
    """`count` samples a seed of the model and of each of its variants, for labels as the training split has them."""
    samplers: dict[str, Sampler] = {"model": model.sample}
    if (variants := getattr(model, "sample_variants", None)) is not None:
        samplers |= variants()
    return [_drawn(subject, sampler, model, folder, train, count, seeds) for subject, sampler in samplers.items()]


def _drawn(
    subject: str, sampler: Sampler, model: Model, folder: Path, train: np.ndarray, count: int, seeds: list[int]
) -> ImageSet:
    split = ImageRows(folder, "train", model.device)
    draws, labels, finite = [], [], True
    for seed in seeds:
        parts = torch.from_numpy(_rows(len(split), count, seed)).split(BATCH)
        generator = Generator(model.device).manual_seed(seed)
        pixels, asked = [], []
        for part in while_wanted(parts):
            batch = split.batch(part)
            with torch.inference_mode():
                images = sampler(batch, generator).float().cpu()
            finite &= bool(torch.isfinite(images).all())
            pixels.append(to_pixels(images.nan_to_num()))
            asked.append(batch.labels.cpu().numpy())
        draws.append(np.concatenate(pixels))
        labels.append(np.concatenate(asked))
    return ImageSet(subject, draws, train, finite, tuple(labels))


def _rows(length: int, count: int, seed: int) -> np.ndarray:
    """`count` row numbers in random order, none twice before all were taken once."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(length) for _ in range(-(-count // length))])[:count]


def floors(train: np.ndarray, count: int, seed: int) -> list[ImageSet]:
    """`real`: unseen images, from one half of the training split, the other half standing for training data;
    `copy`: training images replayed; `noise`: uniform bytes."""
    order = _rows(len(train), len(train), seed)
    half = len(order) // 2
    real = train[np.sort(order[:half][:count])]
    noise = np.random.default_rng(seed).integers(0, 256, (count, *train.shape[1:]), np.uint8)
    return [
        ImageSet("real", [real], train[np.sort(order[half:])]),
        ImageSet("copy", [train[_rows(len(train), count, seed + 1)]], train),
        ImageSet("noise", [noise], train),
    ]


class RealImages(NamedTuple):
    """The training split, and as many held-out images as are generated; with their classes, and what they are paired
    with."""

    train: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray
    test_sources: np.ndarray | None = None


def real_images(folder: Path, most: int, seed: int) -> RealImages:
    """The real side of every comparison: all of train, at most `most` of test."""
    train, test = storage.read(folder, "train"), storage.read(folder, "test")
    rows = np.sort(_rows(len(test.labels), min(most, len(test.labels)), seed))
    sources = None if test.sources is None else np.asarray(test.sources[rows])
    return RealImages(train.images, np.asarray(test.images[rows]), train.labels, test.labels[rows], sources)
