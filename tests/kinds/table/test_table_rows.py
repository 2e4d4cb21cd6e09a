import pandas as pd
import pytest
import torch
from support.people import SPEC, people, sealed

from genfoundry.kinds.table import rows, storage
from genfoundry.kinds.table.rows import open_split
from genfoundry.kinds.table.spec import Column, TableSpec


def test_a_split_gives_the_rows_that_are_asked_for(tmp_path):
    sealed(tmp_path)
    spec, frame = storage.spec_of(tmp_path), storage.read(tmp_path, "train")
    split = open_split(tmp_path, "train", spec)
    assert len(split) == len(frame)
    batch = split.batch(torch.tensor([5, 0, 5]))
    pd.testing.assert_frame_equal(rows.frame(batch, spec), frame.iloc[[5, 0, 5]].reset_index(drop=True))
    assert (batch.numbers.dtype, batch.codes.dtype) == (torch.float64, torch.int64)


def test_dates_are_days_and_booleans_codes(tmp_path):
    made = rows.encode(people(200), SPEC)
    frame = people(200)
    days = (frame["since"] - pd.Timestamp("1970-01-01")).dt.days
    torch.testing.assert_close(made.numbers[:, 2], torch.tensor(days.to_numpy(float)), equal_nan=True)
    assert made.codes[:, 1].tolist() == [-1 if pd.isna(cell) else int(cell) for cell in frame["member"]]


def test_a_moment_survives_to_the_microsecond():
    spec = TableSpec(columns=(Column(name="at", type="date"),))
    frame = pd.DataFrame({"at": pd.to_datetime(["2026-03-29T02:30:00.123457", "1969-12-31T23:59:59.999999"])})
    assert rows.frame(rows.encode(frame, spec), spec)["at"].tolist() == frame["at"].tolist()


def test_values_hold_the_cells_in_the_order_of_the_columns():
    batch = rows.encode(people(50), SPEC)
    made = rows.values(batch, SPEC)
    assert made.shape == (50, 6)
    assert made.dtype == torch.float64
    again = rows.from_values(made, SPEC)
    torch.testing.assert_close(again.numbers, batch.numbers, equal_nan=True)
    assert torch.equal(again.codes, batch.codes)
    pd.testing.assert_frame_equal(rows.to_frame(made, SPEC), rows.frame(batch, SPEC))


@pytest.mark.parametrize("only", ["age", "town"])
def test_a_table_of_one_sort_of_columns_works(only):
    spec = TableSpec(columns=tuple(column for column in SPEC.columns if column.name == only))
    batch = rows.encode(people(9), spec)
    assert len(batch) == 9
    pd.testing.assert_frame_equal(rows.to_frame(rows.values(batch, spec), spec), rows.frame(batch, spec))


def test_example_batches_keep_to_the_spec_and_to_the_seed():
    one, same, other = (rows.example_batch(SPEC, 500, seed) for seed in (3, 3, 4))
    assert torch.equal(one.codes, same.codes)
    assert not torch.equal(one.codes, other.codes)
    assert not one.numbers[:, 0].isnan().any()
    assert one.numbers[:, 1].isnan().any()
    assert (one.numbers[:, 0] == one.numbers[:, 0].round()).all()
    assert {*one.codes[:, 0].tolist()} == {0, 1, 2}
    assert {*one.codes[:, 1].tolist()} == {-1, 0, 1}
