import numpy as np
import pytest
import torch
from support.contracts import IMAGE_SPECS, batch_of, check_model

from genfoundry.errors import UserError
from genfoundry.judging import gallery
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.models.lapgan import enlarge
from genfoundry.training.loader import build_model


@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, tmp_path):
    check_model("lapgan", spec, tmp_path)


def test_details_add_up_to_the_image():
    model, images = build_model("lapgan", IMAGE_SPECS[0], {}), batch_of(IMAGE_SPECS[0], 4).images
    levels = model.pyramid(images)
    assert [tuple(level.shape[2:]) for level in levels] == [(7, 7), (14, 14), (28, 28)]
    rebuilt = levels[0]
    for finer in levels[1:]:
        rebuilt = enlarge(rebuilt) + (finer - enlarge(rebuilt))
    torch.testing.assert_close(rebuilt, images, atol=1e-6, rtol=0)


def test_every_level_is_the_one_below_and_its_detail():
    model = build_model("lapgan", IMAGE_SPECS[0], {}).eval()
    batch = batch_of(IMAGE_SPECS[0], 3)
    made = model.sample_levels(batch, torch.Generator().manual_seed(0))
    assert [tuple(level.shape) for level in made] == [(3, 1, 7, 7), (3, 1, 14, 14), (3, 1, 28, 28)]
    torch.testing.assert_close(made[-1], model.sample(batch, torch.Generator().manual_seed(0)), rtol=0, atol=0)


def test_data_without_classes_is_learned_without_them():
    spec = ImageSpec(channels=1, height=16, width=16, num_classes=1)
    model = build_model("lapgan", spec, {}).eval()
    unlabelled = ImageBatch(batch_of(spec, 3).images, torch.full((3,), -1))
    assert not model.takes_labels
    assert model.sample(unlabelled).shape == (3, 1, 16, 16)


def test_a_size_that_a_pyramid_cannot_halve_is_refused():
    with pytest.raises(UserError, match=r"28×28 can.t be halved 3 times"):
        build_model("lapgan", IMAGE_SPECS[0], {"levels": 3})


def test_the_gallery_shows_each_class_in_turn_at_every_level(tmp_path):
    spec = IMAGE_SPECS[2]
    model = build_model("lapgan", spec, {"width": 8}).eval()
    asked = []
    drawn = model.sample_levels

    def sample_levels(like, generator=None):
        asked.extend(like.labels.tolist())
        return drawn(like, generator)

    model.sample_levels = sample_levels  # pyright: ignore[reportAttributeAccessIssue]
    shown = gallery._levels(tmp_path, model, np.zeros((5, *spec.shape), np.uint8))
    assert asked == [0, 1, 0, 1, 0]
    assert (tmp_path / shown.file).stat().st_size > 0
