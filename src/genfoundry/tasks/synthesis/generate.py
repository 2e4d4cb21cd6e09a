"""Synthetic rows as a file: `rows.csv` or `rows.parquet`, each row marked, with where they come from beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator

from genfoundry.files import publish
from genfoundry.kinds.table import rows as table_rows
from genfoundry.kinds.table.spec import TableSpec
from genfoundry.model import Model
from genfoundry.records import DatasetVersion
from genfoundry.serving.provenance import COLUMN, SIDECAR, Provenance, sidecar
from genfoundry.stopping import while_wanted
from genfoundry.task import Generated
from genfoundry.tasks.synthesis.about import Wishes
from genfoundry.tasks.synthesis.predictor import blank

if TYPE_CHECKING:
    import pandas as pd

BATCH = 1000  # always drawn whole, so that the first rows don't depend on how many follow
STEM = "rows"


def write(model: Model, dataset_version: DatasetVersion, wishes: Wishes, origin: Provenance, out: Path) -> Generated:
    """Write rows of a loaded model into the folder `out`. The same seed gives the same bytes.

    Raises:
        Interrupted: a signal came.
        OSError: `out` can't be written.
    """
    frame = whole_numbers(rows(model, wishes.number, wishes.seed), model.spec).assign(**{COLUMN: True})
    content = _parquet(frame, origin) if wishes.format == "parquet" else _csv(frame)
    files = [publish(out / f"{STEM}.{wishes.format}", content), publish(out / SIDECAR, sidecar(origin))]
    return Generated(origin, files, [])


def rows(model: Model, count: int, seed: int) -> pd.DataFrame:
    """`count` synthetic rows in the types of `kinds.table`; the first ones are the same whatever `count` is."""
    model.eval()
    values = torch.cat([*while_wanted(_batches(model, count, seed))])[:count]
    return table_rows.to_frame(values, model.spec)


def _batches(model: Model, count: int, seed: int) -> Iterator[torch.Tensor]:
    for number in range(-(-count // BATCH)):
        stream = np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1, np.uint64)[0]
        with torch.inference_mode():
            yield model.sample(blank(model.spec, BATCH), Generator().manual_seed(int(stream) % 2**63)).double()


def whole_numbers(frame: pd.DataFrame, spec: TableSpec) -> pd.DataFrame:
    """The same with integers where a column's numbers are whole, so that no 7 is written as 7.0."""
    whole = [column.name for column in spec.columns if column.type == "numeric" and column.whole]
    return frame.assign(**{name: frame[name].round().astype("Int64") for name in whole})


def _csv(frame: pd.DataFrame) -> str:
    return frame.assign(**{COLUMN: "true"}).to_csv(index=False, lineterminator="\n")


def _parquet(frame: pd.DataFrame, origin: Provenance) -> bytes:
    """The rows, and in the metadata of the schema where they come from."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **origin.words})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
