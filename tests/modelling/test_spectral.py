"""Wide convolutions by their frequencies, beside PyTorch's own."""

import pytest
import torch
from torch.nn import functional as F

from genfoundry.modelling.spectral import convolve


@pytest.mark.parametrize("shape", [(3, 5, 28, 28), (1, 1, 7, 4), (2, 3, 12, 17)], ids=str)
@pytest.mark.parametrize(("kernel", "top"), [((4, 7), 3), ((7, 7), 3), ((3, 5), 2), ((1, 9), 0)], ids=str)
def test_it_is_the_direct_convolution_with_its_gradients(shape, kernel, top):
    torch.manual_seed(0)
    images = torch.randn(shape, requires_grad=True)
    taps = torch.randn(6, shape[1], *kernel, requires_grad=True)
    half = kernel[1] // 2
    direct = F.conv2d(F.pad(images, (half, half, top, kernel[0] - 1 - top)), taps)
    found = convolve(images, taps, top, half)
    weight = torch.randn_like(direct)
    pairs = [(found, direct)]
    pairs += zip(*(torch.autograd.grad(made, (images, taps), weight) for made in (found, direct)), strict=True)
    for ours, theirs in pairs:
        assert (ours - theirs).abs().max() <= 2e-6 * theirs.abs().max()


def test_half_precision_is_taken_in_full():
    images, taps = torch.randn(2, 3, 9, 9).bfloat16(), torch.randn(4, 3, 4, 7).bfloat16()
    found = convolve(images, taps, 3, 3)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, convolve(images.float(), taps.float(), 3, 3))
