"""The cells of a user's table of series made into names and numbers (times: `stamps`); a bad one is told by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genfoundry.data.stamps import listed
from genfoundry.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

NULLS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})


def names_in(column: pd.Series) -> pd.Series:
    """The series that each row belongs to, as text.

    Raises:
        UserError: a row names none.
    """
    text = column.astype("string").str.strip()
    if (empty := text.isna() | text.isin(NULLS)).any():
        raise UserError(f"Column 'unique_id' is empty in {listed(column[empty])}.", expected="a name in each row")
    return text.astype(object)


def nearest(cells: pd.Series) -> pd.Series:
    """Each cell as a number, NaN where it is none: of text the double nearest to it, which is one rule everywhere.

    pandas' own parser is off by the last bit in long decimals, and not by the same in each of its releases.
    """
    import pandas as pd

    numbers = pd.Series(pd.to_numeric(cells, errors="coerce"))
    if numbers.dtype != "float64" or pd.api.types.is_numeric_dtype(cells.dtype):
        return numbers
    pairs = zip(cells, numbers, strict=True)
    exact = [float(cell) if isinstance(cell, str) and number == number else number for cell, number in pairs]
    return pd.Series(exact, index=numbers.index, name=numbers.name, dtype="float64")


def numbers_in(column: pd.Series) -> pd.Series:
    """The values of a channel as float64, NaN where the cell is one of the null tokens.

    Raises:
        UserError: text among the numbers, an infinity, a number that float32 can't hold, or no number at all.
    """
    import pandas as pd

    cells = column.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    missing = cells.isna() | cells.isin(NULLS)
    values = pd.Series(nearest(cells.where(~missing)), dtype="float64")
    if (text := values.isna() & ~missing).any():
        raise _not_numbers(column, cells[text], whole=bool((text | missing).all()))
    if (wild := values.abs() > np.finfo(np.float32).max).any():
        bad = listed(cells[wild])
        raise UserError(f"Column '{column.name}' is infinite or too large in {bad}.", expected="finite float32 numbers")
    return values


def _not_numbers(column: pd.Series, bad: Any, whole: bool) -> UserError:
    comma = bad.astype(str).str.fullmatch(r"[+-]?\d+,\d+").all()
    remedy = (
        "write the numbers with a decimal point"
        if comma
        else f"correct these cells (missing ones: {', '.join(sorted(map(repr, NULLS)))}; name others with --na)"
    )
    return UserError(
        f"Column '{column.name}' holds text{' only' if whole else ' among its numbers'}: {listed(bad)}.",
        expected="numbers in every column but unique_id and ds",
        remedy=f"drop the column '{column.name}'" if whole and column.name != "y" and not comma else remedy,
    )


def declared(column: pd.Series, na: Sequence[str]) -> pd.Series:
    """(N,) bool: which cells hold one of the user's own words or numbers for what is missing."""
    import pandas as pd

    found = pd.Series(False, index=column.index)
    if not na:
        return found
    cells = column.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    values = nearest(cells)
    for token in na:
        found |= cells.astype(str) == token.strip()
        if (number := _number(token)) is not None:  # float32 holds a neighbour of 99.9
            found |= values == (column.dtype.type(number) if column.dtype.kind == "f" else number)
    return found


def _number(token: str) -> float | None:
    try:
        return float(token)
    except ValueError:
        return None


def check_channel(column: pd.Series, lost: str = "") -> None:
    """Refuse a channel that says nothing; `lost` tells what it lost as it was read.

    Raises:
        UserError: it is missing everywhere, or constant.
    """
    seen = column.dropna()
    if seen.nunique() > 1:
        return
    what = f"is constant: always {seen.iloc[0]:g}" if len(seen) else "is missing in every row"
    remedy = "give a target that varies" if column.name == "y" else f"drop the column '{column.name}'"
    if lost:
        what, remedy = f"{what} once it is read in float64: {lost}", f"subtract one number from all of '{column.name}'"
    raise UserError(f"Channel '{column.name}' {what}.", expected="values that vary", remedy=remedy)
