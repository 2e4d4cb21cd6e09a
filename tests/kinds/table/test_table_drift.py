import numpy as np
import pandas as pd
import pytest
from support.people import SPEC, people, sealed

from genfoundry.data.policy import Watch
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.drift import change, measure_drift, of_tables
from genfoundry.kinds.table.storage import TableExamples


def test_every_column_is_measured_and_every_gap():
    found = of_tables(people(400), people(300, 1), SPEC, 0.05)
    assert [measure.name for measure in found] == [
        "ks_age", "tv_town", "ks_income", "missing_income", "tv_member", "missing_member", "ks_since", "missing_since",
        "tv_risk",
    ]  # fmt: skip
    assert all(0 <= measure.low <= measure.high <= 1 for measure in found)


@pytest.mark.parametrize(
    ("name", "shift", "moved"),
    [
        ("age", lambda table: table.assign(age=table["age"] + 15), {"ks_age"}),
        ("town", lambda table: table.assign(town="Paris"), {"tv_town"}),
        ("since", lambda table: table.assign(since=table["since"] + pd.Timedelta(days=400)), {"ks_since"}),
        ("gaps", lambda table: table.assign(income=table["income"].mask(np.arange(300) % 2 == 0)), {"missing_income"}),
        ("nothing", lambda table: table, set()),
    ],
)
def test_what_moved_exceeds_its_noise_and_nothing_else_does(name, shift, moved):
    found = of_tables(people(800), shift(people(300, 8)), SPEC, 0.05)
    assert {measure.name for measure in found if measure.exceeds} == moved


@pytest.mark.slow
def test_changes_of_no_consequence_count_as_drift_as_seldom_as_was_asked():
    """60 pairs of the same population at .05 a pair: 8 or more come with a probability below .02."""
    alarms = [
        any(m.exceeds for m in of_tables(people(300, n), people(150, 1000 + n), SPEC, 0.05, n)) for n in range(60)
    ]
    assert sum(alarms) < 8


def test_few_rows_have_no_measures():
    assert of_tables(people(400), people(7, 1), SPEC, 0.05) == ()


def test_rows_that_came_and_went_are_told_from_those_that_stayed():
    found = change(people(100), pd.concat([people(100)[10:], people(20, 5)]))
    assert (found.before, found.after, len(found.came), len(found.gone), len(found.stayed)) == (100, 110, 20, 10, 90)


def test_versions_are_compared_by_what_came_in(tmp_path):
    older = people(600, 1).assign(age=lambda table: table["age"] + 20)
    sealed(tmp_path / "old", TableExamples(people(600), "risk", "bad"))
    sealed(tmp_path / "new", TableExamples(pd.concat([people(600), older], ignore_index=True), "risk", "bad"))
    moved = {
        each.name
        for each in measure_drift(
            tmp_path / "old", tmp_path / "new", storage.spec_of(tmp_path / "old"), Watch()
        ).measures
        if each.exceeds
    }
    assert "ks_age" in moved
    gone = {
        each.name
        for each in measure_drift(
            tmp_path / "new", tmp_path / "old", storage.spec_of(tmp_path / "new"), Watch()
        ).measures
        if each.exceeds
    }
    assert "ks_age" in gone
