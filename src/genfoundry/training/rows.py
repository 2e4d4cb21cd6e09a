"""Which rows are trained on, and which of them make batch `i`: pure functions of the seed.

So a resumed run needs no sampler state.
"""

from __future__ import annotations

import torch
from torch import Tensor


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
