"""Rows of a table as tensors, and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genfoundry.batch import Batch
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.spec import Column, TableSpec

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TableBatch(Batch):
    """`numbers` float64 (B, Dn): numeric columns and dates (days since 1970-01-01), NaN where missing. `codes` int64
    (B, Dc): categories and booleans (False 0, True 1), -1 where missing. Both in the order of the spec's columns of
    that sort."""

    numbers: Tensor
    codes: Tensor


class TableRows:
    """A split of a table."""

    def __init__(self, folder: Path, split: str, spec: TableSpec, device: torch.device | str = "cpu") -> None:
        found = storage.cells(folder, split, spec)
        self.cells = TableBatch(torch.from_numpy(found.numbers), torch.from_numpy(found.codes)).to(device)
        self.device = torch.device(device)

    def __len__(self) -> int:
        return len(self.cells)

    def batch(self, rows: Tensor) -> TableBatch:
        """The batch of these rows: int64 (B,)."""
        return self.cells[rows.to(self.device)]


def open_split(folder: Path, split: str, spec: TableSpec, device: torch.device | str = "cpu") -> TableRows:
    """The rows of one split of a dataset's folder."""
    return TableRows(folder, split, spec, device)


def example_batch(spec: TableSpec, rows: int, seed: int = 0) -> TableBatch:
    """Random rows of a spec's columns: whole numbers where they are to be, every code, a tenth missing where cells may
    be."""
    generator = torch.Generator().manual_seed(seed)
    numbers = [_random_numbers(column, rows, generator) for column in spec.numbers]
    codes = [torch.randint(0, len(column.labels), (rows,), generator=generator) for column in spec.codes]
    gaps = {c.name: torch.rand(rows, generator=generator) < (0.1 if c.missing else 0) for c in spec.columns}
    numbers = [values.masked_fill(gaps[c.name], torch.nan) for c, values in zip(spec.numbers, numbers, strict=True)]
    codes = [values.masked_fill(gaps[c.name], -1) for c, values in zip(spec.codes, codes, strict=True)]
    return TableBatch(
        torch.stack(numbers, 1) if numbers else torch.zeros(rows, 0, dtype=torch.float64),
        torch.stack(codes, 1) if codes else torch.zeros(rows, 0, dtype=torch.int64),
    )


def _random_numbers(column: Column, rows: int, generator: torch.Generator) -> Tensor:
    """float64 (rows,) around 50; around the year 2024 for dates."""
    values = torch.randn(rows, generator=generator, dtype=torch.float64) * 20 + 50
    values = values + 19_800 if column.type == "date" else values
    return values.round() if column.whole else values


def encode(frame: pd.DataFrame, spec: TableSpec) -> TableBatch:
    """The rows of a frame whose columns are those of the spec; a category that the spec does not know is missing."""
    found = storage.from_frame(frame, spec)
    return TableBatch(torch.from_numpy(found.numbers), torch.from_numpy(found.codes))


def frame(batch: TableBatch, spec: TableSpec) -> pd.DataFrame:
    """A batch as columns of float64, Categorical, `boolean` and datetime64[us]."""
    return storage.to_frame(storage.Cells(batch.numbers.cpu().numpy(), batch.codes.cpu().numpy()), spec)


def values(batch: TableBatch, spec: TableSpec) -> Tensor:
    """float64 (B, D), one column for each of the spec's: numbers as they are, codes as numbers, NaN where missing."""
    codes = batch.codes.double().masked_fill(batch.codes < 0, torch.nan)
    numbers, coded = iter(batch.numbers.unbind(1)), iter(codes.unbind(1))
    return torch.stack([next(coded) if column.coded else next(numbers) for column in spec.columns], 1)


def from_values(made: Tensor, spec: TableSpec) -> TableBatch:
    """The batch that `values` (B, D) were made of."""
    coded = torch.tensor([column.coded for column in spec.columns], device=made.device)
    return TableBatch(made[:, ~coded], made[:, coded].nan_to_num(-1).long())


def to_frame(made: Tensor, spec: TableSpec) -> pd.DataFrame:
    """What `Model.sample` gives, float64 (B, D), as `frame` shows it."""
    return frame(from_values(made, spec), spec)
