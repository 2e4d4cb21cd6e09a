import numpy as np
import pandas as pd
import pytest
import torch
from support.waves import PLAN, SPEC, Broken, Oracle, values, waves

from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.exhibit import Bands, Lines
from genfoundry.judging.baselines import apart, auto_ets, ensembles, filled, noise, random_walk, seasonal_naive
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Model
from genfoundry.tasks.forecasting.judge import NUM_FUTURES, futures, judge, rolling_origins
from genfoundry.training.loader import build_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(root))  # AutoETS is fitted once for the module
        yield waves(root)


def test_a_model_that_knows_is_scored_beside_the_baselines(folder, tmp_path):
    found = judge(Oracle(SPEC, Model.Config()), verify(folder), PLAN, None, tmp_path / "out")
    assert found.primary == "scaled_crps_h6_o5"
    model, naive, ets, floor = (values(found, s) for s in ("model", "seasonal_naive", "auto_ets", "noise"))
    # E CRPS of the true N(μ, 1) is 1/√π; seasonal naive's error has twice the variance of the noise
    assert model["crps_h6_o5"].value == pytest.approx(1 / np.sqrt(np.pi), rel=0.15)
    assert model["crps_h6_o5"].high < naive["crps_h6_o5"].low < floor["crps_h6_o5"].low
    assert ets["crps_h6_o5"].value < floor["crps_h6_o5"].value
    assert model["coverage80_h6_o5"].value == pytest.approx(0.8, abs=0.12)
    assert model["miscoverage80_h6_o5"].value == pytest.approx(abs(model["coverage80_h6_o5"].value - 0.8))
    ratio = model["crps_h6_o5"].value / naive["crps_h6_o5"].value
    assert model["relative_crps_h6_o5"].value == pytest.approx(ratio)
    for metric in ("scaled_crps", "mase"):
        for other, theirs in (("seasonal_naive", naive), ("auto_ets", ets)):
            ratio = model[f"{metric}_h6_o5"].value / theirs[f"{metric}_h6_o5"].value
            assert model[f"{metric}_to_{other}_h6_o5"].value == pytest.approx(ratio)
    assert "scaled_crps_to_auto_ets_h6_o5" not in ets
    kept = found.details["windows/scaled_crps_h6_o5"]
    assert len(kept) == 10
    assert np.mean(kept) == pytest.approx(model["scaled_crps_h6_o5"].value, rel=1e-6)
    assert all(score.low <= score.value <= score.high for score in found.scores)
    (by_step,) = (each for each in found.exhibits if isinstance(each, Lines))
    assert [step for step, _ in by_step.lines["model"]] == [*range(1, SPEC.horizon + 1)]
    assert {*by_step.lines} == {"model", "seasonal_naive", "random_walk", "auto_ets"}
    assert found.protocol["windows"] == 10


def test_a_series_in_another_unit_decides_no_more_than_before(folder, tmp_path):
    """The same series in thousandths: every score without a scale, and every verdict, is what it was."""

    class Larger(Oracle):
        def sample(self, like, generator=None):
            return super().sample(like, generator) * torch.where(like.series[:, None] == 1, 1000.0, 1.0)

    (tmp_path / "larger").mkdir()
    other = waves(tmp_path / "larger", size={"b": 1000.0})
    one = judge(Oracle(SPEC, Model.Config()), verify(folder), PLAN, None, tmp_path / "out")
    two = judge(Larger(SPEC, Model.Config()), verify(other), PLAN, None, tmp_path / "out")
    for subject in ("model", "seasonal_naive", "noise"):
        for name, score in values(one, subject).items():
            if not name.startswith(("crps", "relative_crps")):
                again, near = (
                    values(two, subject)[name],
                    1e-2 if "auto_ets" in name else 1e-4,
                )  # its fit stops somewhere
                found = (again.value, again.low, again.high)
                assert found == pytest.approx((score.value, score.low, score.high), rel=near), name
    assert values(two, "model")["crps_h6_o5"].value > 100 * values(one, "model")["crps_h6_o5"].value


def test_a_series_that_never_moved_in_training_is_left_out_by_name(tmp_path, root):
    found = judge(Oracle(SPEC, Model.Config()), verify(waves(root, size={"b": 0.0})), PLAN, None, tmp_path / "out")
    assert np.isfinite(values(found, "model")["scaled_crps_h6_o5"].value)
    assert found.protocol["left out"] == "series that never moved in training: b"
    assert found.protocol["windows"] == 5
    with pytest.raises(UserError, match="No series ever moves"):
        judge(
            Oracle(SPEC, Model.Config()), verify(waves(root, size={"a": 0.0, "b": 0.0})), PLAN, None, tmp_path / "out"
        )


