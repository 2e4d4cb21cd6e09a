"""Tables: of every type of column, without a target, and of numbers alone; and a CSV of people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from genfoundry.kinds.table.spec import Column, TableSpec

if TYPE_CHECKING:
    import pandas as pd

PEOPLE = TableSpec(
    columns=(
        Column(name="age", type="numeric", whole=True),
        Column(name="town", type="categorical", levels=("Ulm", "Bonn", "Köln")),
        Column(name="income", type="numeric", missing=True),
        Column(name="member", type="boolean", missing=True),
        Column(name="since", type="date", whole=True, missing=True),
        Column(name="risk", type="categorical", levels=("good", "bad")),
    ),
    target="risk",
    positive="bad",
)
SPECS = (
    PEOPLE,
    PEOPLE.model_copy(update={"target": "", "positive": ""}),
    TableSpec(columns=(Column(name="a", type="numeric"), Column(name="b", type="numeric", whole=True))),
)


def flaw(samples: Tensor, spec: TableSpec) -> str:
    """Samples are float64 (B, D) in the order of the columns: codes that have a label, nothing empty where nothing may
    miss."""
    if samples.shape[1:] != (len(spec.columns),) or samples.dtype != torch.float64:
        return f"they are {samples.dtype} {tuple(samples.shape)} and not torch.float64 (B, {len(spec.columns)})"
    said = (_wrong(column, values) for column, values in zip(spec.columns, samples.T, strict=True))
    return next(
        (f"column '{column.name}' {wrong}" for column, wrong in zip(spec.columns, said, strict=True) if wrong), ""
    )


def _wrong(column: Column, values: Tensor) -> str:
    known = values[~values.isnan()]
    if not column.missing and len(known) < len(values):
        return "has empty cells, and none may be empty"
    if column.coded and not torch.isin(known, torch.arange(len(column.labels), dtype=torch.float64)).all():
        return "has codes without a label"
    return "has numbers that are not whole" if column.whole and not (known == known.round()).all() else ""


def people(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """So many of them; those under 30 without an income are nearly always a bad risk."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows)
    income = np.where(rng.random(rows) < 0.2, np.nan, (rng.lognormal(3, 0.5, rows)).round(2))
    member = pd.array(rng.random(rows) < 0.5, dtype="boolean")
    member[rng.random(rows) < 0.1] = pd.NA
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, rows), unit="D")
    risky = np.where((age < 30) | np.isnan(income), 0.9, 0.05)
    return pd.DataFrame(
        {
            "age": age,
            "town": rng.choice(["Ulm", "Bonn", "Köln"], rows, p=[0.5, 0.3, 0.2]),
            "income": income,
            "member": member,
            "since": pd.Series(since).where(pd.Series(rng.random(rows) > 0.1)),
            "risk": np.where(rng.random(rows) < risky, "bad", "good"),
        }
    )


def write_files(folder: Path) -> Path:
    """Four hundred of them."""
    people(400).to_csv(folder / "people.csv", index=False)
    return folder / "people.csv"
