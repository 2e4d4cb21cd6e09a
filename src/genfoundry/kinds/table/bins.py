"""Cells of a table as numbers of bins, and back: what families that treat every column as discrete share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn

from genfoundry.kinds.table.rows import TableBatch
from genfoundry.kinds.table.spec import Column

NEVER = -1e9  # the logit of a bin that no cell can fall into; a finite one, as every weight must be
DECIMALS = 6  # at most, that values are rounded to


class Binning(nn.Module):
    """Cells to bins and back. A column has as many bins as it has levels, or `bins` where it holds numbers, and one
    more, the last, for what is missing. The bins' ends are fitted on the training rows and travel with the weights."""

    def __init__(self, columns: Sequence[Column], bins: int) -> None:
        super().__init__()
        self.columns, self.bins = tuple(columns), bins
        self.sizes = [1 + (len(column.labels) if column.coded else bins) for column in columns]
        self.begins = np.cumsum([0, *self.sizes]).tolist()
        count = sum(not column.coded for column in columns)
        for name in ("low", "high"):  # (Dn, bins) the smallest and largest value of each bin; unused ones the last's
            self.register_buffer(name, torch.zeros(count, bins, dtype=torch.float64))
        self.register_buffer("used", torch.ones(count, dtype=torch.int64))  # bins of each column
        self.register_buffer("per_unit", torch.zeros(count, dtype=torch.float64))  # see `resolution`
        self.register_buffer("usable", self._usable())  # (sum of the sizes,) what is added to the logits

    low: Tensor
    high: Tensor
    used: Tensor
    per_unit: Tensor
    usable: Tensor

    def fit(self, numbers: np.ndarray) -> None:
        """Lay the bins of each column by its values (N, Dn), NaN where missing."""
        for place, column in enumerate(numbers.T):
            values = column[~np.isnan(column)]
            low, high = intervals(values, self.bins) if len(values) else (np.zeros(1), np.zeros(1))
            self.used[place] = len(low)
            for ends, found in ((self.low, low), (self.high, high)):
                ends[place] = torch.from_numpy(np.pad(found, (0, self.bins - len(found)), mode="edge"))
            self.per_unit[place] = resolution(values)
        self.usable.copy_(self._usable())

    def _usable(self) -> Tensor:
        """0 for each bin that a cell can fall into, else so low that it never comes."""
        used = iter(self.used.tolist())
        counts = [len(column.labels) if column.coded else next(used) for column in self.columns]
        parts = []
        for column, count, size in zip(self.columns, counts, self.sizes, strict=True):
            part = torch.full((size,), NEVER)
            part[:count] = 0
            part[-1] = 0 if column.missing else NEVER
            parts.append(part)
        return torch.cat(parts)

    def of_column(self, column: int) -> Tensor:
        """What is added to the logits of one column."""
        return self.usable[self.begins[column] : self.begins[column + 1]]

    def waves(self, count: int) -> Tensor:
        """(sum of the sizes, count) cosines over the bins of each column of numbers, each in columns of its own.

        Fast ones are small, so that near bins are alike. 0 for codes and for what is missing.
        """
        laid, each = torch.zeros(self.begins[-1], count), count // max(len(self.used), 1)
        numbers = [begin for begin, column in zip(self.begins, self.columns, strict=False) if not column.coded]
        rates = torch.arange(1, each + 1)
        for place, (begin, bins) in enumerate(zip(numbers, self.used.tolist(), strict=True)):
            angles = torch.pi * rates * (torch.arange(bins)[:, None] + 0.5) / bins
            laid[begin : begin + bins, place * each : (place + 1) * each] = angles.cos() / rates.sqrt()
        return laid

    def tokens(self, batch: TableBatch) -> Tensor:
        """The bin of each cell, int64 (B, D), in the order of the columns. A number outside of all bins is in the
        nearest at that side."""
        codes = iter(batch.codes.unbind(1))
        numbers = iter(zip(batch.numbers.unbind(1), self.low, self.used.tolist(), strict=True))
        cells = [
            _code(next(codes), len(column.labels)) if column.coded else _bin(*next(numbers), missing=self.bins)
            for column in self.columns
        ]
        return torch.stack(cells, 1)

    def values(self, tokens: Tensor, generator: Generator | None = None) -> Tensor:
        """A value of each bin (B, D), float64, drawn evenly from it; NaN where missing. See `rows.values`."""
        missing = tokens == torch.tensor(self.sizes, device=tokens.device) - 1
        made, places = tokens.double(), [d for d, column in enumerate(self.columns) if not column.coded]
        share = torch.rand(len(tokens), len(places), generator=generator, dtype=torch.float64).to(tokens.device)
        for place, column in enumerate(places):
            chosen = tokens[:, column].clamp_max(self.bins - 1)
            made[:, column] = _within(
                self.low[place][chosen], self.high[place][chosen], share[:, place], self.per_unit[place]
            )
        return made.masked_fill(missing, torch.nan)


def _code(codes: Tensor, missing: int) -> Tensor:
    return torch.where(codes < 0, missing, codes)


def _bin(numbers: Tensor, low: Tensor, used: int, missing: int) -> Tensor:
    """(B,) the last of the `used` bins that begins at a number or below it, the first where none does."""
    found = (torch.searchsorted(low[:used].contiguous(), numbers.contiguous(), right=True) - 1).clamp_min(0)
    return torch.where(numbers.isnan(), missing, found)


def _within(low: Tensor, high: Tensor, share: Tensor, per_unit: Tensor) -> Tensor:
    """(B,) the value at `share` (B,) of each interval, both ends included, of those that lie `per_unit` to the unit."""
    if per_unit == 0:
        return low + share * (high - low)
    first, last = ((end * per_unit).round() for end in (low, high))
    return (first + torch.minimum((share * (last - first + 1)).floor(), last - first)) / per_unit


def resolution(values: np.ndarray) -> int:
    """How many of the values that a column may take lie between 0 and 1: 1 for whole numbers, 10 where they have one
    decimal, and so on; 0 where they have more than six."""
    found = (decimals for decimals in range(DECIMALS + 1) if np.array_equal(np.round(values, decimals), values))
    decimals = next(found, None)
    return 0 if decimals is None else 10**decimals


def intervals(values: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest value of each bin, ascending, at most `bins` of them.

    One bin a value where these are few. Else a value that makes up more than its share of the rows has its own, and
    the others are divided into runs of about as many rows each.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= bins:
        return distinct, distinct
    heavy = counts > len(values) / bins
    light = np.where(heavy, 0, counts)
    before, share = np.cumsum(light) - light, light.sum() / bins
    while True:
        run = before // share
        begins = np.flatnonzero(np.r_[True, (run[1:] != run[:-1]) | heavy[1:] | heavy[:-1]])
        if len(begins) <= bins:
            return distinct[begins], distinct[np.r_[begins[1:], len(distinct)] - 1]
        share *= 1.02


def hashed(numbers: Tensor) -> Tensor:
    """int64 (…, N), each below 2^31, to (…,) non-negative ones that look random (Knuth's multiplicative method)."""
    mixed = torch.zeros(numbers.shape[:-1], dtype=torch.int64, device=numbers.device)
    for place in range(numbers.shape[-1]):
        mixed = (mixed ^ numbers[..., place]) * 0x9E3779B1 % (1 << 31)
        mixed = mixed ^ (mixed >> 15)
    return mixed
