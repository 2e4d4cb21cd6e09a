from dataclasses import replace

import numpy as np
import pytest
import torch
from support.contracts import IMAGE_SPECS, batch_of, check_model
from torch.nn import functional as F

from genfoundry.errors import UserError
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.resampling import tiled
from genfoundry.models.srgan import SubPixel, _flipped
from genfoundry.served import _load_pyfunc
from genfoundry.tasks.super_resolution.predictor import signature
from genfoundry.training.loader import build_model, write_model


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
    from support.contracts import train

    train(model, batch_of(IMAGE_SPECS[2], 4))
    assert model.switched
    kept, now = model.by_pixels.state_dict(), model.generator.state_dict()
    assert any(not torch.equal(kept[name], now[name]) for name in kept)


def pairs(spec: ImageSpec, rows: int) -> tuple[ImageSpec, ImageBatch]:
    """Random images of a spec with sources that are not their reductions."""
    batch = batch_of(spec, rows)
    source = torch.rand(rows, spec.channels, spec.height // 2, spec.width // 2) * 2 - 1
    return spec.model_copy(update={"source": tuple(source.shape[1:])}), replace(batch, source=source)  # pyright: ignore


def test_what_is_paired_is_what_is_enlarged():
    spec, batch = pairs(IMAGE_SPECS[1], 4)
    model = build_model("srgan", spec, {"scale": 2, "blocks": 1, "width": 8}).eval()
    torch.nn.init.zeros_(model.generator.last.bias)  # so that the untrained network adds nothing
    assert model.low(batch) is batch.source
    as_bicubic = F.interpolate(batch.source, scale_factor=2, mode="bicubic", align_corners=False).clamp(-1, 1)
    torch.testing.assert_close(model.sample(batch), as_bicubic)


def test_an_image_is_mirrored_with_its_source():
    batch = ImageBatch(torch.rand(64, 1, 4, 8), torch.zeros(64))
    batch = replace(batch, source=batch.images[..., ::2])
    flipped = _flipped(batch)
    mirrored = (flipped.images == batch.images.flip(3)).all((1, 2, 3))
    assert 0 < mirrored.sum() < 64
    wanted = torch.where(mirrored[:, None, None, None], batch.source.flip(3), batch.source)
    torch.testing.assert_close(flipped.source, wanted, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ((3, 16, 24), r"3×16×24 .* is not 1/4 of the images(.|\n)*3×8×12(.|\n)*set model.scale=2"),
        ((1, 8, 12), r"1×8×12 .* not 1/4(.|\n)*of as many channels"),
        ((3, 8, 10), "3×8×10"),
        ((3, 32, 48), "3×32×48"),
        ((3, 64, 96), "3×64×96"),
    ],
)
def test_pairs_of_another_ratio_are_refused(source, message):
    with pytest.raises(UserError, match=message):
        build_model("srgan", IMAGE_SPECS[1].model_copy(update={"source": source}), {"scale": 4})


def test_a_sub_pixel_convolution_starts_as_repetition():
    made = SubPixel(4)(torch.rand(1, 4, 5, 5))
    torch.testing.assert_close(made[..., ::2, ::2], made[..., 1::2, 1::2])


def test_a_size_that_cannot_be_reduced_is_refused():
    with pytest.raises(UserError, match=r"can.t be reduced 4 times"):
        build_model("srgan", IMAGE_SPECS[0].model_copy(update={"width": 30}), {})


def test_served_it_enlarges_given_images_of_any_size(tmp_path):
    model = build_model("srgan", IMAGE_SPECS[1], {"scale": 2, "width": 4, "blocks": 1}).eval()
    write_model(tmp_path / "model", "srgan", model, model.state_dict())
    served = _load_pyfunc(str(tmp_path / "model"))
    given = np.random.default_rng(0).integers(0, 256, (2, 5, 9, 3), dtype=np.uint8)
    large = served.predict(given)  # pyright: ignore[reportArgumentType]
    assert (large.shape, large.dtype) == ((2, 10, 18, 3), np.uint8)
    images = torch.from_numpy(given).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        np.testing.assert_array_equal(large, to_pixels(model.upscale(images)).transpose(0, 2, 3, 1))
    assert signature(model).inputs.inputs[0].shape == (-1, -1, -1, 3)
