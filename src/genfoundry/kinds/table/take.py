"""A user's table: what may be asked of it, and how it becomes examples."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from genfoundry.data.quarantine import IntakeTally
from genfoundry.data.tables import Wanted, header_of
from genfoundry.kind import Progress, Request, Taken

FORM = "a CSV or Parquet file of rows and columns"
ITEMS = "rows"
MEMORY = ("train.parquet",)
OF_SERIES = ("unique_id", "ds", "y")  # a file with one of these columns is of series, or was meant to be


class Options(BaseModel):
    """What a user may say of a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_fraction: float | None = Field(
        default=None, gt=0, lt=1, description="held out for judging; .2, or what the set was split with before"
    )
    target: str = Field(default="", description="the column to be predicted: its values are the classes")
    positive: str = Field(default="", description="the class that matters (default: the rarest)")
    ignore: tuple[str, ...] = Field(default=(), description="a column to leave out; repeatable")
    keep: tuple[str, ...] = Field(
        default=(), description="a column to keep although it looks like an identifier; repeatable"
    )
    category: tuple[str, ...] = Field(
        default=(), description="a column to take as text, whatever it looks like; repeatable"
    )
    na: tuple[str, ...] = Field(
        default=(),
        description="a cell that stands for a missing value, as -9999; repeatable",
        json_schema_extra={"needs": "cells"},
    )


def recognise(path: Path) -> str | None:
    """A file of several columns is a table, unless it has one of those by which series are known.

    Raises:
        UserError: it is a file, and neither CSV nor Parquet.
    """
    if not path.is_file():
        return None
    names = header_of(path, Wanted(booleans=True))
    if len(names) < 2 or {*names} & {*OF_SERIES}:
        return None
    return f"it is a file of {len(names)} columns, none of them {', '.join(OF_SERIES[:-1])} or {OF_SERIES[-1]}"


def take(request: Request, tally: IntakeTally, progress: Progress) -> Taken:
    """Read a CSV or Parquet file whose first row names its columns; see `user_file.take_table`.

    Raises:
        UserError: anything that would have to be guessed; names the column and the rows.
    """
    from genfoundry.kinds.table.user_file import take_table  # reads pandas

    return take_table(request, tally)
