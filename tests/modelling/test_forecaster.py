import math

import pytest
import torch
from support.contracts import SERIES_SPEC, batch_of, error_on_cycles

from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.modelling.forecaster import ascending, interpolate, pinball
from genfoundry.training.loader import build_model

DIRECT = {
    "rnn": {"hidden": 32, "learning_rate": 1e-2},
    "patch_transformer": {"width": 16, "heads": 4, "feedforward": 32, "layers": 1, "patch": 8, "learning_rate": 1e-2},
}


def test_the_pinball_loss_by_hand():
    """Level .9: a miss of 2 upwards costs 1.8, one downwards .2; what is masked costs nothing."""
    levels, mask = torch.tensor([0.9]), torch.tensor([1.0, 1.0, 0.0])
    loss = pinball(torch.zeros(3, 1), torch.tensor([2.0, -2.0, 99.0]), mask, levels)
    assert loss.item() == pytest.approx((1.8 + 0.2) / 2)


def test_the_pinball_loss_is_least_at_the_quantile():
    truth, levels = torch.randn(20_001, generator=torch.Generator().manual_seed(0)), torch.tensor([0.8])
    places = torch.linspace(0, 2, 201)
    losses = [pinball(place.expand(len(truth), 1), truth, torch.ones_like(truth), levels) for place in places]
    assert places[torch.stack(losses).argmin()].item() == pytest.approx(0.8416, abs=0.04)


def test_quantiles_are_read_along_straight_lines():
    quantiles, levels = torch.tensor([[[0.0, 1.0, 4.0], [0.0, 10.0, 40.0]]]), torch.tensor([0.2, 0.4, 0.8])
    found = interpolate(quantiles, levels, torch.tensor([[0.1, 0.2, 0.3, 0.6, 0.9]]))
    torch.testing.assert_close(found[0, :, 0], torch.tensor([-0.5, 0.0, 0.5, 2.5, 4.75]))
    torch.testing.assert_close(found[..., 1], 10 * found[..., 0])


def test_quantiles_do_not_cross_whatever_is_emitted():
    quantiles = ascending(10 * torch.randn(100, 7, generator=torch.Generator().manual_seed(0)))
    assert (quantiles.diff(dim=-1) >= 0).all()
    emitted = torch.tensor([[0.0, 5.0, 0.0]])
    step = math.log(2)
    torch.testing.assert_close(ascending(emitted), torch.tensor([[5 - step, 5.0, 5 + step]]))


@pytest.mark.parametrize("family", DIRECT)
def test_a_shift_and_rescaling_of_the_past_is_one_of_the_forecast(family):
    model = build_model(family, SERIES_SPEC, DIRECT[family]).eval()
    batch = batch_of(SERIES_SPEC, 5)
    moved = batch.map(torch.clone)
    moved.past.mul_(3).add_(200)
    first, second = (model.forecast(b, 4, torch.Generator().manual_seed(3)) for b in (batch, moved))
    torch.testing.assert_close(second, 3 * first + 200, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("family", DIRECT)
def test_paths_of_one_forecast_never_cross(family):
    paths = build_model(family, SERIES_SPEC, DIRECT[family]).eval().forecast(batch_of(SERIES_SPEC, 3), 20)
    ranked = paths.gather(1, paths[..., :1].argsort(1).expand_as(paths))
    assert (ranked.diff(dim=1) >= 0).all()


@pytest.mark.parametrize("family", DIRECT)
def test_what_is_masked_is_never_read_nor_learnt_from(family):
    batch = batch_of(SERIES_SPEC, 6)
    batch.past_mask[:, 10:14] = 0
    batch.past_mask[:, -2:] = 0
    batch.future_mask[:, 1:3] = 0
    spoiled = batch.map(torch.clone)
    spoiled.past[batch.past_mask == 0] = 1e6
    spoiled.future[batch.future_mask == 0] = -1e6
    model, found = build_model(family, SERIES_SPEC, DIRECT[family]).eval(), []
    for rows in (batch, spoiled):
        model.training_step(rows, 0, lambda name, loss, clip=None: found.append(loss.item()))
    assert found[0] == pytest.approx(found[1])
    batch.past_mask.zero_()
    assert torch.isfinite(model.sample(batch)).all()


@pytest.mark.parametrize("family", DIRECT)
def test_it_learns_a_deterministic_cycle(family):
    spec = SeriesSpec(freq="h", season=8, context=24, horizon=8)
    torch.manual_seed(0)
    model = build_model(family, spec, DIRECT[family])
    assert error_on_cycles(model, spec, steps=150, futures=101) < 0.35


def test_levels_must_ascend():
    with pytest.raises(ValueError, match="ascending"):
        build_model("rnn", SERIES_SPEC, {"levels": (0.5, 0.1, 0.9)})
