"""A small table of people for tests: every type of column, gaps, and a target that hangs on the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from genfoundry import dataset
from genfoundry.dataset import Card
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.spec import Column, TableSpec
from genfoundry.records import DatasetVersion

CARD = Card(name="people", kind="table", title="People", licence="CC0", source="a test", consent="made up")
SPEC = TableSpec(
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


def people(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """So many of them; those under 30 without an income are nearly always a bad risk."""
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


def sealed(folder: Path, table: storage.TableExamples | None = None) -> DatasetVersion:
    """The people, or another table, as a dataset in `folder`."""
    table = table or storage.TableExamples(people(), target="risk", positive="bad")
    spec, counts = storage.write(folder, [table], CARD)
    return dataset.seal(folder, CARD.model_copy(update={"spec": spec, "counts": counts}))
