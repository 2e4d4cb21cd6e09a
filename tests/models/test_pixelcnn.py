import itertools

import pytest
import torch
from support.contracts import IMAGE_SPECS, batch_of, check_model

from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.models.pixelcnn import Drawing, PixelCNN
from genfoundry.training.loader import build_model

COLOUR = ImageSpec(channels=3, height=6, width=4)


@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, tmp_path):
    check_model("pixelcnn", spec, tmp_path, width=4, layers=1)


def _random(spec: ImageSpec, **settings) -> PixelCNN:
    """With weights large enough for everything to depend on everything it may."""
    torch.manual_seed(0)
    model = build_model("pixelcnn", spec, {"width": 8, "layers": 3, **settings})
    assert isinstance(model, PixelCNN)
    for parameter in model.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def test_the_probabilities_of_all_images_sum_to_one():
    model = _random(ImageSpec(channels=1, height=2, width=2), levels=3)
    every = torch.tensor(list(itertools.product(range(3), repeat=4))).reshape(-1, 2, 2)
    with torch.no_grad():
        assert model.log_probability(every).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_likelihood_of_8_bit_values_counts_the_values_in_a_level():
    model = _random(ImageSpec(channels=1, height=1, width=1), levels=3)
    values = torch.arange(256).reshape(-1, 1, 1, 1) / 127.5 - 1
    batch = batch_of(ImageSpec(channels=1, height=1, width=1, num_classes=2), 256)
    with torch.no_grad():
        total = model.log_likelihood(type(batch)(values, batch.labels)).exp().sum()  # pyright: ignore
    assert total.item() == pytest.approx(1, abs=1e-5)


KERNELS = [{}, {"kernel": 5, "dilations": (1, 2)}, {"kernel": 7, "dilations": (1,)}]


@pytest.mark.parametrize("settings", KERNELS, ids=str)
def test_no_pixel_sees_itself_or_what_comes_after(settings):
    model = _random(COLOUR, **settings)
    values = (torch.rand(1, 6, 12) * 2 - 1).requires_grad_(True)
    logits = model.network(values)
    places = ((0, 0), (2, 5), (5, 11))
    gradients = [
        torch.autograd.grad(logits[0, :, row, column].square().sum(), values, retain_graph=True)[0].abs().flatten()
        for row, column in places
    ]
    rounded = 1e-5 * max(gradient.max() for gradient in gradients) if settings else 0  # wide kernels go by frequencies
    for (row, column), gradient in zip(places, gradients, strict=True):
        at = row * 12 + column
        assert not (gradient[at:] > rounded).any()
        assert at == 0 or (gradient[:at] > rounded).any()


@pytest.mark.parametrize("settings", KERNELS, ids=str)
def test_drawing_with_caches_gives_the_logits_of_a_whole_pass(settings):
    model = _random(COLOUR, **settings)
    values = torch.rand(3, 6, 12) * 2 - 1
    with torch.no_grad():
        whole, drawing = model.network(values), Drawing(model.network, 3)
        for row in range(6):
            drawing.begin_row(row, values[:, row - 1] if row else None)
            for column in range(12):
                found = drawing.logits(column, values[:, row, column - 1] if column else None)
                torch.testing.assert_close(found, whole[:, :, row, column], atol=1e-4, rtol=1e-4)


def test_a_half_given_image_is_completed_and_what_was_given_stays():
    model, images = _random(COLOUR), torch.randint(0, 256, (4, 3, 6, 4)) / 127.5 - 1
    known = torch.zeros(4, 1, 6, 4, dtype=torch.bool)
    known[:, :, :3] = True
    made = model.complete(images, known, torch.Generator().manual_seed(0))
    torch.testing.assert_close(made[:, :, :3], images[:, :, :3])
    assert not torch.equal(made[:, :, 3:], images[:, :, 3:])
