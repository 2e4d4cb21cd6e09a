"""A user's CSV or Parquet as a table: nothing is guessed, nothing is lost, and what is bad is named by its row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.people import people, sealed

from genfoundry.data.before import Before
from genfoundry.data.quarantine import IntakeTally
from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kind import Request, Taken
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.division import in_test, row_digests
from genfoundry.kinds.table.take import Options, recognise
from genfoundry.kinds.table.user_file import take_table

HEADER = "age,town,income,member,since,risk"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path / "project"


def lines(rows: int = 300) -> list[str]:
    """The people as a CSV, line by line; line 0 is the header."""
    return people(rows).to_csv(index=False).splitlines()


def with_column(name: str, cells: list) -> list[str]:
    """The people and one column more."""
    return people(len(cells)).assign(**{name: cells}).to_csv(index=False).splitlines()


def taken(home: Path, rows: list[str], limit: float = 0.02, **options) -> tuple[Taken, IntakeTally]:
    path, tally = home / "people.csv", IntakeTally("people", limit, "rows")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = take_table(Request(path, Options(**options)), tally)
    assert tally.found["found"] == tally.found["used"] + tally.found["quarantined"] + tally.found["skipped"]
    assert tally.found["used"] == len(found.examples[0].frame)
    return found, tally


def warned(found: Taken) -> str:
    return found.card["policy"].get("warnings", "")


def refused(home: Path, rows: list[str], **options) -> UserError:
    with pytest.raises(UserError) as caught:
        taken(home, rows, **options)
    return caught.value


def kinds(found: Taken) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in found.examples[0].frame.dtypes.items()}


def test_every_type_of_column_is_told_from_its_cells(tmp_path):
    found, tally = taken(tmp_path, lines(), target="risk")
    assert kinds(found) == {
        "age": "float64", "town": "object", "income": "float64", "member": "boolean", "since": "datetime64[us]",
        "risk": "object",
    }  # fmt: skip
    assert sorted(row_digests(found.examples[0].frame)) == sorted(row_digests(people(300)))
    assert tally.found == {"found": 300, "used": 300, "quarantined": 0, "skipped": 0}
    assert not warned(found)


def test_parquet_says_the_same_as_csv(tmp_path):
    path = tmp_path / "people.parquet"
    people(300).assign(town=pd.Categorical(people(300)["town"])).to_parquet(path)
    found = take_table(Request(path, Options(target="risk")), IntakeTally("people", 0.01, "rows"))
    csv, _ = taken(tmp_path, lines(), target="risk")
    assert kinds(found) == kinds(csv)
    assert row_digests(found.examples[0].frame) == row_digests(csv.examples[0].frame)


@pytest.mark.parametrize(
    ("row", "reason", "sentence"),
    [
        ("44,Ulm", "RAGGED", "it has 2 cells, the header 6"),
        ("44,Ulm,1,True,2020-01-01,bad,,", "RAGGED", "it has 8 cells, the header 6"),
        (HEADER, "HEADER", "it repeats the header"),
        ("old,Ulm,1,True,2020-01-01,bad", "MIXED_TYPES", "'old' in column 'age' is no finite number"),
        ("44,Ulm,inf,True,2020-01-01,bad", "MIXED_TYPES", "'inf' in column 'income' is no finite number"),
        ("44,Ulm,1e999,True,2020-01-01,bad", "MIXED_TYPES", "'1e999' in column 'income' is no finite number"),
        ("44,Ulm,1,True,2020-02-30,bad", "MIXED_TYPES", "'2020-02-30' in column 'since' is no date"),
        ("44,Ulm,1,True,yesterday,bad", "MIXED_TYPES", "'yesterday' in column 'since' is no date"),
    ],
)
def test_a_bad_row_is_put_aside_by_its_number(tmp_path, row, reason, sentence):
    rows = lines()
    rows.insert(7, row)
    _, tally = taken(tmp_path, rows, target="risk")
    (item,) = tally.quarantined
    assert (item.path, item.reason) == ("row 8", reason)
    assert item.sentence.startswith(sentence)
    assert tally.found == {"found": 301, "used": 300, "quarantined": 1, "skipped": 0}


def test_more_bad_rows_than_allowed_are_refused(tmp_path):
    error = refused(tmp_path, [*lines(100), *["1,2"] * 4])
    assert "4 of 104 rows are bad (4 RAGGED)" in error.found


def test_a_row_without_a_target_is_skipped(tmp_path):
    rows = lines()
    rows[3] = rows[3].rpartition(",")[0] + ","
    _, tally = taken(tmp_path, rows, target="risk")
    assert [(item.path, item.reason) for item in tally.skipped] == [("row 4", "NO_TARGET")]


def test_a_zero_byte_is_named_by_its_row(tmp_path):
    rows = lines()
    rows[4] = rows[4].replace("U", "\0")
    rows[4] = rows[4] if "\0" in rows[4] else "\0" + rows[4]
    assert "row 5: holds a zero byte" in refused(tmp_path, rows).found


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (["12", "x7"] * 75 + ["12"] * 150, "Column 'extra' mixes text with numbers or dates: row 3: 'x7'"),
        (["1.234,5", "7,25"] * 150, "writes its numbers with commas"),
        (["1,234", "7,250,000"] * 150, "writes its numbers with commas"),
        (["01/02/2026", "13/02/2026"] * 150, "day and month can't be told apart"),
        (["2026-01-01T10:00Z", "2026-01-01T10:00"] * 150, "has a time zone in row 2"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(tmp_path, cells, sentence):
    assert sentence in refused(tmp_path, with_column("extra", cells)).found


def test_text_is_taken_where_it_is_asked_for(tmp_path):
    found, _ = taken(tmp_path, with_column("extra", ["12", "x7"] * 150), category=("extra", "age"))
    assert (kinds(found)["extra"], kinds(found)["age"]) == ("object", "object")


@pytest.mark.parametrize(
    ("cells", "kind", "note"),
    [
        (["01067", "89073"] * 150, "object", "begin with zeros"),
        ([str(2**53 + 1), str(2**53 + 3)] * 150, "object", "beyond 2^53"),
        (["NA", "DE", "FR"] * 100, "object", "'NA' is taken as a value there"),
        (["NA", "1", "2"] * 100, "float64", ""),
        (["true", "FALSE", ""] * 100, "boolean", ""),
        (["yes", "no"] * 150, "object", ""),
        (["2026-01-01T10:00+02:00", "2026-01-02T10:00+01:00"] * 150, "datetime64[us]", ""),
    ],
)
def test_what_cells_are_taken_for(tmp_path, cells, kind, note):
    found, _ = taken(tmp_path, with_column("extra", cells))
    assert kinds(found)["extra"] == kind
    assert (note in warned(found)) if note else not warned(found)


def test_large_whole_numbers_are_not_rounded(tmp_path):
    found, _ = taken(tmp_path, with_column("extra", [2**60 + 1, 2**60 + 2] * 150))
    assert {*found.examples[0].frame["extra"]} == {str(2**60 + 1), str(2**60 + 2)}
    path = tmp_path / "people.parquet"
    people(300).assign(extra=pd.array([2**60 + 1, None] * 150, dtype="Int64")).to_parquet(path)
    frame = take_table(Request(path, Options()), IntakeTally("people", 0.01, "rows")).examples[0].frame
    assert {*frame["extra"].dropna()} == {str(2**60 + 1)}


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("constant", ["x"] * 300, "it is 'x' in every row"),
        ("empty", [""] * 300, "all its cells are missing"),
        ("gone", ["NA"] * 300, "all its cells are missing"),
        ("name", [f"n{i}" for i in range(300)], "it names each row"),
        ("customer_id", list(range(1000, 4000, 10)), "it names each row"),
        ("customerId", list(range(1000, 4000, 10)), "it names each row"),
        ("whatever", list(range(300)), "it names each row"),
        ("code", [f"n{i % 200}" for i in range(300)], "it has 200 categories in 300 cells"),
    ],
)
def test_a_column_that_says_nothing_of_a_row_is_left_out(tmp_path, name, cells, why):
    found, _ = taken(tmp_path, with_column(name, cells), target="risk")
    assert name not in kinds(found)
    warning = warned(found)
    assert warning.startswith(f"Column '{name}' is left out: {why}")
    assert "1 left out" in found.card["policy"]["columns"]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("amount", np.random.default_rng(0).permutation(30_000)[:300].tolist()),
        ("once", ["x", ""] * 150),
        ("paid", (np.arange(300) / 7).tolist()),
    ],
)
def test_a_column_that_says_something_stays(tmp_path, name, cells):
    found, _ = taken(tmp_path, with_column(name, cells))
    assert name in kinds(found)


def test_columns_are_kept_or_ignored_as_asked(tmp_path):
    rows = with_column("name", [f"n{i}" for i in range(300)])
    found, _ = taken(tmp_path, rows, keep=("name",), ignore=("age", "town"))
    assert list(kinds(found)) == ["income", "member", "since", "risk", "name"]


def test_declared_words_are_missing(tmp_path):
    found, _ = taken(tmp_path, with_column("extra", ["-9999", "1.5", "2.5"] * 100), na=("-9999", "Ulm"))
    frame = found.examples[0].frame
    assert frame["extra"].isna().sum() == 100
    assert frame["town"].isna().sum() == (people(300)["town"] == "Ulm").sum()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": "rsik"}, "--target 'rsik': there is no such column; did you mean 'risk'?"),
        ({"ignore": ("towns",)}, "--ignore 'towns': there is no such column; did you mean 'town'?"),
        ({"target": "risk", "ignore": ("risk",)}, "--target 'risk' is in --ignore"),
        ({"positive": "bad"}, "--positive 'bad' without --target"),
        ({"target": "risk", "positive": "worse"}, "--positive 'worse' is no class"),
        ({"target": "income"}, "The target 'income' has"),
        ({"target": "since"}, "The target 'since' has"),
    ],
)
def test_a_target_that_can_t_be_one_is_refused(tmp_path, options, sentence):
    assert refused(tmp_path, lines(), **options).found.startswith(sentence)


def test_a_target_with_one_class_is_refused(tmp_path):
    assert "has only 'x'" in refused(tmp_path, with_column("only", ["x"] * 300), target="only").found
    assert "has no value at all" in refused(tmp_path, with_column("only", [""] * 300), target="only").found


def test_whole_numbers_may_be_classes(tmp_path):
    found, _ = taken(tmp_path, with_column("label", [0, 1, 1] * 100), target="label", positive="0")
    assert {*found.examples[0].frame["label"]} == {"0", "1"}


@pytest.mark.parametrize(
    "disguise",
    [
        lambda risk: (risk == "bad").astype(int) + np.random.default_rng(0).random(len(risk)) / 2,
        lambda risk: -(risk == "bad").astype(int) * 3 + np.random.default_rng(0).random(len(risk)) / 2,
        lambda risk: risk.map({"bad": "declined", "good": "paid"}),
        lambda risk: np.where(risk == "bad", np.nan, np.random.default_rng(0).random(len(risk))),
    ],
)
def test_the_target_in_disguise_is_told(tmp_path, disguise):
    found, _ = taken(tmp_path, with_column("after", list(disguise(people(300)["risk"]))), target="risk")
    assert "Column 'after' alone tells 'risk' with an AUROC of 1.000" in warned(found)


def test_few_rows_are_told(tmp_path):
    found, _ = taken(tmp_path, lines(40), target="risk")
    assert "40 rows are few for 6 columns." in warned(found)
    assert re.search(r"Only \d+ rows are of the class", warned(found))


def test_rows_that_come_twice_are_kept_on_one_side(tmp_path):
    rows = lines()
    found, _ = taken(tmp_path, [*rows, *rows[1:101]], target="risk")
    frame = found.examples[0].frame
    again = int(frame.duplicated().sum())
    assert again >= 100
    assert found.card["policy"]["duplicates"].startswith(f"{again} rows repeat another")
    assert (pd.Series(in_test(frame, 0.2)).groupby(row_digests(frame)).nunique() == 1).all()


def test_what_a_version_before_trained_on_stays_in_training(tmp_path):
    before = tmp_path / "before"
    sealed(before, storage.TableExamples(people(500).head(400), "risk", "bad", test_fraction=0.2))
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines(500)) + "\n", encoding="utf-8")
    request = Request(path, Options(target="risk", test_fraction=0.5), Before(read_card(before), before))
    found = take_table(request, IntakeTally("people", 0.01, "rows"))
    sealed(tmp_path / "after", found.examples[0])
    trained = {*row_digests(storage.read(before, "train"))}
    assert not trained & {*row_digests(storage.read(tmp_path / "after", "test"))}
    assert "what the version before trained on is in training" in found.card["policy"]["split"]


def test_a_taken_table_can_be_written(tmp_path):
    found, _ = taken(tmp_path, lines(), target="risk")
    sealed(tmp_path / "people", found.examples[0])
    assert read_card(tmp_path / "people").spec.target == "risk"


def test_what_is_a_table_and_what_is_not(tmp_path):
    table, series = tmp_path / "table.csv", tmp_path / "series.csv"
    table.write_text("\n".join(lines()), encoding="utf-8")
    series.write_text("unique_id,ds,y\na,2026-01-01,1\n", encoding="utf-8")
    people(9).to_parquet(tmp_path / "table.parquet")
    assert recognise(table) == "it is a file of 6 columns, none of them unique_id, ds or y"
    assert recognise(tmp_path / "table.parquet") == "it is a file of 6 columns, none of them unique_id, ds or y"
    assert recognise(series) is None
    assert recognise(tmp_path) is None
    (tmp_path / "image.csv").write_bytes(b"\x89PNG....")
    with pytest.raises(UserError, match="one image"):
        recognise(tmp_path / "image.csv")
