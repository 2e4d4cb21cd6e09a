"""Synthetic rows from a registered model: one for each seed.

in   `seed` (long)
out  the columns of the table, one row per row: numbers double, or long where they are whole and never missing;
     categories string; booleans boolean; dates datetime. An empty cell is NaN in a number, None elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Generator

from genfoundry.errors import UserError
from genfoundry.kinds.table import rows as table_rows
from genfoundry.kinds.table.rows import TableBatch
from genfoundry.kinds.table.spec import Column, TableSpec
from genfoundry.model import Model

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

MAX_ROWS = 10_000  # in one call


class Predictor:
    """Draws one row for each seed. A row depends on its seed alone, so batching changes nothing."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The rows of these seeds, in their order.

        Raises:
            UserError: there is no column `seed`, or there are too many rows.
        """
        if "seed" not in data:
            raise UserError(f"The columns are {', '.join(map(str, data))}.", expected="a column `seed`")
        if len(data) > MAX_ROWS:
            raise UserError(f"{len(data)} rows in one call.", expected=f"at most {MAX_ROWS}")
        spec = self.model.spec
        made = [self._row(int(seed) % 2**63) for seed in data["seed"]]
        values = torch.cat(made) if made else torch.zeros(0, len(spec.columns), dtype=torch.float64)
        return served(table_rows.to_frame(values, spec), spec).set_axis(data.index)

    def _row(self, seed: int) -> torch.Tensor:
        with torch.inference_mode():
            return self.model.sample(blank(self.model.spec, 1), Generator().manual_seed(seed)).double()


def blank(spec: TableSpec, count: int) -> TableBatch:
    """`count` rows of which nothing is known: what a model is given where it is to make up all of them."""
    numbers = torch.full((count, len(spec.numbers)), torch.nan, dtype=torch.float64)
    return TableBatch(numbers, torch.full((count, len(spec.codes)), -1))


def served(frame: pd.DataFrame, spec: TableSpec) -> pd.DataFrame:
    """A frame of `kinds.table.rows.to_frame` in the types of the signature."""
    import pandas as pd

    return frame.assign(**{column.name: _served(pd.Series(frame[column.name]), column) for column in spec.columns})


def _served(cells: pd.Series, column: Column) -> pd.Series:
    if column.type == "numeric":
        return cells.astype("int64") if _is_long(column) else cells
    if column.type == "date" and not cells.isna().any():
        return cells
    return cells.astype(object).where(cells.notna(), None)


def _is_long(column: Column) -> bool:
    return column.whole and not column.missing


def signature(model: Model) -> ModelSignature:
    """What goes in and comes out of the served model."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    types = {"numeric": "double", "categorical": "string", "boolean": "boolean", "date": "datetime"}
    columns: list[ColSpec | TensorSpec] = [
        ColSpec("long" if column.type == "numeric" and _is_long(column) else types[column.type], column.name)
        for column in model.spec.columns
    ]
    return ModelSignature(inputs=Schema([ColSpec("long", "seed")]), outputs=Schema(columns))
