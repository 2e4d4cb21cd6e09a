import numpy as np
import pytest

from genfoundry.metrics.record_copies import NEAR, RecordCopies, Records, rates
from genfoundry.statistics.interval import wilson

CODED = np.array([False] * 3 + [True])


def table(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.standard_normal((count, 3)), rng.integers(0, 4, count)])


TRAIN, HELD_OUT = table(2000, 0), table(500, 1)


def found(rows: np.ndarray, train: np.ndarray = TRAIN, held_out: np.ndarray = HELD_OUT):
    return rates(Records(train, held_out, CODED).copies(rows), len(train), len(held_out))


def test_new_rows_are_no_copies_and_old_ones_are():
    new, old = found(table(2000, 2)), found(TRAIN[::-1])
    assert new["near_copy_rate"].low <= 0 < new["near_copy_rate"].high
    assert new["exact_copy_rate"] == wilson(0, 2000)
    assert old["exact_copy_rate"].value == 1
    assert old["near_copy_rate"].low > 0.9


def test_ten_planted_copies_among_a_thousand_are_found_though_many_are_near_by_chance():
    rows = table(1000, 2)
    rows[:10] = TRAIN[:10]
    assert found(rows)["near_copy_rate"].value == pytest.approx(0.01)
    assert found(rows)["near_copy_rate"].low > 0.005
    assert found(table(1000, 2))["near_copy_rate"].low <= 0


def test_a_copy_is_near_within_a_quarter_of_the_way_to_the_next_row():
    far = np.arange(100.0)[:, None] * [0.01, 0, 0]
    real = np.hstack([far, np.zeros((100, 1))])
    held_out = real + np.array([1e3, 0, 0, 0])
    for share, near in ((0.9 * NEAR, 1.0), (1.1 * NEAR, 0.0)):
        records = Records(real, held_out, CODED)
        assert records.copies(real + np.array([share * 0.01, 0, 0, 0])).train.near[:-1].mean() == near


def test_another_category_or_an_empty_cell_makes_another_row():
    other, empty = TRAIN.copy(), TRAIN.copy()
    other[:, 3] = (other[:, 3] + 1) % 4
    empty[:, 0] = np.nan
    for rows in (other, empty):
        assert not Records(TRAIN, HELD_OUT, CODED).copies(rows).exact.any()
    records = Records(empty, HELD_OUT, CODED)
    assert records.copies(empty).exact.all()


def test_what_two_training_rows_share_is_nobodys_own():
    twins = np.concatenate([TRAIN, TRAIN])
    copies = Records(twins, HELD_OUT, CODED).copies(TRAIN)
    assert copies.exact.all()
    assert not copies.train.near.any()
    assert not copies.train.equal.any()


def test_in_a_full_table_new_rows_are_old_ones_and_held_out_rows_explain_it():
    """Whoever draws from all possible rows meets four training rows for each held-out one."""
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*[np.arange(10.0)] * 3, np.arange(3.0))], 1)
    grid = np.random.default_rng(0).permutation(grid)
    train, held_out = grid[:2400], grid[2400:]
    drawn = grid[np.random.default_rng(1).integers(0, 3000, 4000)]
    fair, leaking = found(drawn, train, held_out), found(train, train, held_out)
    assert fair["exact_copy_rate"].value == pytest.approx(0.8, abs=0.02)
    assert fair["near_copy_rate"].low < 0 < fair["near_copy_rate"].high
    assert leaking["near_copy_rate"].value == 1


def test_the_metric_gives_the_same_numbers_part_by_part():
    rows = np.concatenate([TRAIN[:5], table(95, 3)])
    scored = RecordCopies.score(TRAIN, rows, HELD_OUT, CODED)
    assert scored == {name: estimate.value for name, estimate in found(rows).items()}
    assert scored["exact_copy_rate"] == 0.05
