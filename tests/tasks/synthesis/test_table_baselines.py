import numpy as np
import pytest
from support.customers import customers

from genfoundry.metrics.marginals import associations
from genfoundry.tasks.synthesis import adversarial_forest, baselines
from genfoundry.tasks.synthesis.tables import RealTable, is_sound, read


@pytest.fixture
def real(root) -> RealTable:
    dataset = customers(root)
    return read(dataset.folder, dataset.spec)


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_every_baseline_makes_rows_of_the_table_in_its_classes_shares(real, name):
    made = baselines.BASELINES[name](real, 3000, 1)
    assert made.shape == (3000, 7)
    assert is_sound(made, real.spec)
    for column in (real.target, [column.name for column in real.spec.columns].index("region")):
        shares = [np.bincount(side[:, column].astype(int)) / len(side) for side in (real.train, made)]
        np.testing.assert_allclose(*shares, atol=0.05)
    assert np.isnan(made).mean() == pytest.approx(np.isnan(real.train).mean(), abs=0.02)
    np.testing.assert_array_equal(made, baselines.BASELINES[name](real, 3000, 1))


def test_independent_columns_have_nothing_in_common_and_the_others_have(real):
    true = associations(real.train, real.coded)
    pairs = np.abs(true) > 0.3
    np.fill_diagonal(pairs, False)
    assert pairs.any()
    for name in baselines.BASELINES:
        found = np.abs(associations(baselines.BASELINES[name](real, 3000, 1), real.coded))[pairs].mean()
        kept = found / np.abs(true[pairs]).mean()
        assert kept < 0.15 if name == baselines.TRIVIAL else kept > 0.6, name


def test_smote_goes_between_rows_of_one_class(real):
    made = baselines.smote(real, 500, 1)
    ages, numbers = real.train[:, 1], ~real.coded
    assert (made[:, 1] == np.round(made[:, 1])).all()
    assert ages.min() <= made[:, 1].min() <= made[:, 1].max() <= ages.max()
    assert not {*map(tuple, made[:, numbers])} <= {*map(tuple, real.train[:, numbers])}


def test_smote_makes_rows_where_all_columns_are_of_one_sort_or_there_is_no_target(real):
    for keep in (real.coded, ~real.coded):
        columns = tuple(column for column, kept in zip(real.spec.columns, keep, strict=True) if kept)
        spec = real.spec.model_copy(update={"columns": columns, "target": "", "positive": ""})
        part = RealTable(real.train[:, keep], real.test[:, keep], spec)
        assert is_sound(baselines.smote(part, 200, 1), spec)


def test_a_forest_keeps_together_what_only_ever_comes_together():
    """Four clouds far apart, each with a category of its own: no row lies between them."""
    rng = np.random.default_rng(0)
    cloud = rng.integers(0, 4, 600)
    rows = np.column_stack([cloud * 10 + rng.standard_normal(600), -cloud * 10 + rng.standard_normal(600), cloud])
    made = adversarial_forest.sample(rows, 500, 0)
    assert (np.round(made[:, 0] / 10) == made[:, 2]).mean() > 0.98
    assert (np.round(-made[:, 1] / 10) == made[:, 2]).mean() > 0.98
    assert len(np.unique(made, axis=0)) > 400
    assert not (made[:, None] == rows).all(2).any(1).mean() > 0.2


def test_what_was_made_is_read_again_unless_the_rows_or_the_file_changed(real, monkeypatch):
    first = baselines.draws("smote", real, 100, 2, 0)
    assert [table.shape for table in first.tables] == [(100, 7)] * 2
    made = []
    monkeypatch.setitem(baselines.BASELINES, "smote", lambda *given: made.append(given) or np.zeros((200, 7)))
    np.testing.assert_array_equal(baselines.draws("smote", real, 100, 2, 0).tables, first.tables)
    assert not made
    baselines.draws("smote", real._replace(train=real.train[1:]), 100, 2, 0)
    assert len(made) == 1
    (kept,) = [path for path in baselines.state_dir("baselines").iterdir() if np.load(_body(path)).any()]
    kept.write_bytes(kept.read_bytes()[:-9])
    baselines.draws("smote", real, 100, 2, 0)
    assert len(made) == 2


def _body(path):
    import io

    return io.BytesIO(path.read_bytes()[32:])
