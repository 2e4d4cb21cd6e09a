"""Images of three shapes, and two folders of noise, each a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from genfoundry.kinds.image.spec import ImageSpec

SPECS = (
    ImageSpec(channels=1, height=28, width=28, num_classes=10),
    ImageSpec(channels=3, height=32, width=48, num_classes=3),
    ImageSpec(channels=1, height=8, width=8, num_classes=2),
)


def flaw(samples: Tensor, spec: ImageSpec) -> str:
    """Samples are float32 (B, C, H, W) in [-1, 1]."""
    if samples.shape[1:] != spec.shape or samples.dtype != torch.float32:
        return f"they are {samples.dtype} {tuple(samples.shape)} and not torch.float32 (B, *{spec.shape})"
    if not torch.isfinite(samples).all():
        return "not all of them are finite"
    low, high = samples.min(), samples.max()
    return "" if low >= -1 and high <= 1 else f"they lie in {low:.3g} to {high:.3g} and not in -1 to 1"


def write_files(folder: Path) -> Path:
    """Forty images of 16×16, half of each class."""
    rng, home = np.random.default_rng(0), folder / "photos"
    for number in range(40):
        path = home / ("one" if number % 2 else "other") / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return home
