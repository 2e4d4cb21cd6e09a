"""What a model is given: the base of every kind's batch, and the promise of a split, which makes batches of rows."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor


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


class Batch(Rows):
    """What a model is given of B rows; every kind of data has a class of its own, in `kinds/<kind>/rows.py`."""


B_co = TypeVar("B_co", covariant=True)


class Split(Protocol[B_co]):
    """Rows of one split of a dataset, by number."""

    def __len__(self) -> int: ...

    def batch(self, rows: Tensor) -> B_co:
        """The batch of these rows: int64 (B,) on the CPU."""
        ...


class Subset(Generic[B_co]):
    """Some rows of a split, numbered anew."""

    def __init__(self, split: Split[B_co], rows: Tensor) -> None:
        self.split, self.rows = split, rows

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: Tensor) -> B_co:
        return self.split.batch(self.rows[rows])
