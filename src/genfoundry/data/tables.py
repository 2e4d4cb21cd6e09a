"""A user's CSV or Parquet file, read strictly: every cell as it is, nothing guessed, nothing padded.

The rows come back as columns of text (CSV) or of what Parquet holds; the kind of data makes numbers of them.
The index numbers the rows as an editor shows them: the header of a CSV is row 1; Parquet's first row is row 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genfoundry.errors import UserError, closest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAX_BYTES = 2 << 30
MAX_CELLS = 200_000_000
MAX_COLUMNS = 1000
EXACT = 2**53  # the largest whole number up to which float64 holds all
SHOWN = 5
MAGIC = {
    b"PK\x03\x04": "a ZIP archive (or a spreadsheet)", b"\x1f\x8b": "a gzip file", b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file", b"\x28\xb5\x2f\xfd": "a zstd file", b"%PDF": "a PDF",
    b"\x89PNG": "one image; images come in a folder", b"\xff\xd8\xff": "one image; images come in a folder",
}  # fmt: skip


class Wanted(NamedTuple):
    """What a kind of data asks of a file: the `columns` that must be there, and in words the `form` of all and an
    `example`. `ragged` is told the number of each row that has not as many cells as the header, and in words how many;
    where there is none, such rows are refused. `booleans` says that a Parquet file may hold some."""

    columns: tuple[str, ...] = ()
    form: str = ""
    example: str = "a CSV with a header"
    ragged: Callable[[int, str], None] | None = None
    booleans: bool = False


SERIES = Wanted(
    columns=("ds", "y"),
    form="the long form: unique_id (may be left out for one series), ds (time), y (value)",
    example="a CSV with the columns unique_id, ds, y",
)


def read_table(path: Path, wanted: Wanted = SERIES) -> pd.DataFrame:
    """The columns of a file, indexed by row number.

    Raises:
        UserError: it is no CSV or Parquet, is damaged, empty or ragged, or a needed column is missing.
    """
    frame = _parquet(path, wanted) if form_of(path, wanted) == "parquet" else _csv(path, wanted)
    check_columns(path, list(frame.columns), wanted)
    if frame.empty:
        raise UserError(f"{path.name} has a header and no row.", expected="at least one row of data")
    return frame


def header_of(path: Path, wanted: Wanted) -> list[str]:
    """The names of a file's columns, without its rows.

    Raises:
        UserError: it is no CSV or Parquet, or is damaged.
    """
    if form_of(path, wanted) == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        try:
            return parquet.read_schema(path).names
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{path.name} is a damaged Parquet file: {error}") from None
    with path.open("rb") as file:
        start = file.read(MAX_COLUMNS << 8)
    _check_encoding(path, start)
    text = start.decode("utf-8-sig", "replace")
    header = next((row for row in csv.reader(io.StringIO(text, newline="")) if row), None)
    if header is None:
        raise UserError(f"{path.name} holds only blank lines.", expected=wanted.example)
    names = [name.strip() for name in header]
    _check_delimiter(path, names)
    return names


def form_of(path: Path, wanted: Wanted) -> str:
    """`parquet` or `csv`, by the first bytes.

    Raises:
        UserError: it is empty, too large, or something else.
    """
    size = path.stat().st_size
    if size == 0:
        raise UserError(f"{path.name} is empty: 0 bytes.", expected=wanted.example)
    if size > MAX_BYTES:
        raise UserError(f"{path.name} has {size >> 20} MB.", expected=f"at most {MAX_BYTES >> 20} MB")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PAR1"):
        return "parquet"
    for magic, what in MAGIC.items():
        if start.startswith(magic):
            raise UserError(f"{path.name} is {what}.", expected="a CSV or Parquet file, not compressed")
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise UserError(f"{path.name} is no Parquet file: it begins with {start!r}.", expected="b'PAR1'")
    return "csv"


def _csv(path: Path, wanted: Wanted) -> pd.DataFrame:
    import pandas as pd  # imported where a table is read

    text = _decoded(path)
    rows = _rows(path, text, wanted)
    header = [name.strip() for name in rows.pop(min(rows))]
    _check_delimiter(path, header)
    ragged = [(number, len(row)) for number, row in rows.items() if len(row) != len(header)]
    if wanted.ragged:
        for number, cells in ragged:
            del rows[number]
            wanted.ragged(number, f"it has {cells} cells, the header {len(header)}")
    elif ragged:
        listed = ", ".join(f"row {number} has {cells}" for number, cells in ragged[:SHOWN])
        raise UserError(
            f"{path.name}: {len(ragged)} rows have not as many cells as the header: {listed}.",
            expected=f"{len(header)} cells in each row",
            remedy="correct these rows; a short last row means that the file was cut",
        )
    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows)), columns=pd.Index(header), dtype=object)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    _check_encoding(path, content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path.name}, row {row}: the byte 0x{content[error.start]:02x} is no UTF-8.",
            expected="UTF-8",
            remedy=f"iconv -f latin1 -t utf-8 {path.name}   (if it is Latin-1)",
        ) from None


def _check_encoding(path: Path, content: bytes) -> None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UserError(f"{path.name} is UTF-16.", expected="UTF-8", remedy=f"iconv -f utf-16 -t utf-8 {path.name}")


def _rows(path: Path, text: str, wanted: Wanted) -> dict[int, list[str]]:
    """The cells of every line that is not blank, by line number."""
    if "\0" in text:
        raise UserError(f"{path.name}, row {text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a zero byte.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: dict[int, list[str]] = {}
    try:
        for row in reader:
            if row:
                rows[reader.line_num] = row
    except csv.Error as error:
        raise UserError(
            f"{path.name}: the row that begins after row {max(rows, default=0)} does not parse: {error}.",
            remedy="look for a quote that is not closed there",
        ) from None
    if not rows:
        raise UserError(f"{path.name} holds only blank lines.", expected=wanted.example)
    return rows


def _check_delimiter(path: Path, header: list[str]) -> None:
    for delimiter, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and delimiter in header[0]:
            raise UserError(
                f"{path.name} separates its columns with {name}.",
                expected="commas between columns, and a point in numbers",
                remedy="export it again as a comma-separated file",
            )


def check_columns(path: Path, names: list[str], wanted: Wanted) -> None:
    """Refuse a file by the names of its columns.

    Raises:
        UserError: there are too many, one comes twice or is empty, or one that is needed is missing.
    """
    if len(names) > MAX_COLUMNS:
        raise UserError(f"{path.name} has {len(names)} columns.", expected=f"at most {MAX_COLUMNS}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{path.name} has two columns '{twice[0]}'.", expected="each column once")
    if "" in names:
        raise UserError(f"{path.name}: column {names.index('') + 1} has no name.", expected="a name for each column")
    for needed in wanted.columns:
        if needed not in names:
            raise UserError(f"{path.name} has no column '{needed}'; {closest(needed, names)}", expected=wanted.form)


def _parquet(path: Path, wanted: Wanted) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path, page_checksum_verification=True)
        cells = file.metadata.num_rows * file.metadata.num_columns
        if cells > MAX_CELLS:
            raise UserError(f"{path.name} would unpack to {cells:,} cells.", expected=f"at most {MAX_CELLS:,}")
        schema = file.schema_arrow
        check_columns(path, schema.names, wanted)
        _check_types(path, schema, wanted)
        table = file.read()
        # a column of whole numbers and gaps would become float64, which holds none beyond 2^53
        frame = table.to_pandas(ignore_metadata=True, integer_object_nulls=any(map(_large_with_gaps, table.columns)))
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path.name} is a damaged Parquet file: {error}", remedy="write or copy it again") from None
    frame.index += 1
    return frame


def _large_with_gaps(column: pa.ChunkedArray) -> bool:
    from pyarrow import compute, types

    if not types.is_integer(column.type) or not 0 < column.null_count < len(column):
        return False
    ends = compute.min_max(column).as_py()  # pyright: ignore[reportAttributeAccessIssue] made when it is imported
    return max(-ends["min"], ends["max"]) > EXACT


def _check_types(path: Path, schema: pa.Schema, wanted: Wanted) -> None:
    from pyarrow import types

    good = (types.is_integer, types.is_floating, types.is_decimal, types.is_string, types.is_large_string,
            types.is_timestamp, types.is_date, *([types.is_boolean] if wanted.booleans else []))  # fmt: skip
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not any(check(kind) for check in good):
            raise UserError(
                f"{path.name}: column '{field.name}' is of type {field.type}.",
                expected="numbers, text, or time stamps",
                remedy="drop the column, or write it as numbers",
            )
