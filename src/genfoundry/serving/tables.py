"""Tables that are written, CSV or Parquet: every row marked, and a file beside it that says where they came from."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from genfoundry.files import write_atomic
from genfoundry.serving.provenance import COLUMN, SIDECAR, Provenance, sidecar

if TYPE_CHECKING:
    import pandas as pd


def write(path: Path, frame: pd.DataFrame, origin: Provenance) -> list[Path]:
    """Write a frame, each row marked as generated, and its provenance beside it; Parquet where `path` ends so."""
    content = (
        _parquet(frame, origin)
        if path.suffix == ".parquet"
        else frame.assign(**{COLUMN: "true"}).to_csv(index=False, lineterminator="\n")
    )
    return [write_atomic(path, content), write_atomic(path.parent / SIDECAR, sidecar(origin))]


def _parquet(frame: pd.DataFrame, origin: Provenance) -> bytes:
    """The rows, and in the metadata of the schema where they come from."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame.assign(**{COLUMN: True}), preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **origin.words})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
