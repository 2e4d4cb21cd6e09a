"""What a table looks like: its columns in order, and which of them is to be predicted."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import Field, model_validator

from genfoundry.records import Record, Spec

NOUN = "rows"
BOOLEANS = ("False", "True")


class Column(Record):
    """One column.

    `levels` are the categories of the training split, the most frequent first and by name where they are equally so;
    `whole` says that every number is an integer; `missing`, that cells of it may be empty.
    """

    name: str = Field(min_length=1)
    type: Literal["numeric", "categorical", "boolean", "date"]
    levels: tuple[str, ...] = Field(default=(), exclude_if=lambda v: not v)
    whole: bool = Field(default=False, exclude_if=lambda v: not v)
    missing: bool = Field(default=False, exclude_if=lambda v: not v)

    @property
    def labels(self) -> tuple[str, ...]:
        """What its codes 0, 1, … are called; none for numbers and dates."""
        return BOOLEANS if self.type == "boolean" else self.levels

    @property
    def coded(self) -> bool:
        """Whether it is stored as a code and not as a number."""
        return self.type in ("categorical", "boolean")

    @model_validator(mode="after")
    def _levels_of_categories(self) -> Column:
        if bool(self.levels) != (self.type == "categorical"):
            raise ValueError(f"column '{self.name}' is {self.type} and has {len(self.levels)} levels")
        if len({*self.levels}) < len(self.levels):
            raise ValueError(f"column '{self.name}' has a level twice")
        return self


class TableSpec(Spec):
    """Columns of a table, in the order of the file.

    `target` is the column that a predictor is to tell (categorical or boolean; empty where none was named), and
    `positive` its rarest class.
    """

    kind: Literal["table"] = "table"
    columns: tuple[Column, ...] = Field(min_length=1)
    target: str = Field(default="", exclude_if=lambda v: not v)
    positive: str = Field(default="", exclude_if=lambda v: not v)

    @property
    def numbers(self) -> tuple[Column, ...]:
        """The numeric and date columns, in the order of `TableBatch.numbers`."""
        return tuple(column for column in self.columns if not column.coded)

    @property
    def codes(self) -> tuple[Column, ...]:
        """The categorical and boolean columns, in the order of `TableBatch.codes`."""
        return tuple(column for column in self.columns if column.coded)

    @property
    def classes(self) -> tuple[str, ...]:
        """What the codes of the target are called; none where there is no target."""
        return next((column.labels for column in self.columns if column.name == self.target), ())

    @model_validator(mode="after")
    def _columns_fit(self) -> TableSpec:
        name, count = Counter(column.name for column in self.columns).most_common(1)[0]
        if count > 1:
            raise ValueError(f"two columns '{name}'")
        if self.target and not self.classes:
            raise ValueError(f"target '{self.target}' is no categorical or boolean column")
        if bool(self.target) != bool(self.positive) or (self.target and self.positive not in self.classes):
            raise ValueError(f"positive '{self.positive}' is no class of target '{self.target}'")
        return self


SPEC = TableSpec


def first_training(spec: TableSpec) -> tuple[str, dict[str, int]]:
    """Tables are made anew."""
    return "synthesis", {}
