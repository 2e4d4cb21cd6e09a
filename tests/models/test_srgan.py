import pytest
import torch
from contracts import IMAGE_SPECS, check_model

from genfoundry.errors import UserError
from genfoundry.loader import build_model
from genfoundry.models.srgan import SubPixel
from genfoundry.resampling import tiled


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, scale, tmp_path):
    check_model("srgan", spec, tmp_path, scale=scale, pixel_steps=0, blocks=1, width=8)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_large_image_is_enlarged_in_tiles_without_seams(scale):
    model = build_model("srgan", IMAGE_SPECS[1], {"scale": scale, "blocks": 2, "width": 8}).eval()
    for parameter in model.generator.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    low = torch.rand(1, 3, 50, 70) * 2 - 1
    with torch.no_grad():
        whole, parts = model.generator(low), tiled(model.generator, low, scale, model.generator.reach, side=16)
        short = tiled(model.generator, low, scale, 1, side=16)
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)
    assert (short - whole).abs().max() > 1e-3, "a shorter halo would do"


def test_both_stages_are_kept(tmp_path):
    model = build_model("srgan", IMAGE_SPECS[2], {"scale": 2, "blocks": 1, "width": 8, "pixel_steps": 1})
    from contracts import _train, batch_of

    _train(model, batch_of(IMAGE_SPECS[2], 4))
    assert model.switched
    kept, now = model.by_pixels.state_dict(), model.generator.state_dict()
    assert any(not torch.equal(kept[name], now[name]) for name in kept)


def test_a_sub_pixel_convolution_starts_as_repetition():
    made = SubPixel(4)(torch.rand(1, 4, 5, 5))
    torch.testing.assert_close(made[..., ::2, ::2], made[..., 1::2, 1::2])


def test_a_size_that_cannot_be_reduced_is_refused():
    with pytest.raises(UserError, match=r"can.t be reduced 4 times"):
        build_model("srgan", IMAGE_SPECS[0].model_copy(update={"width": 30}), {})
