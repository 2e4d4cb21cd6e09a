"""Losses and blocks against values that can be worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from genfoundry.errors import UserError
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling import losses
from genfoundry.modelling.layers import UpConv2d, halvings, shift
from genfoundry.modelling.mixture import GaussianMixture


def test_gan_losses_at_logit_zero():
    zero = torch.zeros(4)
    assert losses.gan_discriminator(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert losses.gan_generator(zero).item() == pytest.approx(math.log(2))
    assert losses.gan_generator(zero, "minimax").item() == pytest.approx(-math.log(2))
    assert losses.gan_discriminator(zero, zero, "hinge").item() == 2
    assert losses.gan_generator(zero, "relativistic", zero).item() == pytest.approx(math.log(2))


def test_gradient_penalty_of_a_linear_score():
    weight = torch.tensor([3.0, 4.0])
    penalty = losses.gradient_penalty(lambda x: x.flatten(1) @ weight, torch.randn(5, 1, 1, 2))
    assert penalty.item() == pytest.approx(25 / 2)


def test_kl_of_two_gaussians():
    kl = losses.kl_standard_normal(torch.tensor(1.5), torch.tensor(math.log(4.0)))
    assert kl.item() == pytest.approx((1.5**2 + 4 - math.log(4) - 1) / 2)


@pytest.mark.parametrize(("mean", "log_scale"), [(-0.99, -4.0), (0.3, -2.0), (1.0, -5.0), (0.0, 1.0)])
def test_discretised_logistic_sums_to_one(mean, log_scale):
    levels = torch.arange(256, dtype=torch.float64) / 127.5 - 1
    logs = losses.discretised_logistic(
        levels, torch.tensor(mean, dtype=torch.float64), torch.tensor(log_scale).double()
    )
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_bits_per_dim_of_a_uniform_byte_is_eight():
    assert losses.bits_per_dim(784 * math.log(256), 784) == pytest.approx(8)


def test_up_convolution_is_upsampling_then_convolution():
    block, x = UpConv2d(3, 5), torch.randn(2, 3, 7, 6)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), block.weight, block.bias, padding=1)
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


def test_shift_moves_whole_images_by_whole_pixels():
    torch.manual_seed(0)
    image = torch.zeros(64, 1, 9, 9)
    image[:, :, 4, 4] = 1
    moved = shift(image, 2)
    assert moved.sum((1, 2, 3)).eq(1).all()
    rows, columns = (moved.squeeze(1).sum(axis).argmax(1) for axis in (2, 1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 6, 2, 6)


@pytest.mark.parametrize(("side", "depth"), [(8, 1), (28, 2), (32, 2), (48, 3), (64, 3)])
def test_halvings(side, depth):
    assert halvings(ImageSpec(channels=1, height=side, width=side)) == depth


def test_a_size_that_cannot_be_halved_is_refused_with_the_way_out():
    with pytest.raises(UserError, match=r"30×30 can't be halved 2 times[\s\S]*--size 32"):
        halvings(ImageSpec(channels=1, height=30, width=30))


def test_mixture_finds_two_clusters():
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(3000, 2, generator=generator) * 0.5 - 3, torch.randn(1000, 2, generator=generator) + 3
    mixture = GaussianMixture(2, 2)
    mixture.fit(torch.cat([left, right]), generator)
    order = mixture.means[:, 0].argsort()
    torch.testing.assert_close(mixture.weights[order], torch.tensor([0.75, 0.25]), atol=0.01, rtol=0)
    torch.testing.assert_close(mixture.means[order], torch.tensor([[-3.0, -3], [3, 3]]), atol=0.1, rtol=0)
    density = torch.distributions.MultivariateNormal(mixture.means, scale_tril=mixture.factors)
    points = torch.tensor([[0.0, 0], [-3, -2]])
    expected = torch.logsumexp(mixture.weights.log() + density.log_prob(points[:, None]), 1)
    torch.testing.assert_close(mixture.log_prob(points).float(), expected, atol=1e-4, rtol=1e-4)
    assert mixture.sample(4000, generator).mean(0).tolist() == pytest.approx([-1.5, -1.5], abs=0.15)
