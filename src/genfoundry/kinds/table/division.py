"""On which side of the split a row lies: a hash of its cells decides, so equal rows are never on both."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

EXACT = 2**53  # the largest whole number up to which float64 holds all


def in_test(frame: pd.DataFrame, test_fraction: float, kept: frozenset[bytes] = frozenset()) -> np.ndarray:
    """(N,) bool: which rows are held out.

    The digest of its content puts a row into test where it is below `test_fraction`, so a row keeps its side whatever
    else is in the file; those of `kept` are in training in any case. So are rows of a category that no other training
    row has, since no model could know it.
    """
    digests = row_digests(frame)
    limit = int(test_fraction * 2**64)
    drawn = np.array([int.from_bytes(digest, "big") < limit and digest not in kept for digest in digests])
    for name in frame.columns:
        values = frame[name]
        if canonical(values.iloc[:0]).dtype == object:
            drawn &= (values.isna() | values.isin(values[~drawn])).to_numpy()
    return drawn


def row_digests(frame: pd.DataFrame) -> list[bytes]:
    """Eight bytes for each row, that depend on its cells and on their columns' names, and on nothing else."""
    names = sorted(map(str, frame.columns))
    cells = [_spelt(canonical(frame[name])) for name in names]
    rows = ("".join(f"{len(cell)}:{cell}" for cell in (*names, *row)) for row in zip(*cells, strict=True))
    return [hashlib.blake2b(row.encode(), digest_size=8).digest() for row in rows]


def _spelt(column: pd.Series) -> list[str]:
    """Each cell as text that tells any two values apart, behind `=`; a missing one is empty."""
    if column.dtype == "float64":
        return ["" if value != value else f"={value + 0.0!r}" for value in column.tolist()]  # 0.0 for -0.0
    if column.dtype.kind == "M":
        stamps = column.to_numpy().astype("datetime64[us]")
        return ["" if np.isnat(stamp) else f"={stamp.astype(np.int64)}" for stamp in stamps]
    return ["" if missing else f"={value}" for value, missing in zip(column, column.isna(), strict=True)]


def canonical(column: pd.Series) -> pd.Series:
    """The column as float64, `boolean`, datetime64[us] or text, nulls where cells are empty.

    Raises:
        UserError: it holds a whole number that float64 would round.
    """
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_bool_dtype(column.dtype):
        return column.astype("boolean")
    if kinds.is_datetime64_any_dtype(column.dtype):
        return column.astype("datetime64[us]")
    if kinds.is_numeric_dtype(column.dtype):
        if kinds.is_integer_dtype(column.dtype) and (column.abs() > EXACT).any():
            raise UserError(f"Column '{column.name}' holds whole numbers beyond 2^53, which float64 rounds.")
        return column.astype("float64")
    return column.astype("string").astype(object).where(column.notna(), None)
