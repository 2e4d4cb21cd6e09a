"""The spaces in which images are compared, and the disk cache of what lies in them.

A view maps uint8 images to features. Its `name` goes into the names of scores, its `id` into cache keys: it holds
everything that the features depend on besides the pixels.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import torch
from torch.nn import functional as F

from genfoundry.data import sealed
from genfoundry.files import digest
from genfoundry.judging import inception
from genfoundry.kind import View
from genfoundry.kinds.image.filters import CHUNK, in_chunks
from genfoundry.kinds.image.pixels import to_unit
from genfoundry.model import Embeds, Model
from genfoundry.project.root import state_dir

COMPONENTS = 64
MOST_VALUES = 1024  # of an image, before its principal components are taken
FIT_ROWS = 10_000
MOST_FLOATS = 1 << 24  # of images in full size at once, before they are averaged: 64 MB


class Extractor(NamedTuple):
    """The frozen classifier whose penultimate features are a dataset's domain; `id` is part of every score's name."""

    model: Model
    id: str


class Domain:
    """The penultimate features of a classifier that this pipeline trained on the same data."""

    def __init__(self, model: Model, identity: str) -> None:
        self.name, self.id, self.model = f"domain-{identity[:8]}", f"domain:{identity}", model

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        return in_chunks(cast(Embeds, self.model).embed, pixels, self.model.device)


class Canonical:
    """The features of the published Inception weights; grey images are shown to it in three equal channels."""

    name, id = "inception", f"inception:{inception.SHA256}:tf-bilinear-{inception.SIDE}"

    def __init__(self, weights: str, device: torch.device) -> None:
        self.network, self.device = inception.load(weights).to(device), device

    @torch.inference_mode()
    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        colour = np.broadcast_to(pixels[:, :3], (len(pixels), 3, *pixels.shape[2:]))
        parts = [torch.from_numpy(colour[i : i + CHUNK].copy()) for i in range(0, len(colour), CHUNK)]
        return torch.cat([self.network(part.to(self.device)).cpu() for part in parts]).numpy()


class PixelPCA:
    """Principal components of the pixels of the training set, averaged over blocks where an image is large.

    Every data set has it, labelled or not; and it sees what a classifier is trained to ignore.
    """

    def __init__(self, train: np.ndarray) -> None:
        rows = np.ascontiguousarray(train[:: math.ceil(len(train) / FIT_ROWS)])
        self.id = f"pca:{COMPONENTS}:{MOST_VALUES}:{sha256(rows)}"
        basis = remembered(f"fit of {self.id}", rows, lambda: _fit(_flat(rows)))
        self.mean, self.axes = basis[0], basis[1:]  # (D,), (components, D)
        self.name = f"pca{len(self.axes)}"

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        parts = [_flat(pixels[i : i + 4096]) for i in range(0, len(pixels), 4096)]
        return np.concatenate([(part - self.mean) @ self.axes.T for part in parts])


def _flat(pixels: np.ndarray) -> np.ndarray:
    """(N, D) float32 in [-1, 1], D at most `MOST_VALUES` unless there are more channels than that."""
    step = max(1, MOST_FLOATS // math.prod(pixels.shape[1:]))
    return np.concatenate([_averaged(pixels[i : i + step]) for i in range(0, max(1, len(pixels)), step)])


def _averaged(pixels: np.ndarray) -> np.ndarray:
    images = to_unit(torch.from_numpy(np.array(pixels)))
    channels, height, width = images.shape[1:]
    block = math.ceil(math.sqrt(channels * height * width / MOST_VALUES))
    if block > 1:
        images = F.adaptive_avg_pool2d(images, (max(1, height // block), max(1, width // block)))
    return images.flatten(1).numpy()


def _fit(rows: np.ndarray) -> np.ndarray:
    """The mean and below it the leading axes: (1 + components, D)."""
    mean = rows.mean(0, dtype=np.float64)
    centred = rows - mean
    _, axes = np.linalg.eigh(centred.T @ centred)
    count = min(COMPONENTS, rows.shape[1], len(rows) - 1)
    return np.concatenate([mean[None], axes[:, ::-1][:, :count].T]).astype(np.float32)


def sha256(array: np.ndarray) -> str:
    """Hexadecimal digest of an array's shape and bytes."""
    rows = np.ascontiguousarray(array)
    found = hashlib.sha256(f"{rows.dtype}{rows.shape}".encode())
    found.update(rows.data)
    return found.hexdigest()


def cached_features(view: View, pixels: np.ndarray, known: str = "") -> np.ndarray:
    """`view(pixels)`, kept on disk by view and by the digest of the pixels, or by that of their file, where `known`."""
    return remembered(view.id, pixels, lambda: view(pixels), known)


def remembered(identity: str, source: np.ndarray, make: Callable[[], np.ndarray], known: str = "") -> np.ndarray:
    """The array that `make` makes of `source`, from disk where it lies whole; a damaged file is made again.

    Args:
        known: the digest of the file that all of `source` is mapped from, so that nobody reads it to hash it.
    """
    path = state_dir("features") / f"{digest([identity, known or sha256(source)])[:40]}.npy"
    if (found := sealed.read_array(path, "it is made anew")) is not None:
        return found
    made = make()
    sealed.write_array(path, made)
    return made
