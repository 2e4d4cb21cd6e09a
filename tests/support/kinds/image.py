"""Images of three shapes."""

from __future__ import annotations

import torch

from genfoundry.kinds.image.spec import ImageSpec

SPECS = [
    ImageSpec(channels=1, height=28, width=28, num_classes=10),
    ImageSpec(channels=3, height=32, width=48, num_classes=3),
    ImageSpec(channels=1, height=8, width=8, num_classes=2),
]


def check_samples(samples: torch.Tensor, spec: ImageSpec) -> None:
    """(B, C, H, W) in [-1, 1]."""
    assert torch.isfinite(samples).all()
    assert samples.shape[1:] == spec.shape
    assert samples.dtype == torch.float32
    assert samples.min() >= -1
    assert samples.max() <= 1
