import numpy as np
import pytest
from support.waves import PLAN, SPEC, Broken, Oracle, values, waves

from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.exhibit import Table
from genfoundry.judging import detectors
from genfoundry.model import Model
from genfoundry.tasks.anomaly.series import FAULTS, SIZES, beside_gaps, judge, plant, step_deviation, surprise
from genfoundry.tasks.forecasting.judge import rolling_origins

MORE = PLAN.model_copy(update={"origins": 20})
NAMES = ("auroc", "auprc", "tpr_at_fpr5", "false_positive_rate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return waves(tmp_path_factory.mktemp("project"))


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(detectors, "DRAWS", 50)


@pytest.fixture(scope="module")
def oracle():
    return Oracle(SPEC, Model.Config())


def test_a_forecaster_that_knows_finds_faults_beside_baselines(folder, oracle, tmp_path):
    found = judge(oracle, verify(folder), MORE, None, tmp_path)
    assert found.primary == "auroc_h6_o20"
    model, chance = values(found, "model"), values(found, "noise")
    assert [*model] == [f"{name}_{protocol}" for protocol in ("h6_o20", "gaps_h6_o20") for name in NAMES]
    assert model[found.primary].low > chance[found.primary].value == 0.5
    assert model[found.primary].value > 0.9  # three deviations of steps of a wave of ten, with unit noise
    assert {score.subject for score in found.scores} == {"model", "noise", "seasonal_naive", "isolation_forest", "knn"}
    assert all(score.low <= score.value <= score.high for score in found.scores)
    *windows, table = found.exhibits
    faults = [fault.replace("_", " ") for fault in FAULTS]
    assert isinstance(table, Table)
    assert table.columns == ("fault", "this model", "seasonal naive", "isolation forest", "nearest neighbours")
    assert [row[0] for row in table.rows] == faults
    assert int(str(table.rows[faults.index("noise burst")][1]).removesuffix("%")) > 50
    assert [window.caption.partition(", ")[2] for window in windows] == ["no fault", *faults]


def test_what_a_failing_recorder_leaves_beside_a_gap_is_found_among_windows_without_faults(folder, oracle, tmp_path):
    origins = rolling_origins(folder, SPEC, 20, oracle)
    gaps = beside_gaps(origins)
    assert [name for name, gap in zip(origins.names, gaps, strict=True) if gap] == ["a"] * 5 + ["b"] * 5
    sound = judge(oracle, verify(folder), MORE, None, tmp_path)
    failing = judge(oracle, verify(waves(tmp_path, fault=-9.0)), MORE, None, tmp_path)
    assert failing.protocol["windows with a real gap"] == 10
    before, after = (values(found, "model")["auroc_gaps_h6_o20"] for found in (sound, failing))
    assert before.low < after.low
    assert after.value > 0.75  # of the windows with the gap, some begin behind the fault


def test_few_gaps_make_no_score(folder, oracle, tmp_path):
    few = MORE.model_copy(update={"origins": 6})
    names = values(judge(oracle, verify(folder), few, None, tmp_path), "model")
    assert not any("gaps" in name for name in names)


def test_a_broken_model_scores_nan_and_its_baselines_do_not(folder, tmp_path):
    found = judge(Broken(SPEC, Model.Config()), verify(folder), MORE, None, tmp_path)
    assert np.isnan([score.value for score in values(found, "model").values()]).all()
    assert np.isfinite([score.value for score in values(found, "knn").values()]).all()


def test_faults_go_into_half_of_the_windows_of_each_kind_as_often(folder, oracle):
    clean = rolling_origins(folder, SPEC, 20, oracle)
    planted = plant(clean, 3)
    assert sum(planted.kind != "") == len(clean.real) // 2
    counts = [sum(planted.kind == fault) for fault in FAULTS]
    assert max(counts) - min(counts) <= 1
    changed = (np.nan_to_num(planted.origins.real[:, 0]) != np.nan_to_num(clean.real[:, 0])).any(1)
    assert (changed == (planted.kind != "")).all()
    np.testing.assert_array_equal(np.isnan(planted.origins.real), np.isnan(clean.real))  # what is missing stays so
    np.testing.assert_array_equal(plant(clean, 3).origins.real, planted.origins.real)
    assert (plant(clean, 4).kind != planted.kind).any()


def test_the_size_of_a_spike_is_in_the_units_of_the_series_steps(folder, oracle):
    clean = rolling_origins(folder, SPEC, 20, oracle)
    planted = plant(clean, 3)
    for row in np.flatnonzero(planted.kind == "spike"):
        off = np.abs(np.nan_to_num(planted.origins.real[row, 0] - clean.real[row, 0]))
        assert (off > 0).sum() == 1
        assert SIZES[0] <= off.max() / step_deviation(clean.known[row]) <= SIZES[1]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_fault_does(fault):
    rng, clean = np.random.default_rng(0), np.arange(8.0)
    for _ in range(20):
        off = FAULTS[fault](clean.copy(), -5.0, rng) - clean
        at = np.flatnonzero(off)
        assert np.array_equal(at, np.arange(at[0], at[-1] + 1))
        if fault == "spike":
            assert off[at].tolist() == [-5]
        if fault == "level_shift":
            assert at[0] <= 4
            assert set(off[at[0] :]) == {-5}
        if fault == "stuck_value":
            assert off[at].tolist() == [-1, -2, -3, -4]
        if fault == "noise_burst":
            assert len(at) == 4


def test_surprise_by_hand(folder, oracle):
    """Forecasts of deviation 10 around 0, the last value 0, and 20 came at every step, so that levels are off by two
    deviations, and so is the first step. Of the row with a gap neither the step into it nor the one out of it counts.
    """
    origins = rolling_origins(folder, SPEC, 1, oracle)
    real = origins.real.copy()
    real[:, 0] = 20.0
    real[0, 0, 3] = np.nan
    histories = [np.resize([1.0, 0.0], 50)] * 2
    origins = origins._replace(real=real, known=histories, histories=histories)
    samples = np.tile([[-10.0], [10.0]], (2, 1, 6))
    np.testing.assert_allclose(surprise(origins, samples), [4 + 4 / 4, 4 + 4 / 6])


def test_too_few_windows_are_told(folder, oracle):
    with pytest.raises(UserError, match="2 windows are too few for a fault of each kind"):
        plant(rolling_origins(folder, SPEC, 1, oracle), 0)
