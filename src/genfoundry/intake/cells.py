"""The cells of a user's table of series made into names and numbers (times: `stamps`); a bad one is told by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genfoundry.errors import UserError
from genfoundry.stamps import listed

if TYPE_CHECKING:
    import pandas as pd

NULLS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})


def names(column: pd.Series) -> pd.Series:
    """The series that each row belongs to, as text.

    Raises:
        UserError: a row names none.
    """
    text = column.astype("string").str.strip()
    if (empty := text.isna() | text.isin(NULLS)).any():
        raise UserError(f"Column 'unique_id' is empty in {listed(column[empty])}.", expected="a name in each row")
    return text.astype(object)


def numbers(column: pd.Series) -> pd.Series:
    """The values of a channel as float64, NaN where the cell is one of the null tokens.

    Raises:
        UserError: text among the numbers, an infinity, a number that float32 can't hold, or no number at all.
    """
    import pandas as pd

    cells = column.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    missing = cells.isna() | cells.isin(NULLS)
    values = pd.Series(pd.to_numeric(cells.where(~missing), errors="coerce"), dtype="float64")
    if (text := values.isna() & ~missing).any():
        raise _not_numbers(column, cells[text], whole=bool((text | missing).all()))
    if (wild := values.abs() > np.finfo(np.float32).max).any():
        bad = listed(cells[wild])
        raise UserError(f"Column '{column.name}' is infinite or too large in {bad}.", expected="finite float32 numbers")
    return values


def _not_numbers(column: pd.Series, bad: Any, whole: bool) -> UserError:
    comma = bad.astype(str).str.fullmatch(r"[+-]?\d+,\d+").all()
    remedy = "write the numbers with a decimal point" if comma else f"mend these cells (missing ones: {_tokens()})"
    return UserError(
        f"Column '{column.name}' holds text{' only' if whole else ' among its numbers'}: {listed(bad)}.",
        expected="numbers in every column but unique_id and ds",
        remedy=f"drop the column '{column.name}'" if whole and column.name != "y" and not comma else remedy,
    )


def _tokens() -> str:
    return ", ".join(sorted(repr(token) for token in NULLS))


def check_channel(column: pd.Series) -> None:
    """Refuse a channel that says nothing.

    Raises:
        UserError: it is missing everywhere, or constant.
    """
    seen = column.dropna()
    if seen.nunique() > 1:
        return
    what = f"is constant: always {seen.iloc[0]:g}" if len(seen) else "is missing in every row"
    remedy = "give a target that varies" if column.name == "y" else f"drop the column '{column.name}'"
    raise UserError(f"Channel '{column.name}' {what}.", expected="values that vary", remedy=remedy)
