"""What a table must fulfil: checks on its splits, on each column of each split, and on rows that are in both."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genfoundry.data.expectations import CheckedTable, Expectation, exactly, printable
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card, remake
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.disguise import SUSPECT, area_alone
from genfoundry.kinds.table.division import row_digests
from genfoundry.kinds.table.spec import Column, TableSpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SPELT = {"numeric": "double", "boolean": "bool", "date": "timestamp[us]"}
ROWS = 20_000  # of the training split that a column is held against the target on


def tables(folder: Path, spec: TableSpec, card: Card, policy: Validation) -> list[CheckedTable]:
    """One table of the splits, one of the columns of both, and one of the test rows.

    Raises:
        UserError: a file does not parse, or lacks a column.
    """
    found = {split: storage.read_arrow(folder, split, spec) for split in storage.SPLITS}
    frames = {split: storage.to_frame(storage.cells(folder, split, spec), spec) for split in storage.SPLITS}
    return [
        CheckedTable(_splits(frames, spec, card, policy), _splits_suite(spec, card, policy), row="{split}"),
        CheckedTable(_columns(found, frames, spec), _columns_suite(spec, card, policy), row="{label} in {split}"),
        CheckedTable(
            _shared(frames),
            (
                Expectation(
                    "no row is in both splits",
                    "ExpectColumnValuesToBeInSet",
                    {"column": "shared", "value_set": [False]},
                    met="No row of test is in training, too.",
                    unmet="{bad} of {of} test rows are in training, too ({share}): {where}.",
                    remedy=remake(card.name),
                ),
            ),
            row="row {row:,} of test",
        ),
    ]


def _splits(frames: dict[str, pd.DataFrame], spec: TableSpec, card: Card, policy: Validation) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for split, frame in frames.items():
        classes = frame[spec.target].value_counts().reindex(list(_labels(spec)), fill_value=0) if spec.target else None
        rows.append(
            {
                "split": split,
                "rows": len(frame),
                "card": card.counts.get(split, 0),
                "enough": policy.min_rows,
                "classes": int((classes > 0).sum()) if classes is not None else 2,
                "rarest": int(classes.min()) if classes is not None else 1,
                "imbalance": float(classes.max() / max(classes.min(), 1)) if classes is not None else 1.0,
                "unlabelled": int(frame[spec.target].isna().sum()) if spec.target else 0,
            }
        )
    return pd.DataFrame(rows)


def _labels(spec: TableSpec) -> tuple[object, ...]:
    """The classes as the frame holds them."""
    column = next(column for column in spec.columns if column.name == spec.target)
    return (False, True) if column.type == "boolean" else column.levels


def _splits_suite(spec: TableSpec, card: Card, policy: Validation) -> tuple[Expectation, ...]:
    return (
        exactly("splits", len(storage.SPLITS), "splits"),
        Expectation(
            "splits: rows", "ExpectColumnPairValuesToBeEqual", {"column_A": "rows", "column_B": "card"},
            met="Every split has as many rows as the card says.", unmet="The card says otherwise: {where}.",
            remedy=remake(card.name), row="{split} has {rows:,} rows, {card:,} on the card",
        ),
        Expectation(
            "splits: enough rows", "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "rows", "column_B": "enough", "or_equal": True},
            met=f"Every split has at least {policy.min_rows:,} rows.", unmet="Too few rows: {where}.",
            remedy="give more rows, or lower validation.min_rows", row="{split} has {rows:,}, {enough:,} are asked for",
        ),
        *(_target_suite(spec, policy) if spec.target else ()),
    )  # fmt: skip


def _target_suite(spec: TableSpec, policy: Validation) -> tuple[Expectation, ...]:
    name, most = printable(spec.target), policy.max_class_imbalance
    return (
        Expectation(
            "target filled in", "ExpectColumnValuesToBeBetween", {"column": "unlabelled", "max_value": 0},
            met="Every row has a target.", unmet="Rows without a target: {where}.",
            remedy="leave these rows out; `genfoundry data add --target` does", row="{unlabelled:,} in {split}",
        ),
        Expectation(
            "target: classes", "ExpectColumnValuesToBeBetween", {"column": "classes", "min_value": 2},
            met="Every split has two classes or more.", unmet="The target has one class alone: {where}.",
            remedy="give more rows, or another target",
        ),
        Expectation(
            "target: every class", "ExpectColumnValuesToBeBetween", {"column": "rarest", "min_value": 1},
            met=f"Every class of {name} is in both splits.", unmet="A class is missing: {where}.",
            remedy="give more rows of it", severity="warning",
        ),
        Expectation(
            "target: balance", "ExpectColumnValuesToBeBetween", {"column": "imbalance", "max_value": most},
            met=f"No class is more than {most:g} times as frequent as another.",
            unmet=f"One class is more than {most:g} times as frequent as another: {{where}}.",
            remedy="judge by the rare class", severity="warning", row="{imbalance:.0f} times in {split}",
        ),
    )  # fmt: skip


def _columns(found: dict[str, pa.Table], frames: dict[str, pd.DataFrame], spec: TableSpec) -> pd.DataFrame:
    """One row a column of a split: how it is stored, and what is in it."""
    import pandas as pd

    alone = _areas_alone(frames["train"].iloc[:ROWS], spec)
    rows: list[dict[str, Any]] = []
    for column in spec.columns:
        for split, table in found.items():
            values = frames[split][column.name]
            row = {"label": printable(column.name), "split": split, "column": column.name}
            row |= _stored(table[column.name], column) | _content(values, column)
            rows.append(row | {"alone": alone.get(column.name, 0.5) if split == "train" else 0.5})
    return pd.DataFrame(rows)


def _areas_alone(training: pd.DataFrame, spec: TableSpec) -> dict[str, float]:
    """How well each column alone tells the positive class: areas under the ROC curve."""
    if not spec.target:
        return {}
    truth = (training[spec.target].astype("string") == spec.positive).to_numpy(bool)
    return {c.name: area_alone(training[c.name], truth) for c in spec.columns if c.name != spec.target}


def _stored(values: pa.ChunkedArray, column: Column) -> dict[str, Any]:
    """The type on disk and the one that is due, and how many categories the spec does not know."""
    from pyarrow import compute, types

    category = types.is_dictionary(values.type)
    stored = "categorical" if category else str(values.type)
    if not category or column.type != "categorical":
        return {"stored": stored, "due": SPELT.get(column.type, "categorical"), "unknown": 0}
    words = compute.unique(values.cast(values.type.value_type)).to_pylist()  # pyright: ignore[reportAttributeAccessIssue] made when imported
    return {"stored": stored, "due": "categorical", "unknown": len({*words} - {None, *column.levels})}


def _content(values: pd.Series, column: Column) -> dict[str, Any]:
    missing = int(values.isna().sum())
    numbers = values.dropna().to_numpy(np.float64) if column.type == "numeric" else np.zeros(0)
    finite = np.isfinite(numbers)
    return {
        "missing": missing,
        "share": missing / max(len(values), 1),
        "unsaid": 0 if column.missing else missing,
        "filled": len(values) - missing,
        "kinds": int(values.nunique()) + (missing > 0),
        "infinite": int((~finite).sum()),
        "broken": int((numbers[finite] % 1 != 0).sum()) if column.whole else 0,
    }


def _columns_suite(spec: TableSpec, card: Card, policy: Validation) -> tuple[Expectation, ...]:
    again, allowed = remake(card.name), policy.max_bad_fraction
    return (
        exactly("columns of both splits", len(storage.SPLITS) * len(spec.columns), "columns of both splits"),
        Expectation(
            "columns: types", "ExpectColumnPairValuesToBeEqual", {"column_A": "stored", "column_B": "due"},
            met="Every column is of the type that the card says.", unmet="Other types than on the card: {where}.",
            remedy=again, row="{label} in {split} is {stored}, {due} on the card",
        ),
        _none("columns: levels", "unknown", "Every category is one that the card lists.",
              "Categories that the card does not list: {where}.", again),
        _none("columns: finite", "infinite", "Every number is finite.", "Infinite numbers: {where}.",
              "leave the cell empty where nothing is known"),
        _none("columns: whole", "broken", "Where the card says whole numbers, all are.",
              "Numbers that are not whole in columns of whole numbers: {where}.", again),
        _none("columns: gaps", "unsaid", "Cells are missing only where the card says so.",
              "Missing cells in columns that have none on the card: {where}.", again),
        Expectation(
            "no column is empty", "ExpectColumnValuesToBeBetween", {"column": "filled", "min_value": 1},
            met="Every column has values in both splits.", unmet="All cells are missing: {where}.",
            remedy="leave the column out",
        ),
        Expectation(
            "no column is constant", "ExpectColumnValuesToBeBetween", {"column": "kinds", "min_value": 2},
            met="Every column varies in both splits.", unmet="Constant: {where}.",
            remedy="leave the column out", severity="warning",
        ),
        Expectation(
            "columns are filled", "ExpectColumnValuesToBeBetween", {"column": "share", "max_value": allowed},
            met=f"In every column at most {allowed:.1%} of the cells are missing.",
            unmet=f"More than {allowed:.1%} of the cells are missing: {{where}}.", severity="warning",
            remedy="nothing to do if they were never known", row="{label} in {split} ({missing:,}, {share:.1%})",
        ),
        Expectation(
            "target in disguise", "ExpectColumnValuesToBeBetween", {"column": "alone", "max_value": SUSPECT},
            met="No column tells the target alone.", unmet="A column tells the target alone: {where}.",
            remedy="leave it out if it is known only afterwards: --ignore", severity="warning",
            row="{label} (AUROC {alone:.3f})",
        ),
    )  # fmt: skip


def _none(name: str, column: str, met: str, unmet: str, remedy: str) -> Expectation:
    """A count that must be zero."""
    settings = {"column": column, "max_value": 0}
    row = f"{{label}} in {{split}} ({{{column}:,}})"
    return Expectation(name, "ExpectColumnValuesToBeBetween", settings, met=met, unmet=unmet, remedy=remedy, row=row)


def _shared(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The test rows, each with whether an equal one is in training."""
    import pandas as pd

    trained = {*row_digests(frames["train"])}
    shared = [digest in trained for digest in row_digests(frames["test"])]
    return pd.DataFrame({"row": range(1, len(shared) + 1), "shared": np.asarray(shared, bool)})
