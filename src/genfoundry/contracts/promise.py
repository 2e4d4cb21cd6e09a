"""How a contract says that a promise is not kept."""

from __future__ import annotations

import torch
from torch import Tensor

from genfoundry.errors import UserError


class BrokenPromise(UserError):  # noqa: N818, the user reads its sentence
    """An entry that does not keep what all of its sort promise: what was found, and what was promised."""

    exit_code = 1


def hold(kept: object, found: str, promised: str) -> None:
    """Go on where a promise is kept.

    Raises:
        BrokenPromise: it is not.
    """
    if not kept:
        raise BrokenPromise(found, expected=promised)


def hold_same(one: Tensor, other: Tensor, found: str, promised: str) -> None:
    """Go on where two tensors are the same to the last bit; what is not a number is like itself.

    Raises:
        BrokenPromise: they are not.
    """
    same = one.shape == other.shape and one.dtype == other.dtype
    hold(same and bool(((one == other) | (one.isnan() & other.isnan())).all()), found, promised)


def finite(values: Tensor) -> bool:
    """Whether all are numbers that have an end."""
    return bool(torch.isfinite(values).all())
