"""What Great Expectations is asked of a table: a sound one passes, and each damage fails its own check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from support.people import people, sealed

from genfoundry import dataset
from genfoundry.data.policy import Validation
from genfoundry.dataset import read_card
from genfoundry.kinds.table import storage, suite
from genfoundry.records import Check
from genfoundry.stages.validate import _context, _judge

POLICY = Validation(max_bad_fraction=0.3)
Change = Callable[[dict[str, pa.Table]], dict[str, pa.Table]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sealed(tmp_path / "people")
    return tmp_path / "people"


def checks(folder: Path, policy: Validation = POLICY) -> dict[str, Check]:
    """Every check of the folder as it is, by its name."""
    card = read_card(folder)
    tables = suite.tables(folder, storage.spec_of(folder), card, policy)
    context = _context()
    return {check.name: check for n, table in enumerate(tables) for check, _ in _judge(context, table, n)}


def failed(folder: Path, policy: Validation = POLICY) -> dict[str, str]:
    return {name: check.sentence for name, check in checks(folder, policy).items() if not check.passed}


def rewritten(folder: Path, split: str, change: Callable[[pa.Table], pa.Table]) -> None:
    path = storage.path_of(folder, split)
    parquet.write_table(change(parquet.read_table(path)), path)


def with_cells(name: str, cells: Callable[[pa.ChunkedArray], object]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index(name), name, pa.chunked_array([cells(table[name])]))

    return change


def test_a_sound_table_passes_every_check(folder):
    found = checks(folder)
    assert len(found) == 18
    assert all(check.passed for check in found.values()), failed(folder)


@pytest.mark.parametrize(
    ("name", "cells", "check", "sentence"),
    [
        (
            "age",
            lambda c: c.cast(pa.float32()).combine_chunks(),
            "columns: types",
            "'age' in train is float, double on",
        ),
        ("town", lambda c: pa.array(["Paris"] * len(c)).dictionary_encode(), "columns: levels", "'town' in train (1)"),
        ("income", lambda c: pa.array([float("inf")] * len(c)), "columns: finite", "'income' in train (3"),
        ("age", lambda c: pa.array([0.5, *c.to_pylist()[1:]]), "columns: whole", "'age' in train (1)"),
        ("age", lambda c: pa.array([None, *c.to_pylist()[1:]], pa.float64()), "columns: gaps", "'age' in train (1)"),
        ("income", lambda c: pa.nulls(len(c), pa.float64()), "no column is empty", "'income' in train"),
        ("age", lambda c: pa.array([7.0] * len(c)), "no column is constant", "'age' in train"),
    ],
)
def test_a_damaged_column_is_named(folder, name, cells, check, sentence):
    rewritten(folder, "train", with_cells(name, cells))
    assert sentence in failed(folder)[check]


def test_rows_without_a_target_and_targets_of_one_class_are_told(folder):
    levels = storage.spec_of(folder).classes
    rewritten(folder, "test", with_cells("risk", lambda c: pa.array([None, *c.to_pylist()[1:]]).dictionary_encode()))
    assert "1 in test" in failed(folder)["target filled in"]
    rewritten(folder, "test", with_cells("risk", lambda c: pa.array([levels[0]] * len(c)).dictionary_encode()))
    found = failed(folder)
    assert "test" in found["target: classes"]
    assert "test" in found["target: every class"]


def test_rows_that_are_in_both_splits_are_told(folder):
    train = parquet.read_table(storage.path_of(folder, "train"))
    rewritten(folder, "test", lambda table: pa.concat_tables([table, train.slice(0, 3)], promote_options="default"))
    sentence = failed(folder)["no row is in both splits"]
    rows = read_card(folder).counts["test"]
    assert sentence.startswith(f"3 of {rows + 3} test rows are in training, too")
    assert f"row {rows + 1} of test" in sentence


def test_counts_other_than_on_the_card_are_told(folder):
    rewritten(folder, "train", lambda table: table.slice(1))
    assert "train has" in failed(folder)["splits: rows"]


def test_policy_decides_on_gaps_imbalance_and_rows(folder):
    found = failed(folder, Validation(max_bad_fraction=0.01, max_class_imbalance=1.1, min_rows=100_000))
    assert {*found} == {"columns are filled", "target: balance", "splits: enough rows"}
    assert "'income' in train (" in found["columns are filled"]


def test_a_target_in_disguise_is_a_warning(tmp_path):
    frame = people().assign(after=lambda table: (table["risk"] == "bad") + np.arange(400) / 1e4)
    sealed(tmp_path / "people", storage.TableExamples(frame, "risk", "bad"))
    check = checks(tmp_path / "people")["target in disguise"]
    assert (check.passed, check.severity) == (False, "warning")
    assert "'after' (AUROC 1.000)" in check.sentence


def test_a_table_without_a_target_has_no_checks_of_one(tmp_path):
    sealed(tmp_path / "people", storage.TableExamples(people()))
    found = checks(tmp_path / "people")
    assert not [name for name in found if name.startswith("target") and name != "target in disguise"]
    assert all(check.passed for check in found.values())


def test_names_from_the_data_stay_out_of_the_rules(tmp_path):
    frame = people().rename(columns={"age": "{age}'; --\x1b<b>"})
    sealed(tmp_path / "people", storage.TableExamples(frame.assign(**{"{x}": np.nan, "y": 1.0}), "risk", "bad"))
    found = failed(tmp_path / "people")
    assert found["no column is empty"] == "All cells are missing: '{x}' in train, '{x}' in test."
    dataset.verify(tmp_path / "people")
    assert isinstance(storage.read(tmp_path / "people", "test"), pd.DataFrame)
