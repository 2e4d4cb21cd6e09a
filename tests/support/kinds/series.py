"""Three hourly series."""

from __future__ import annotations

import torch

from genfoundry.kinds.series.spec import SeriesSpec

SPECS = [SeriesSpec(freq="h", season=24, context=72, horizon=6, num_series=3)]


def check_samples(samples: torch.Tensor, spec: SeriesSpec) -> None:
    """(B, H), in the data's unit."""
    assert torch.isfinite(samples).all()
    assert samples.shape[1:] == (spec.horizon,)
    assert samples.dtype == torch.float32
