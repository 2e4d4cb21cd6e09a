import pytest
import torch
from support.contracts import SERIES_SPEC, batch_of, check_model

from genfoundry.errors import UserError
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.training.loader import build_model

SMALL = {"width": 16, "heads": 4, "feedforward": 32, "layers": 1}


@pytest.mark.parametrize("settings", [{}, {**SMALL, "residual": True, "transform": "sqrt"}])
def test_contract(tmp_path, settings):
    check_model("patch_transformer", SERIES_SPEC, tmp_path, **settings)


def test_so_many_patches_as_the_paper_counts():
    """L = 336, patches of 16 steps, stride 8: 42 tokens (section 4.1)."""
    spec = SeriesSpec(freq="h", season=24, context=336, horizon=96)
    assert build_model("patch_transformer", spec, SMALL).network.position.shape[0] == 42


def test_each_series_is_read_alone():
    """Channel independence (section 3.1): the number of the series changes nothing."""
    model = build_model("patch_transformer", SERIES_SPEC, SMALL).eval()
    batch = batch_of(SERIES_SPEC, 3)
    other = batch.map(torch.clone)
    other.series.zero_()
    first, second = (model.sample(b, torch.Generator().manual_seed(0)) for b in (batch, other))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"patch": 80}, "model.patch has 80 steps, but the dataset's context has 72"), ({"heads": 3}, "no multiple of")],
)
def test_sizes_that_do_not_fit_are_told(settings, sentence):
    with pytest.raises(UserError, match=sentence):
        build_model("patch_transformer", SERIES_SPEC, settings)
