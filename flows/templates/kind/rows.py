"""Numbers as tensors."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from genfoundry.batch import Batch

from . import storage
from .spec import TemplateSpec


@dataclass(frozen=True)
class TemplateBatch(Batch):
    """`numbers` float32 (B,)."""

    numbers: Tensor


class TemplateRows:
    """A split of numbers."""

    def __init__(self, numbers: Tensor) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def batch(self, rows: Tensor) -> TemplateBatch:
        return TemplateBatch(self.numbers[rows])


def open_split(folder: Path, split: str, spec: TemplateSpec, device: torch.device | str = "cpu") -> TemplateRows:
    """The numbers of one split."""
    return TemplateRows(torch.from_numpy(storage.read(folder, split)).to(device))


def example_batch(spec: TemplateSpec, rows: int, seed: int = 0) -> TemplateBatch:
    """Random numbers up to the highest."""
    return TemplateBatch(torch.rand(rows, generator=torch.Generator().manual_seed(seed)) * spec.highest)
