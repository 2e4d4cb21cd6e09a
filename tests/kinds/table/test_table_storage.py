import numpy as np
import pandas as pd
import pytest
from support.people import CARD, people, sealed

from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.division import in_test, row_digests
from genfoundry.kinds.table.storage import TableExamples


def written(folder, frame, **options):
    return storage.write(folder, [TableExamples(frame, **options)], CARD)


def test_what_is_written_comes_back_cell_by_cell(tmp_path):
    sealed(tmp_path)
    back = pd.concat([storage.read(tmp_path, split) for split in storage.SPLITS])
    assert [str(kind) for kind in back.dtypes] == [
        "float64",
        "category",
        "float64",
        "boolean",
        "datetime64[us]",
        "category",
    ]
    assert sorted(row_digests(back)) == sorted(row_digests(people()))


def test_levels_are_those_of_training_by_frequency_then_name():
    cells = pd.Series([*"zyzyxxxx", "w"], dtype=object)
    assert storage._column("a", cells, np.arange(9) < 8).levels == ("x", "y", "z")


def test_the_spec_says_what_is_whole_and_what_misses(tmp_path):
    spec = read_card((sealed(tmp_path), tmp_path)[1]).spec
    said = {column.name: (column.type, column.whole, column.missing) for column in spec.columns}
    assert said == {
        "age": ("numeric", True, False), "town": ("categorical", False, False), "income": ("numeric", False, True),
        "member": ("boolean", False, True), "since": ("date", True, True), "risk": ("categorical", False, False),
    }  # fmt: skip


def test_the_same_rows_make_the_same_bytes(tmp_path):
    one, two = sealed(tmp_path / "one" / "people"), sealed(tmp_path / "two" / "people")
    assert one.digest == two.digest


def test_a_row_keeps_its_side_whatever_else_is_in_the_file():
    frame = people(600)
    few = dict(zip(row_digests(frame[:300]), in_test(frame[:300], 0.2), strict=True))
    all_of_them = dict(zip(row_digests(frame), in_test(frame, 0.2), strict=True))
    assert all(all_of_them[digest] == side for digest, side in few.items())
    shuffled = frame.sample(frac=1, random_state=0)[sorted(frame.columns)]
    assert dict(zip(row_digests(shuffled), in_test(shuffled, 0.2), strict=True)) == all_of_them


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_the_share_of_test_rows_is_as_asked(fraction):
    drawn = in_test(people(4000), fraction)
    assert abs(drawn.mean() - fraction) < 4 * np.sqrt(fraction * (1 - fraction) / 4000)


def test_equal_rows_are_on_one_side_and_other_rows_have_other_digests():
    frame = people(200)
    twice = pd.concat([frame, frame.sample(frac=1, random_state=1)])
    sides = pd.Series(in_test(twice, 0.3)).groupby(row_digests(twice)).nunique()
    assert (sides == 1).all()
    assert len({*row_digests(frame)}) == len(frame.drop_duplicates())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": ["x", ""]})),
        (pd.DataFrame({"a": ["1:x"], "b": [""]}), pd.DataFrame({"a": ["1"], "b": ["x"]})),
        (pd.DataFrame({"a": [0.1 + 0.2]}), pd.DataFrame({"a": [0.3]})),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})),
    ],
)
def test_any_difference_changes_a_digest(one, other):
    assert row_digests(one)[-1] != row_digests(other)[-1]


def test_zero_and_minus_zero_are_one_value():
    assert len({*row_digests(pd.DataFrame({"a": [0.0, -0.0]}))}) == 1


def test_a_category_that_only_test_rows_would_have_stays_in_training():
    frame = people(300).assign(rare=[f"r{i}" for i in range(300)])
    assert not in_test(frame, 0.5).any()
    frame = people(300).assign(rare=["usual"] * 299 + ["once"])
    assert not in_test(frame, 0.999)[-1]


def test_rows_that_were_trained_on_stay_in_training():
    frame = people(300)
    drawn = in_test(frame, 0.3)
    kept = frozenset(row_digests(frame[drawn])[:5])
    assert in_test(frame, 0.3, kept).sum() == drawn.sum() - 5


def test_the_rarest_class_is_the_positive_one(tmp_path):
    spec, _ = written(tmp_path, people(), target="risk")
    shares = storage.from_frame(people(), spec)
    assert spec.positive == spec.classes[int(np.bincount(shares.codes[:, 2]).argmin())]


def test_a_boolean_may_be_the_target(tmp_path):
    spec, _ = written(tmp_path, people().dropna(), target="member", positive="True")
    assert (spec.classes, spec.positive) == (("False", "True"), "True")


@pytest.mark.parametrize(
    ("frame", "options", "sentence"),
    [
        (people(400).assign(big=2**53 + 1), {}, r"beyond 2\^53"),
        (people(6), {"test_fraction": 1e-9}, "no row is in test"),
        (people(400).assign(risk="good"), {"target": "risk"}, "fewer than two classes in train and in test"),
    ],
)
def test_what_can_t_be_kept_is_refused(tmp_path, frame, options, sentence):
    with pytest.raises(UserError, match=sentence):
        written(tmp_path, frame, **options)


def test_an_unknown_category_is_missing_and_an_unknown_column_is_refused(tmp_path):
    sealed(tmp_path)
    spec = storage.spec_of(tmp_path)
    frame = people(3).assign(town=["Ulm", "Paris", None])
    assert storage.from_frame(frame, spec).codes[:, 0].tolist() == [spec.columns[1].levels.index("Ulm"), -1, -1]
    with pytest.raises(UserError, match="no column 'age'"):
        storage.from_frame(frame.drop(columns="age"), spec)


def test_a_damaged_file_is_named(tmp_path):
    sealed(tmp_path)
    path = storage.path_of(tmp_path, "train")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"train\.parquet does not parse"):
        storage.read(tmp_path, "train")
