import numpy as np
import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from genfoundry.metrics.reconstruction import MOST_DECIBEL, Reconstruction, per_image


def test_closed_form():
    """An error of 0.2 on the scale [-1, 1] is 0.1 on [0, 1]: MSE 0.01, 20 dB."""
    real = np.zeros((3, 1, 16, 16), np.float32)
    found = Reconstruction.score(real, real + 0.2)
    assert found["mse"] == pytest.approx([0.01] * 3, rel=1e-5)
    assert found["psnr"] == pytest.approx([20.0] * 3, rel=1e-5)


def test_agrees_with_torchmetrics_image_by_image():
    rng = np.random.default_rng(0)
    real = np.tanh(rng.normal(size=(4, 3, 28, 28))).astype(np.float32)
    fake = (real + rng.normal(0, 0.1, real.shape)).clip(-1, 1).astype(np.float32)
    found = per_image(real, fake)
    for number in range(4):
        a, b = torch.from_numpy(real[number : number + 1]), torch.from_numpy(fake[number : number + 1])
        assert found["psnr"][number] == pytest.approx(float(peak_signal_noise_ratio(b, a, data_range=2.0)), rel=1e-5)
        expected = float(structural_similarity_index_measure(b, a, data_range=2.0))
        assert found["ssim"][number] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("side", [8, 9, 28])
def test_a_perfect_reconstruction_is_finite(side):
    real = np.random.default_rng(1).uniform(-1, 1, (2, 1, side, side))
    found = {name: values.tolist() for name, values in Reconstruction.score(real, real).items()}
    assert found == {"mse": [0.0] * 2, "psnr": [MOST_DECIBEL] * 2, "ssim": pytest.approx([1.0] * 2)}
