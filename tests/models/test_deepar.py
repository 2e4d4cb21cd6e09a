import math

import pytest
import torch
from support.contracts import SERIES_SPEC, batch_of, check_model, error_on_cycles

from genfoundry.errors import UserError
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.models.deepar import draw, fill, log_prob
from genfoundry.training.loader import build_model

WIDE = {"cell": "gru", "layers": 1, "scaling": "standard", "residual": True, "dropout": 0.2, "cycles": 1}


@pytest.mark.parametrize(
    "settings",
    [{}, {"likelihood": "student_t", **WIDE}, {"transform": "log", "lags": (2, 5)}, {"transform": "sqrt", **WIDE}],
)
def test_contract(tmp_path, settings):
    check_model("deepar", SERIES_SPEC, tmp_path, **settings)


@pytest.mark.parametrize("freq", ["YS", "MS", "D"])
def test_contract_at_other_frequencies(tmp_path, freq):
    check_model("deepar", SERIES_SPEC.model_copy(update={"freq": freq, "season": 1}), tmp_path, cycles=0)


def test_a_forecast_of_many_is_sampling_a_repeated_row():
    """Reading the past once and repeating the state gives what reading each repeated row gives."""
    model = build_model("deepar", SERIES_SPEC, {"likelihood": "student_t"}).eval()
    batch = batch_of(SERIES_SPEC, 3)
    many = model.forecast(batch, 4, torch.Generator().manual_seed(1))
    rows = model.sample(batch.repeat(4), torch.Generator().manual_seed(1))
    assert many.shape == (3, 4, SERIES_SPEC.horizon)
    torch.testing.assert_close(many.flatten(0, 1), rows)


def test_what_is_masked_is_never_read_nor_learnt_from():
    batch = batch_of(SERIES_SPEC, 6)
    batch.past_mask[:, 10:14] = 0
    batch.past_mask[:, -2:] = 0
    batch.future_mask[:, 1:3] = 0
    spoiled = batch.map(torch.clone)
    spoiled.past[batch.past_mask == 0] = 1e6
    spoiled.future[batch.future_mask == 0] = -1e6
    assert gradients(batch) == pytest.approx(gradients(spoiled))
    model = build_model("deepar", SERIES_SPEC, WIDE).eval()
    torch.testing.assert_close(
        model.sample(batch, torch.Generator().manual_seed(0)), model.sample(spoiled, torch.Generator().manual_seed(0))
    )


def gradients(batch):
    torch.manual_seed(0)
    model, found = build_model("deepar", SERIES_SPEC, {**WIDE, "dropout": 0.0}), []

    def update(name, loss, clip=None):
        loss.backward()
        found.extend(p.grad.norm().item() for p in model.parameters())

    model.training_step(batch, 0, update)
    return found


def test_a_window_without_any_observation_is_finite():
    batch = batch_of(SERIES_SPEC, 4).map(torch.clone)
    batch.past_mask.zero_()
    assert all(math.isfinite(norm) for norm in gradients(batch))
    assert torch.isfinite(build_model("deepar", SERIES_SPEC, WIDE).eval().sample(batch)).all()


@pytest.mark.parametrize("scaling", ["mean", "standard"])
def test_forecasts_keep_the_unit_of_the_data(scaling):
    """With the scale hidden from the network, ten times the past is ten times the future (section 3.3)."""
    model = build_model("deepar", SERIES_SPEC, {"scaling": scaling, "cycles": 0}).eval()
    scale_input = 1 + len(model.lags) + 1
    model.network.recurrent.weight_ih_l0.data[:, scale_input] = 0
    batch = batch_of(SERIES_SPEC, 5)
    larger = batch.map(torch.clone)
    larger.past.mul_(10)
    small, large = (model.sample(b, torch.Generator().manual_seed(3)) for b in (batch, larger))
    torch.testing.assert_close(large, 10 * small, rtol=1e-3, atol=1e-2)


def test_log_prob_agrees_with_torch():
    z, mean, deviation = torch.randn(3, 50)
    deviation = deviation.exp()
    freedom = 2 + torch.rand(50) * 9
    wanted = torch.distributions.StudentT(freedom, mean, deviation).log_prob(z)
    torch.testing.assert_close(log_prob(z, mean, deviation, freedom), wanted)
    infinite = torch.full_like(freedom, math.inf)
    torch.testing.assert_close(
        log_prob(z, mean, deviation, infinite), torch.distributions.Normal(mean, deviation).log_prob(z)
    )


@pytest.mark.parametrize(
    ("freedom", "at_90", "at_975"), [(3.0, 1.6377, 3.1824), (8.0, 1.3968, 2.3060), (math.inf, 1.2816, 1.9600)]
)
def test_draws_have_the_quantiles_of_the_tables(freedom, at_90, at_975):
    count = 400_000
    parts = (torch.full((count,), value) for value in (5.0, 2.0, freedom))
    standard = (draw(*parts, torch.Generator().manual_seed(0)) - 5) / 2
    found = torch.quantile(standard, torch.tensor([0.025, 0.1, 0.5, 0.9, 0.975]))
    torch.testing.assert_close(found, torch.tensor([-at_975, -at_90, 0.0, at_90, at_975]), rtol=0.01, atol=0.01)


def test_gaps_are_filled_with_the_last_seen_value():
    z, mask = torch.tensor([[9.0, 1.0, 8.0, 7.0, 2.0]]), torch.tensor([[0.0, 1.0, 0.0, 0.0, 1.0]])
    assert fill(z, mask).tolist() == [[0.0, 1.0, 1.0, 1.0, 2.0]]


def test_lags_follow_the_season_and_must_fit():
    assert build_model("deepar", SERIES_SPEC, {"lags": (2,), "seasons": 2}).lags == (2, 24, 25)  # 48 > 72 / 2
    assert build_model("deepar", SeriesSpec(freq="YS", season=1, context=8, horizon=2), {"seasons": 3}).lags == ()
    with pytest.raises(UserError, match="looks 80 steps back, but the dataset's context has 72"):
        build_model("deepar", SERIES_SPEC, {"lags": (80,)})


def test_it_learns_a_deterministic_cycle():
    spec = SeriesSpec(freq="h", season=8, context=24, horizon=8)
    torch.manual_seed(0)
    settings = {"layers": 1, "cell": "gru", "scaling": "standard", "cycles": 0, "learning_rate": 2e-2}
    model = build_model("deepar", spec, settings)
    assert error_on_cycles(model, spec, steps=120, futures=50) < 0.5
