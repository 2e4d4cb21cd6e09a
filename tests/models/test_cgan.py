import pytest
import torch
from support.contracts import IMAGE_SPECS, batch_of, check_model

from genfoundry.errors import UserError
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.training.loader import build_model


@pytest.mark.parametrize("conditioning", ["projection", "concatenation"])
@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, conditioning, tmp_path):
    check_model("cgan", spec, tmp_path, conditioning=conditioning)


def test_the_projection_is_linear_in_the_vector_of_the_class():
    model = build_model("cgan", IMAGE_SPECS[0], {})
    batch = batch_of(IMAGE_SPECS[0], 4)
    plain, told = model.score(batch.images, batch), model.discriminator.head.by_class
    with torch.no_grad():
        told.weight.mul_(2)
        doubled = model.score(batch.images, batch)
        told.weight.zero_()
        without = model.score(batch.images, batch)
    torch.testing.assert_close(doubled - plain, plain - without, atol=1e-5, rtol=1e-5)


def test_data_without_classes_is_refused():
    with pytest.raises(UserError, match="needs labels of two classes; this dataset has 1"):
        build_model("cgan", ImageSpec(channels=1, height=28, width=28, num_classes=1), {})
