"""The cells of a user's file made into typed columns. What a column is, its own cells say; nothing is guessed where two
readings are possible, and no number is rounded."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.data.columns import NULLS, declared, nearest
from genfoundry.data.quarantine import as_text
from genfoundry.data.stamps import UTC_OFFSET, listed
from genfoundry.errors import UserError
from genfoundry.kinds.table.division import EXACT

if TYPE_CHECKING:
    import pandas as pd

BOOLEANS = {"true": True, "false": False}
ISO = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
ZONED = rf"[T ]\d\d.*{UTC_OFFSET}"
LEADING_ZERO = r"[+-]?0\d+"  # a post code, an account: as a number it would lose it
WITH_COMMA = r"[+-]?\d[\d.' ]*(?:,\d+)+(?:\.\d+)?"
DAY_OR_MONTH = r"\d{1,2}([/.-])\d{1,2}\1(?:\d{2}|\d{4})"


class TypedColumn(NamedTuple):
    """`values` (N,) are float64, `boolean`, datetime64[us] or text, null where a cell is missing or bad; `bad` (N,)
    bool are the cells that do not fit the others, and `why` says in what; `note` is what a user should know."""

    values: pd.Series
    bad: np.ndarray
    why: str = ""
    note: str = ""


def typed(column: pd.Series, na: tuple[str, ...], tolerated: float, *, category: bool = False) -> TypedColumn:
    """Read one column.

    Args:
        column: as the file holds it, indexed by row.
        na: what stands for a missing cell besides an empty one.
        tolerated: where at most this share of the cells, 0 to 1, does not fit the others, these are bad; above it the
            column is.
        category: take whatever it holds as text.

    Raises:
        UserError: it mixes numbers or dates with text, or holds what could be read in two ways.
    """
    import pandas as pd

    named = declared(column, na).to_numpy()
    column = column.astype(object).mask(named, None) if named.any() else column
    fits, kinds = np.zeros(len(column), bool), pd.api.types
    if category:
        return TypedColumn(_text(column), fits)
    if kinds.infer_dtype(column, skipna=True) == "boolean":
        return TypedColumn(column.astype("boolean"), fits)
    if kinds.is_datetime64_any_dtype(column.dtype) or kinds.infer_dtype(column, skipna=True) in ("date", "datetime"):
        moments = pd.to_datetime(column, utc=True).dt.tz_localize(None)
        return TypedColumn(moments.astype("datetime64[us]"), fits)
    if kinds.is_integer_dtype(column.dtype) and _beyond(column).any():
        return _too_large(column)
    if kinds.is_numeric_dtype(column.dtype):
        return _finite(column.astype("float64"))
    return _of_text(_text(column), tolerated)


def _text(column: pd.Series) -> pd.Series:
    """Each cell as text without spaces around it, None where it is empty."""
    text = column.astype(object).map(lambda cell: cell if cell is None or cell != cell else str(cell).strip())
    return text.where(text.notna() & (text != ""), None)


def _of_text(cells: pd.Series, tolerated: float) -> TypedColumn:
    import pandas as pd

    usual = cells.isin(NULLS).to_numpy()  # `NA` among numbers is a gap; among words it may be Namibia
    filled = pd.Series(cells.loc[cells.notna().to_numpy() & ~usual]).astype(str)
    fits = np.zeros(len(cells), bool)
    if filled.empty:
        return TypedColumn(cells.where(~usual, None), fits)
    if filled.str.casefold().isin(BOOLEANS).all():
        return TypedColumn(cells.map(lambda c: BOOLEANS.get(str(c).casefold())).astype("boolean"), fits)
    numbers = nearest(filled)
    if numbers.notna().all() and filled.str.fullmatch(LEADING_ZERO).any():
        return TypedColumn(cells, fits, note="its numbers begin with zeros, so they are categories")
    if numbers.notna().all() and _beyond(filled).any():
        return _too_large(cells.where(~usual, None))
    dates = filled.str.fullmatch(ISO)
    if 1 - numbers.notna().mean() <= tolerated:
        return _finite(numbers.reindex(cells.index).astype("float64"), filled[numbers.isna()])
    if 1 - dates.mean() <= tolerated:
        return _moments(cells, filled, dates)
    _refuse_ambiguous(filled, numbers.notna() | dates)
    words = sorted(set(cells[usual]) - {""})
    note = f"{', '.join(map(repr, words))} is taken as a value there (say --na for what is missing)" if words else ""
    return TypedColumn(cells, fits, note=note)


def _beyond(column: pd.Series) -> pd.Series:
    """(N,) bool: whole numbers that float64 would round."""
    if column.dtype == object or column.dtype == "str":
        whole = column.astype(str).str.fullmatch(r"[+-]?\d{16,}")
        return whole & column.astype(str).map(lambda cell: cell.lstrip("+-").isdecimal() and int(cell) > EXACT)
    return column.abs() > EXACT


def _too_large(column: pd.Series) -> TypedColumn:
    note = "it holds whole numbers beyond 2^53, which a float64 rounds, so they are categories"
    return TypedColumn(_text(column), np.zeros(len(column), bool), note=note)


def _finite(values: pd.Series, bad: pd.Series | None = None) -> TypedColumn:
    """Numbers of which the infinite ones are bad, as are the cells `bad`."""
    wild = np.isinf(values.to_numpy())
    others = values.index.isin(bad.index) if bad is not None else np.zeros(len(values), bool)
    return TypedColumn(values.mask(wild), wild | others, "is no finite number, as the others of its column are")


def _moments(cells: pd.Series, filled: pd.Series, dates: pd.Series) -> TypedColumn:
    import pandas as pd

    given = pd.Series(filled.loc[dates])
    zoned = given.str.contains(ZONED, regex=True)
    if zoned.any() and not zoned.all():
        one, other = (listed(given.loc[which].head(1)) for which in (zoned, ~zoned))
        raise UserError(
            f"Column '{as_text(str(cells.name))}' has a time zone in {one}, and none in {other}.",
            expected="a time zone in every row, or in none",
        )
    moments = pd.to_datetime(filled.where(dates), format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    moments = moments.astype("datetime64[us]")
    bad = cells.index.isin(filled.index[moments.isna()])
    return TypedColumn(moments.reindex(cells.index), bad, "is no date, as the others of its column are")


def _refuse_ambiguous(filled: pd.Series, read: pd.Series) -> None:
    """Refuse what could be read in two ways.

    Raises:
        UserError: see `typed`.
    """
    name = as_text(str(filled.name))
    if filled.str.fullmatch(WITH_COMMA).all():
        raise UserError(
            f"Column '{name}' writes its numbers with commas: {listed(filled)}.",
            expected="a point before the decimals, and nothing between the thousands",
            remedy="write the numbers so, and add the file again",
        )
    if filled.str.fullmatch(DAY_OR_MONTH).all():
        raise UserError(
            f"Column '{name}' holds dates in which day and month can't be told apart: {listed(filled)}.",
            expected="dates in ISO 8601, as 2026-01-31",
            remedy="write the dates so, and add the file again",
        )
    if read.mean() > 0.5:
        raise UserError(
            f"Column '{name}' mixes {'text' if not read.all() else 'dates'} with "
            f"numbers or dates: {listed(filled[~read] if not read.all() else filled)}.",
            expected="one type in a column",
            remedy=f"correct these cells, name what is missing with --na, or take all as text: --category '{name}'",
        )
