"""What a model is given: one batch type a kind of data, and a split that makes batches from row numbers.

Rows are sliced from one tensor, on the training device where it fits, so there are no loader processes. Which rows
make batch `i` is a pure function of the seed, so a resumed run needs no sampler state.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from genfoundry.kinds.image import storage
from genfoundry.kinds.series import storage as series
from genfoundry.records import ImageSpec, SeriesSpec

DEVICE_BUDGET = 4 << 30  # bytes of raw data kept on the device


class Rows:
    """A dataclass of tensors that all run over the same rows; one that need not be there is None."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # pyright: ignore[reportArgumentType]

    def map(self, function) -> Self:
        """Apply `function` to every tensor that is there."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore[reportArgumentType]
        changed = {name: function(tensor) for name, tensor in tensors.items() if tensor is not None}
        return replace(self, **changed)  # pyright: ignore[reportArgumentType, reportCallIssue, reportReturnType]

    def repeat(self, times: int) -> Self:
        """Each row `times` times, one after the other."""
        return self.map(lambda tensor: tensor.repeat_interleave(times, 0))

    def __getitem__(self, rows) -> Self:
        return self.map(lambda tensor: tensor[rows])

    def to(self, device: torch.device | str) -> Self:
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True)
class ImageBatch(Rows):
    """`images` float32 (B, C, H, W) in [-1, 1]; `labels` int64 (B,), -1 where unlabelled.

    `source` float32 (B, C, h, w) in [-1, 1] is what each image is to be made from, in a set of pairs.
    """

    images: Tensor
    labels: Tensor
    source: Tensor | None = None


@dataclass(frozen=True)
class SeriesBatch(Rows):
    """Windows of a target series. L past steps (`spec.context`), H future steps (`spec.horizon`), F time features.

    `past` (B, L) and `future` (B, H) float32 in the data's unit, 0 where missing; `past_mask` and `future_mask`
    are 1 where the value was observed; `past_time` (B, L, F) and `future_time` (B, H, F) in [-0.5, 0.5]; `series`
    int64 (B,) numbers the series that a window was cut from.
    """

    past: Tensor
    past_mask: Tensor
    past_time: Tensor
    future: Tensor
    future_mask: Tensor
    future_time: Tensor
    series: Tensor


Batch = ImageBatch | SeriesBatch
B_co = TypeVar("B_co", covariant=True)


class Split(Protocol[B_co]):
    """Rows of one split of a dataset, by number."""

    def __len__(self) -> int: ...

    def batch(self, rows: Tensor) -> B_co:
        """The batch of these rows: int64 (B,) on the CPU."""
        ...


class ImageRows:
    """A split of images; pixels stay uint8 until they are asked for.

    They are copied to the device where they have at most `budget` bytes, else mapped from disk.
    """

    def __init__(
        self, folder: Path, split: str, device: torch.device | str = "cpu", budget: int = DEVICE_BUDGET
    ) -> None:
        arrays = storage.read(folder, split)
        self.device = torch.device(device)
        pixels = [array for array in (arrays.images, arrays.sources) if array is not None]
        fits = sum(array.nbytes for array in pixels) <= budget
        self.images, *sources = (_tensor(array, self.device if fits else None) for array in pixels)
        self.sources = sources[0] if sources else None
        self.labels = torch.from_numpy(arrays.labels).to(self.images.device)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: Tensor) -> ImageBatch:
        rows = rows.to(self.images.device)
        source = None if self.sources is None else self._scaled(self.sources, rows)
        return ImageBatch(self._scaled(self.images, rows), self.labels[rows].to(self.device), source)

    def _scaled(self, pixels: Tensor, rows: Tensor) -> Tensor:
        return pixels[rows].to(self.device).float().div_(127.5).sub_(1)


def _tensor(array: np.ndarray, device: torch.device | None) -> Tensor:
    """A copy on `device`; the memory-mapped array itself where there is none."""
    if device is not None:
        return torch.from_numpy(array.copy()).to(device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it can't be written to: nobody does
        return torch.from_numpy(array)


class SeriesRows:
    """Every window of a split of series, `context` steps of past and `horizon` steps of future."""

    def __init__(self, folder: Path, split: str, spec: SeriesSpec, device: torch.device | str = "cpu") -> None:
        windows = series.windows(folder, split, spec)
        self.spec, self.device = spec, torch.device(device)
        self.values, self.mask, self.time = (
            torch.from_numpy(array).to(self.device) for array in (windows.values, windows.mask, windows.time)
        )
        self.series = torch.from_numpy(windows.series).to(self.device)
        self.start = torch.from_numpy(windows.start).to(self.device)

    def __len__(self) -> int:
        return len(self.start)

    def batch(self, rows: Tensor) -> SeriesBatch:
        rows = rows.to(self.device)
        length = self.spec.context
        steps = self.start[rows, None] + torch.arange(length + self.spec.horizon, device=self.device)  # (B, L + H)
        values, mask, time = self.values[steps], self.mask[steps], self.time[steps]
        return SeriesBatch(
            values[:, :length], mask[:, :length], time[:, :length],
            values[:, length:], mask[:, length:], time[:, length:], self.series[rows],
        )  # fmt: skip


def open_split(folder: Path, split: str, spec: ImageSpec | SeriesSpec, device: torch.device | str = "cpu") -> Split:
    """The rows of `split` of a dataset's folder."""
    if isinstance(spec, ImageSpec):
        return ImageRows(folder, split, device)
    return SeriesRows(folder, split, spec, device)


class Subset(Generic[B_co]):
    """Some rows of a split, numbered anew."""

    def __init__(self, split: Split[B_co], rows: Tensor) -> None:
        self.split, self.rows = split, rows

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: Tensor) -> B_co:
        return self.split.batch(self.rows[rows])


def chosen_rows(labels: Tensor, leave_out: int | None, fraction: float, seed: int) -> Tensor:
    """The rows of a split without one class, and of every other class a random `fraction`, one row at least."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    kept = []
    for label in labels.unique().tolist():
        rows = order[labels[order] == label]
        kept += [rows[: max(1, round(fraction * len(rows)))]] if label != leave_out else []
    return torch.cat(kept).sort().values if kept else order[:0]


def shuffled_rows(length: int, batch_size: int, seed: int, step: int) -> Tensor:
    """The rows of training batch number `step`: a fresh permutation an epoch, the ragged end left out.

    Pure: the same arguments give the same rows, whatever was drawn before.
    """
    batch_size = min(batch_size, length)
    epoch, position = divmod(step, length // batch_size)
    order = _permutation(length, seed, epoch)
    return order[position * batch_size : (position + 1) * batch_size]


_PERMUTATION: dict[tuple[int, int, int], Tensor] = {}


def _permutation(length: int, seed: int, epoch: int) -> Tensor:
    key = (length, seed, epoch)
    if key not in _PERMUTATION:
        _PERMUTATION.clear()
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        _PERMUTATION[key] = torch.randperm(length, generator=generator)
    return _PERMUTATION[key]
