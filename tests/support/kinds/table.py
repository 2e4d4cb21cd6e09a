"""Tables: of every type of column, without a target, and of numbers alone."""

from __future__ import annotations

import torch
from support.people import SPEC

from genfoundry.kinds.table.spec import Column, TableSpec

SPECS = [
    SPEC,
    SPEC.model_copy(update={"target": "", "positive": ""}),
    TableSpec(columns=(Column(name="a", type="numeric"), Column(name="b", type="numeric", whole=True))),
]


def check_samples(samples: torch.Tensor, spec: TableSpec) -> None:
    """(B, D) float64 in the order of the columns: codes that have a label, nothing empty where nothing may miss."""
    assert samples.shape[1:] == (len(spec.columns),)
    assert samples.dtype == torch.float64
    for column, values in zip(spec.columns, samples.T, strict=True):
        known = values[~values.isnan()]
        assert column.missing or len(known) == len(values)
        assert not column.coded or torch.isin(known, torch.arange(len(column.labels), dtype=torch.float64)).all()
        assert not column.whole or (known == known.round()).all()
