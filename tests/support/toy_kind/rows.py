"""Numbers as tensors."""

from dataclasses import dataclass
from pathlib import Path

import torch
from genfoundry.kinds.toy import storage
from genfoundry.kinds.toy.spec import ToySpec
from torch import Tensor

from genfoundry.batch import Batch


@dataclass(frozen=True)
class ToyBatch(Batch):
    """`numbers` float32 (B,)."""

    numbers: Tensor


class ToyRows:
    """A split of numbers."""

    def __init__(self, numbers: Tensor) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def batch(self, rows: Tensor) -> ToyBatch:
        return ToyBatch(self.numbers[rows])


def open_split(folder: Path, split: str, spec: ToySpec, device: torch.device | str = "cpu") -> ToyRows:
    """The numbers of one split."""
    return ToyRows(torch.from_numpy(storage.read(folder, split)).to(device))


def example_batch(spec: ToySpec, rows: int, seed: int = 0) -> ToyBatch:
    """Random numbers up to the highest."""
    return ToyBatch(torch.rand(rows, generator=torch.Generator().manual_seed(seed)) * spec.highest)
