"""Tables on disk: `train.parquet` and `test.parquet`, each column of one type, an empty cell a null.

Numbers are float64, categories text in a dictionary, booleans bool, dates timestamps in microseconds. On which side a
row lies is decided by a hash of its content, so equal rows are never on both.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.dataset import Card, read_card
from genfoundry.errors import UserError
from genfoundry.kinds.table.division import canonical, in_test
from genfoundry.kinds.table.spec import BOOLEANS, Column, TableSpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SPLITS = ("train", "test")
FRACTION = 0.2  # of the rows are test
DAY = 86_400_000_000  # microseconds


class TableExamples(NamedTuple):
    """A whole table before it is split.

    `frame` holds numbers, booleans, time stamps without a zone, and text (everything else is a category). `positive`
    is the class of `target` that matters, the rarest where empty. `kept` are the digests (`row_digests`) of rows that
    stay in training, since an earlier version of the data trained on them.
    """

    frame: pd.DataFrame
    target: str = ""
    positive: str = ""
    test_fraction: float = FRACTION
    kept: frozenset[bytes] = frozenset()


class Cells(NamedTuple):
    """N rows: `numbers` float64 (N, Dn), NaN where missing, dates in days since 1970-01-01; `codes` int64 (N, Dc), -1
    where missing, False 0 and True 1. Each in the order of the spec's columns of that sort."""

    numbers: np.ndarray
    codes: np.ndarray


def path_of(folder: Path, split: str) -> Path:
    """The file of one split."""
    return folder / f"{split}.parquet"


def write(folder: Path, examples: Iterable[TableExamples], card: Card) -> tuple[TableSpec, dict[str, int]]:
    """Write the canonical form of one table into `folder`.

    Returns:
        the spec, and how many rows each split holds.

    Raises:
        UserError: a whole number is beyond 2^53, a split is empty, or the target has not two classes on both sides.
    """
    (table,) = examples
    columns = {str(name): canonical(table.frame[name]) for name in table.frame.columns}
    test = in_test(table.frame, table.test_fraction, table.kept)
    spec = TableSpec(
        columns=tuple(_column(name, values, ~test) for name, values in columns.items()),
        **_target(table, columns, test, card),
    )
    folder.mkdir(parents=True, exist_ok=True)
    for split, inside in zip(SPLITS, (~test, test), strict=True):
        if not inside.any():
            raise UserError(f"'{card.name}': no row is in {split}.", expected="more rows, or another --test-fraction")
        _write_parquet(path_of(folder, split), {name: values[inside] for name, values in columns.items()}, spec)
    return spec, {"train": int((~test).sum()), "test": int(test.sum())}


def _column(name: str, values: pd.Series, training: np.ndarray) -> Column:
    missing = bool(values.isna().any())
    if values.dtype == object:
        counts = values.loc[training].value_counts()
        levels = sorted(counts.index, key=lambda level: (-counts[level], level))
        return Column(name=name, type="categorical", levels=tuple(levels), missing=missing)
    if values.dtype == "boolean":
        return Column(name=name, type="boolean", missing=missing)
    dated = values.dtype.kind == "M"
    seen = _days(values.dropna().to_numpy()) if dated else values.dropna().to_numpy()
    return Column(
        name=name, type="date" if dated else "numeric", whole=bool((seen == np.round(seen)).all()), missing=missing
    )


def _days(stamps: np.ndarray) -> np.ndarray:
    """Datetimes as days since 1970-01-01, NaN where there is none."""
    stamps = stamps.astype("datetime64[us]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / DAY)


def _target(table: TableExamples, columns: dict[str, pd.Series], test: np.ndarray, card: Card) -> dict[str, str]:
    """The target and its positive class, as `TableSpec` takes them."""
    if not table.target:
        return {}
    values = columns[table.target].astype("string")
    counts = [values.loc[side].value_counts() for side in (~test, test)]
    short = [split for split, classes in zip(SPLITS, counts, strict=True) if len(classes) < 2]
    if short:
        raise UserError(
            f"'{card.name}': the target '{table.target}' has fewer than two classes in {' and in '.join(short)}.",
            expected="at least two rows of two classes on each side",
            remedy="give more rows, or another --test-fraction",
        )
    rarest = min(counts[0].index, key=lambda level: (counts[0][level], level))
    return {"target": table.target, "positive": table.positive or str(rarest)}


def _write_parquet(path: Path, columns: dict[str, pd.Series], spec: TableSpec) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    arrays = [_arrow(columns[column.name], column) for column in spec.columns]
    table = pa.table(arrays, names=[column.name for column in spec.columns])
    parquet.write_table(table, path, compression="zstd", write_statistics=True)


def _arrow(values: pd.Series, column: Column) -> pa.Array:
    import pyarrow as pa

    types = {"numeric": pa.float64(), "boolean": pa.bool_(), "date": pa.timestamp("us")}
    if column.type != "categorical":
        return pa.array(values, types[column.type], from_pandas=True)
    known = {level: code for code, level in enumerate(column.levels)}
    codes = pa.array([known.get(value) for value in values], pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.levels, pa.string()))


