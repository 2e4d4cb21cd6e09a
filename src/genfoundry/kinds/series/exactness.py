"""What becomes of a user's numbers as they are read into float64, which holds 15 digits of every number and no more."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genfoundry.data.conversion import Rounding

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 15  # that float64 gives back, whatever the number
WHOLE = 2**53  # up to here it holds every whole number


class Loss(NamedTuple):
    """What a channel lost, and that in words, with the first place."""

    rounding: Rounding
    sentence: str


def loss(column: pd.Series, values: pd.Series, names: pd.Series) -> Loss | None:
    """What the cells of `column` lose as float64, which `values` are, in the series `names`; None for nothing."""
    import pandas as pd

    long = _may_differ(column) & values.notna().to_numpy()
    if not long.any():
        return None
    rows = column.index.to_numpy()[long].tolist()
    exact = [_decimal(cell) for cell in column[long]]
    read = [float(cell) for cell in exact]  # the nearest ones, whatever parser read the column
    changed = [
        (row, cell, value)
        for row, cell, value in zip(rows, exact, read, strict=True)
        if cell == cell.to_integral_value() and cell != Decimal(repr(value))  # as float64 itself is written
    ]
    distinct = pd.DataFrame({"exact": exact, "read": read}, dtype=object).groupby(names.to_numpy()[long]).nunique()
    before, after = (int(distinct[which].sum()) for which in ("exact", "read"))
    if not changed and before == after:
        return None
    found = Rounding(len(changed), before, after)
    example = "".join(f" (row {row}: {cell:f} became {value:.0f})" for row, cell, value in changed[:1])
    return Loss(found, f"{found}{example}")


def _may_differ(column: pd.Series) -> np.ndarray:
    """(N,) bool: which cells have more digits than float64 is sure to hold."""
    kind = column.dtype.kind
    if kind in "iu":
        return ((column > WHOLE) | (column < -WHOLE)).to_numpy()
    if kind == "f":
        return np.zeros(len(column), bool)
    return np.array([not isinstance(cell, float) and len(str(cell)) > DIGITS for cell in column], bool)


def _decimal(cell: Any) -> Decimal:
    """A cell that `cells.numbers` took, exactly."""
    try:
        return Decimal(str(cell).strip())
    except InvalidOperation:  # what pandas reads and Python does not, as `1_000`
        return Decimal(float(cell))
