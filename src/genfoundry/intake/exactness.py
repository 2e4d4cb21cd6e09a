"""What becomes of a user's numbers as they are read into float64, which holds 15 digits of every number and no more."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 15  # that float64 gives back, whatever the number
WHOLE = 2**53  # up to here it holds every whole number


class Loss(NamedTuple):
    """What a channel lost: how many whole numbers changed, and its distinct values, series by series, then and now."""

    rounded: int
    before: int
    after: int
    sentence: str

    def facts(self, channel: str) -> dict[str, float]:
        """The same as the card holds it."""
        numbers = {"rounded": self.rounded, "distinct before": self.before, "distinct after": self.after}
        return {f"{channel}: {what}": float(number) for what, number in numbers.items()}


def loss(column: pd.Series, values: pd.Series, names: pd.Series) -> Loss | None:
    """What the cells of `column` lost as they became the float64 `values` of the series `names`; None for nothing."""
    import pandas as pd

    long = _may_differ(column) & values.notna().to_numpy()
    if not long.any():
        return None
    read = values[long]
    exact = pd.Series([_decimal(cell) for cell in column[long]], index=read.index, dtype=object)
    changed = [cell == cell.to_integral_value() and cell != Decimal(value) for cell, value in zip(exact, read)]
    by_series = pd.DataFrame({"exact": exact, "read": read}).groupby(names[long]).nunique()
    before, after = int(by_series["exact"].sum()), int(by_series["read"].sum())
    if not any(changed) and before == after:
        return None
    return Loss(sum(changed), before, after, _told(exact[changed], read[changed], before, after))


def _told(exact: pd.Series, read: pd.Series, before: int, after: int) -> str:
    words = []
    if len(exact):
        first = f"row {exact.index[0]}: {exact.iloc[0]:f} became {read.iloc[0]:.0f}"
        words.append(f"{len(exact):,} whole numbers beyond 2^53 were rounded, as in {first}")
    if after < before:
        words.append(f"{before:,} distinct values became {after:,}")
    return "; ".join(words)


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