def names(folder: Path, spec: TableSpec) -> tuple[str, ...]:
    """None: what the codes of a column are called travels in the spec."""
    return ()


def cells(folder: Path, split: str, spec: TableSpec) -> Cells:
    """The cells of one split.

    Raises:
        UserError: the file does not parse, or lacks a column.
    """
    table = read_arrow(folder, split, spec)
    numbers = [_numbers(table[column.name], column) for column in spec.numbers]
    codes = [_codes(table[column.name], column) for column in spec.codes]
    rows = table.num_rows
    return Cells(
        np.stack(numbers, 1) if numbers else np.zeros((rows, 0)),
        np.stack(codes, 1) if codes else np.zeros((rows, 0), np.int64),
    )


def read_arrow(folder: Path, split: str, spec: TableSpec) -> pa.Table:
    """One split as it lies on disk, its columns in the order of the spec.

    Raises:
        UserError: the file does not parse, or lacks a column.
    """
    import pyarrow as pa
    from pyarrow import parquet

    path = path_of(folder, split)
    try:
        return parquet.read_table(path, columns=None).select([column.name for column in spec.columns])
    except (pa.ArrowException, OSError, KeyError) as error:
        raise UserError(f"{path} does not parse: {error}", remedy="build the dataset again") from None


def _numbers(column: pa.ChunkedArray, about: Column) -> np.ndarray:
    if about.type == "date":
        return _days(column.to_numpy())
    return column.to_numpy().astype(np.float64)


def _codes(column: pa.ChunkedArray, about: Column) -> np.ndarray:
    import pyarrow as pa
    from pyarrow import compute

    text = pa.array(BOOLEANS if about.type == "boolean" else about.levels, pa.string())
    flat = compute.cast(column, pa.string())
    if about.type == "boolean":  # Arrow spells them true and false
        text = pa.array([word.lower() for word in BOOLEANS])
    found = compute.index_in(flat, value_set=text)  # pyright: ignore[reportAttributeAccessIssue] made when imported
    return found.fill_null(-1).to_numpy().astype(np.int64)


def read(folder: Path, split: str) -> pd.DataFrame:
    """One split of a sealed folder, in the types that `to_frame` gives."""
    spec = spec_of(folder)
    return to_frame(cells(folder, split, spec), spec)


def spec_of(folder: Path) -> TableSpec:
    """The spec on the card of a sealed folder.

    Raises:
        UserError: it holds no table.
    """
    spec = read_card(folder).spec
    if not isinstance(spec, TableSpec):
        raise UserError(f"{folder} holds no table.", expected="a dataset of the kind 'table'")
    return spec


def to_frame(found: Cells, spec: TableSpec) -> pd.DataFrame:
    """Cells as columns: float64, Categorical of the spec's levels, `boolean`, datetime64[us]."""
    import pandas as pd

    numbers, codes = iter(found.numbers.T), iter(found.codes.T)
    columns = {c.name: _series(next(codes) if c.coded else next(numbers), c) for c in spec.columns}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(found.numbers)))


def _series(values: np.ndarray, column: Column) -> pd.Series | pd.Categorical:
    import pandas as pd

    if column.type == "categorical":
        return pd.Categorical.from_codes(values.tolist(), categories=pd.Index(column.levels, dtype=object))
    if column.type == "boolean":
        return pd.Series(pd.array(values == 1, dtype="boolean")).mask(values < 0)
    if column.type == "date":
        missing = np.isnan(values)
        stamps = np.where(missing, 0, np.round(values * DAY)).astype(np.int64).astype("datetime64[us]")
        return pd.Series(stamps).mask(missing)
    return pd.Series(values)


def from_frame(frame: pd.DataFrame, spec: TableSpec) -> Cells:
    """The cells of a frame whose columns are those of the spec, in any order; an unknown category is missing.

    Raises:
        UserError: a column is missing.
    """
    if lacking := [column.name for column in spec.columns if column.name not in frame.columns]:
        raise UserError(f"The table has no column '{lacking[0]}'.", expected=", ".join(c.name for c in spec.columns))
    numbers = [_number_cells(frame[column.name], column) for column in spec.numbers]
    codes = [_code_cells(frame[column.name], column) for column in spec.codes]
    return Cells(
        np.stack(numbers, 1) if numbers else np.zeros((len(frame), 0)),
        np.stack(codes, 1) if codes else np.zeros((len(frame), 0), np.int64),
    )


def _number_cells(values: pd.Series, column: Column) -> np.ndarray:
    if column.type == "date":
        return _days(values.to_numpy(dtype="datetime64[us]"))
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _code_cells(values: pd.Series, column: Column) -> np.ndarray:
    known = {label: code for code, label in enumerate(column.labels)}
    return values.astype("string").map(known).fillna(-1).to_numpy(dtype=np.int64)
