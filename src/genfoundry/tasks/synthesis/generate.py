"""Synthetic rows as a file: `rows.csv` or `rows.parquet`, each row marked, with where they come from beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from genfoundry.kinds.table import rows as table_rows
from genfoundry.kinds.table.spec import TableSpec
from genfoundry.model import Model
from genfoundry.records import DatasetVersion
from genfoundry.serving import streams, tables
from genfoundry.serving.provenance import Provenance
from genfoundry.stopping import until_interrupted
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
    frame = sample(model, dataset_version, wishes)
    return Generated(origin, tables.write(out / f"{STEM}.{wishes.format}", frame, origin), [])


def sample(model: Model, dataset_version: DatasetVersion, wishes: Wishes) -> pd.DataFrame:
    """The rows that `write` writes.

    Raises:
        Interrupted: a signal came.
    """
    return whole_numbers(rows(model, wishes.number, wishes.seed), model.spec)


def rows(model: Model, count: int, seed: int) -> pd.DataFrame:
    """`count` synthetic rows in the types of `kinds.table`; the first ones are the same whatever `count` is."""
    model.eval()
    values = torch.cat([*until_interrupted(_batches(model, count, seed))])[:count]
    return table_rows.to_frame(values, model.spec)


def _batches(model: Model, count: int, seed: int) -> Iterator[torch.Tensor]:
    for number in range(-(-count // BATCH)):
        with torch.inference_mode():
            yield model.sample(blank(model.spec, BATCH), streams.of_batch(seed, number)).double()


def whole_numbers(frame: pd.DataFrame, spec: TableSpec) -> pd.DataFrame:
    """The same with integers where a column's numbers are whole, so that no 7 is written as 7.0."""
    whole = [column.name for column in spec.columns if column.type == "numeric" and column.whole]
    return frame.assign(**{name: frame[name].round().astype("Int64") for name in whole})
