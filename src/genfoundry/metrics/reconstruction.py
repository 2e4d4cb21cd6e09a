"""Reconstruction error: how much of an image survives the model's code.

Structural similarity: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE Trans. Image Processing 13, 2004.
"""

from __future__ import annotations

import numpy as np
import torch

from genfoundry.metric import Metric, ScoreKind

RANGE = 2.0  # images lie in [-1, 1]
MOST_DECIBEL = 100.0  # said of a perfect reconstruction, whose ratio is infinite
WINDOW = 11  # of the structural similarity

SCORES = (
    ScoreKind(
        "mse",
        label="Reconstruction error",
        question="Mean squared error of what is rebuilt from its code.",
        better="lower",
        low=0,
    ),
    ScoreKind(
        "psnr",
        label="Reconstruction, PSNR in dB",
        question="How clean is what is rebuilt from its code?",
        better="higher",
        headline=True,
    ),
    ScoreKind(
        "ssim",
        label="Reconstruction, SSIM",
        question="Is the structure kept in what is rebuilt from its code?",
        better="higher",
        low=0,  # of images that are alike at all
        high=1,
    ),
)


class Reconstruction(Metric):
    """`mse` on the scale [0, 1], `psnr` in dB, `ssim` up to 1, each (N,), of images beside their reconstructions."""

    view = "images"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, np.ndarray]:
        return per_image(real, fake)


def per_image(real: np.ndarray, fake: np.ndarray) -> dict[str, np.ndarray]:
    """(N,) of each score, of images (N, C, H, W) in [-1, 1] beside their reconstructions."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    a, b = (torch.from_numpy(np.ascontiguousarray(x, np.float32)) for x in (real, fake))
    mse = ((a - b) / RANGE).square().flatten(1).mean(1)
    psnr = (-10 * torch.log10(mse)).clamp(max=MOST_DECIBEL)
    side = min(WINDOW, *a.shape[-2:])
    ssim = structural_similarity_index_measure(
        b, a, gaussian_kernel=side == WINDOW, kernel_size=side - (side + 1) % 2, data_range=RANGE, reduction="none"
    )
    assert isinstance(ssim, torch.Tensor)  # a tuple only where the full image is asked for
    return {"mse": mse.numpy(), "psnr": psnr.numpy(), "ssim": ssim.reshape(-1).numpy()}
