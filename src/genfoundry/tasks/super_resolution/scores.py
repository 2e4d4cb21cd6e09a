"""What the judge of super-resolution computes beside the Fréchet distance, and what it measures a model against."""

from __future__ import annotations

from genfoundry.metric import ScoreKind

SUBJECTS = {"bicubic": "bicubic", "lanczos": "Lanczos", "l1": "L1 alone"}
SCORES = (
    ScoreKind(
        "relative_fd",
        label="Fréchet distance, relative to bicubic",
        question="Below 1 is nearer to real images than interpolation.",
        better="lower",
        low=0,
    ),
    ScoreKind(
        "psnr_y",
        label="PSNR of the luminance, in dB",
        question="How near is each pixel to the original's?",
        better="higher",
        headline=True,
    ),
    ScoreKind(
        "ssim_y",
        label="SSIM of the luminance",
        question="Is the original's structure there?",
        better="higher",
        low=0,  # of images that are alike at all
        high=1,
        headline=True,
    ),
)
