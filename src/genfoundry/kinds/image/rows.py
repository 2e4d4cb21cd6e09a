"""Images as a model is given them: a batch, and the split that makes batches from row numbers.

Rows are sliced from one tensor, on the training device where it fits, so there are no loader processes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genfoundry.batch import Batch
from genfoundry.kinds.image import pixels, storage
from genfoundry.kinds.image.spec import ImageSpec

DEVICE_BUDGET = 4 << 30  # bytes of raw data kept on the device


@dataclass(frozen=True)
class ImageBatch(Batch):
    """`images` float32 (B, C, H, W) in [-1, 1]; `labels` int64 (B,), -1 where unlabelled.

    `source` float32 (B, C, h, w) in [-1, 1] is what each image is to be made from, in a set of pairs.
    """

    images: Tensor
    labels: Tensor
    source: Tensor | None = None


class ImageRows:
    """A split of images; pixels stay uint8 until they are asked for.

    They are copied to the device where they have at most `budget` bytes, else mapped from disk.
    """

    def __init__(
        self, folder: Path, split: str, device: torch.device | str = "cpu", budget: int = DEVICE_BUDGET
    ) -> None:
        arrays = storage.read(folder, split)
        self.device = torch.device(device)
        stored = [array for array in (arrays.images, arrays.sources) if array is not None]
        fits = sum(array.nbytes for array in stored) <= budget
        self.images, *sources = (_tensor(array, self.device if fits else None) for array in stored)
        self.sources = sources[0] if sources else None
        self.labels = torch.from_numpy(arrays.labels).to(self.images.device)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: Tensor) -> ImageBatch:
        rows = rows.to(self.images.device)
        source = None if self.sources is None else self._scaled(self.sources, rows)
        return ImageBatch(self._scaled(self.images, rows), self.labels[rows].to(self.device), source)

    def _scaled(self, levels: Tensor, rows: Tensor) -> Tensor:
        return pixels.to_unit(levels[rows].to(self.device))


def _tensor(array: np.ndarray, device: torch.device | None) -> Tensor:
    """A copy on `device`; the memory-mapped array itself where there is none."""
    if device is not None:
        return torch.from_numpy(array.copy()).to(device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it can't be written to: nobody does
        return torch.from_numpy(array)


def open_split(folder: Path, split: str, spec: ImageSpec, device: torch.device | str = "cpu") -> ImageRows:
    """The rows of `split` of a dataset's folder."""
    return ImageRows(folder, split, device)


def labels(split: ImageRows) -> Tensor:
    """int64 (N,) on the CPU: the class of each row, -1 where unlabelled."""
    return split.labels.cpu()


def pictures(samples: Tensor, spec: ImageSpec) -> np.ndarray:
    """What `Model.sample` gave, to be looked at: uint8 (B, C, H, W)."""
    return pixels.to_pixels(samples)


def to_batch(levels: np.ndarray, device: torch.device, classes: np.ndarray | None = None) -> ImageBatch:
    """What a model is given for uint8 images (N, C, H, W); unlabelled unless their `classes` (N,) are given."""
    images = pixels.to_unit(torch.from_numpy(np.array(levels)).to(device))
    found = np.full(len(levels), storage.UNLABELLED) if classes is None else classes
    return ImageBatch(images, torch.from_numpy(np.ascontiguousarray(found, np.int64)).to(device))


def example_batch(spec: ImageSpec, rows: int, seed: int = 0) -> ImageBatch:
    """Random images of 8-bit values and random classes; random sources where the spec has any."""
    generator = torch.Generator().manual_seed(seed)
    images = pixels.to_unit(torch.randint(0, 256, (rows, *spec.shape), generator=generator))
    classes = torch.full((rows,), storage.UNLABELLED)
    if spec.num_classes:
        classes = torch.randint(0, spec.num_classes, (rows,), generator=generator)
    if spec.source is None:
        return ImageBatch(images, classes)
    return ImageBatch(images, classes, pixels.to_unit(torch.randint(0, 256, (rows, *spec.source), generator=generator)))
