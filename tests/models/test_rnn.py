import pytest
import torch
from support.contracts import SERIES_SPEC, batch_of, check_model

from genfoundry.training.loader import build_model


@pytest.mark.parametrize(
    "settings", [{}, {"forking": False, "layers": 2, "dropout": 0.2, "encoder_steps": 20}, {"transform": "log"}]
)
def test_contract(tmp_path, settings):
    check_model("rnn", SERIES_SPEC, tmp_path, **settings)


@pytest.mark.parametrize("freq", ["YS", "MS", "D"])
def test_contract_at_other_frequencies(tmp_path, freq):
    check_model("rnn", SERIES_SPEC.model_copy(update={"freq": freq, "season": 1}), tmp_path, cycles=0)


def test_every_step_that_is_read_forecasts_what_follows_it():
    """Forking sequences, section 3.3: the last of them forecasts the future itself."""
    spec, steps = SERIES_SPEC, 10
    model = build_model("rnn", spec, {"encoder_steps": steps})
    past, future = torch.arange(spec.context)[None], torch.arange(spec.context, spec.context + spec.horizon)[None]
    ahead = model._ahead(past, future)
    assert ahead.shape == (1, steps, spec.horizon)
    assert ahead[0, 0].tolist() == [*range(spec.context - steps + 1, spec.context - steps + 1 + spec.horizon)]
    assert ahead[0, -1].tolist() == future[0].tolist()
    pair = (torch.rand(2, spec.context, 4), torch.rand(2, spec.horizon, 4))
    torch.testing.assert_close(model._ahead(*pair)[:, -1], pair[1])


def test_the_fork_at_the_last_step_is_the_forecast():
    model = build_model("rnn", SERIES_SPEC, {"residual": True}).eval()
    batch = batch_of(SERIES_SPEC, 3)
    past = model.scale(batch)
    state = model.network.encode(*model._read(past, batch))
    time = model._ahead(batch.past_time, batch.future_time)
    torch.testing.assert_close(model._emit(state, time, past.z)[:, -1], model.quantiles(past, batch))