def test_the_gallery_is_what_the_report_draws(folder, tmp_path):
    found = judge(Oracle(SPEC, Model.Config()), verify(folder), PLAN, None, tmp_path / "out")
    shown = [each for each in found.exhibits if isinstance(each, Bands)]
    assert {each.caption for each in shown} == {"a", "b"}
    for each in shown:
        assert (len(each.past), len(each.observed), each.unit, each.freq) == (12, 6, "V", "4h")
        assert set(each.lines) == {"seasonal_naive", "auto_ets"}
        fan = np.array([each.quantiles[level] for level in ("0.025", "0.1", "0.5", "0.9", "0.975")])
        assert (np.diff(fan, axis=0) >= 0).all()
    level = {"a": 20, "b": 80}
    first = shown[0]
    hour = pd.Timestamp(first.start).hour
    wave = level[first.caption] + 10 * np.sin(2 * np.pi * (hour + 4 * np.arange(12)) / 24)
    assert np.abs(wave - [v if v is not None else w for v, w in zip(first.past, wave, strict=True)]).max() < 5


def test_the_same_seed_gives_the_same_judgement(folder, tmp_path):
    torch.manual_seed(0)
    model = build_model("deepar", SPEC, {"layers": 1, "hidden": 4})
    once, again = (judge(model, verify(folder), PLAN, None, tmp_path / name) for name in "xy")
    assert once == again


def test_a_broken_model_scores_nan_and_its_baselines_do_not(folder, tmp_path):
    found = judge(Broken(SPEC, Model.Config()), verify(folder), PLAN, None, tmp_path / "out")
    assert np.isnan(values(found, "model")["crps_h6_o5"].value)
    assert np.isfinite(values(found, "auto_ets")["crps_h6_o5"].value)


def test_origins_are_spread_over_the_test_split_and_see_no_future(folder):
    model = Oracle(SPEC, Model.Config())
    origins = rolling_origins(folder, SPEC, 4, model)
    assert origins.names == ["a"] * 4 + ["b"] * 4
    cuts = origins.stamps[:, -1] + np.timedelta64(4, "h")
    assert cuts[0] == np.datetime64("2020-01-28")
    assert cuts[3] == np.datetime64("2020-02-02")
    for row, history in enumerate(origins.histories):
        past = origins.batch.past[row].double().numpy()
        np.testing.assert_allclose(np.nan_to_num(history[-12:]), past, rtol=1e-6)
        assert len(history) == (cuts[row] - np.datetime64("2020-01-01")) / np.timedelta64(4, "h")
    assert {len(known) for known in origins.known} == {24 * 6}
    assert futures(model, origins.batch, 7, 0).shape == (8, 7, 6)


def test_seasonal_naive_repeats_the_last_season_and_widens():
    history = np.tile([1.0, 5.0, 3.0], 20) + np.random.default_rng(0).standard_normal(60)
    spec = SeriesSpec(freq="h", season=3, context=9, horizon=7)
    made = seasonal_naive(history, spec, 101)
    np.testing.assert_allclose(made[50], history[[-3, -2, -1, -3, -2, -1, -3]])
    spread = made[-1] - made[0]
    np.testing.assert_allclose(spread[[3, 6]] / spread[0], np.sqrt([2, 3]))


def test_the_random_walk_stays_where_it_is_and_is_seasonal_naive_of_one_step():
    history = np.random.default_rng(0).standard_normal(400).cumsum()
    spec = SeriesSpec(freq="h", season=24, context=9, horizon=4)
    made = random_walk(history, spec, 101)
    np.testing.assert_allclose(made[50], history[-1])
    np.testing.assert_allclose((made[-1] - made[0]) / (made[-1] - made[0])[0], np.sqrt([1, 2, 3, 4]))
    monthly = spec.model_copy(update={"season": 1})
    np.testing.assert_array_equal(made, seasonal_naive(history, monthly, 101))
    assert "random_walk" in apart(spec)
    assert "random_walk" not in apart(monthly)


def test_gaps_are_filled_from_the_season_before():
    history = np.array([1.0, 2.0, 3.0, np.nan, 5.0, np.nan, np.nan])
    assert filled(history, 2).tolist() == [1, 2, 3, 2, 5, 2, 5]
    assert filled(history, 1).tolist() == [1, 2, 3, 4, 5, 5, 5]


def test_noise_is_what_was_ever_seen():
    made = noise(np.array([1.0, np.nan, 3.0]), SeriesSpec(freq="h", season=1, context=2, horizon=4), 5)
    assert made.shape == (5, 4)
    assert made.min() >= 1
    assert made.max() <= 3


def test_auto_ets_survives_short_and_constant_histories():
    spec = SeriesSpec(freq="h", season=24, context=9, horizon=3)
    assert np.isfinite(auto_ets(np.arange(12.0) ** 1.1, spec, 9)).all()
    np.testing.assert_allclose(auto_ets(np.full(60, 7.0), spec, 9), 7, atol=0.1)


def test_auto_ets_is_kept_on_disk_by_what_it_was_made_from(root):
    spec = SeriesSpec(freq="h", season=1, context=9, horizon=3)
    history = np.random.default_rng(0).standard_normal(50).cumsum()
    first = ensembles("auto_ets", [history], spec, 11)
    (kept,) = (root / ".genfoundry" / "baselines").iterdir()
    np.save(kept, np.zeros_like(first))
    assert not ensembles("auto_ets", [history], spec, 11).any()
    assert ensembles("auto_ets", [history + 1], spec, 11).any()
    assert NUM_FUTURES >= 100
