"""Synthesis: what it is for, what it asks of a family, what a recipe and a user may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field

from genfoundry import task
from genfoundry.kinds.table.spec import TableSpec
from genfoundry.task import Option, wish

PURPOSE = "For making synthetic {noun} of a table like those of the dataset, for use in their place or beside them."
LIMITS = (
    "What a predictor learns from the synthetic rows is measured for one target and one kind of predictor; another "
    "question may fare worse. The classifier that tells them from real rows sees what gradient boosting sees. Rows "
    "that no attack here could trace are not proved to be safe: an attacker who knows more may find more, and nothing "
    "here is a guarantee of differential privacy. Constraints between columns that nobody stated (an end after its "
    "beginning) may be broken."
)
MAKES = True
NEEDS = ("sample",)
KINDS = ("table",)


class Plan(task.Plan):
    """How synthetic rows are judged."""

    num_rows: int | None = Field(
        default=None, ge=16, description="synthetic rows of one draw: as many as there are training rows, up to 20,000"
    )
    seeds: int = Field(default=5, ge=1, le=20, description="independent draws, and predictors that learn from them")

    def as_large_as(self, protocol: Mapping[str, str | int | float]) -> Self:
        """As many rows: what a predictor learns from more is more."""
        return self.model_copy(update={"num_rows": protocol.get("rows", self.num_rows)})


class Wishes(task.Wishes):
    """A table becomes rows.csv, or rows.parquet."""

    EXAMPLE: ClassVar[str] = "-n 1000 --seed 7"
    number: int = wish(1000, Option(flag="-n"), "Rows (1,000)", ge=1, le=1_000_000)
    format: Literal["csv", "parquet"] = wish(
        "csv", Option(flag="--format", lacking="writes no tables"), "csv or parquet: the file of a table's rows (csv)."
    )


def usage(name: str, spec: TableSpec) -> str:
    """The line of the model's card that calls it."""
    columns = ", ".join(column.name for column in spec.columns[:4])
    more = f" and {len(spec.columns) - 4} more" if len(spec.columns) > 4 else ""
    return f"rows = model.sample(16, seed=7)  # 16 rows of {columns}{more}"
