"""Three hourly series, and a CSV of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genfoundry.kinds.series.spec import SeriesSpec

SPECS = (SeriesSpec(freq="h", season=24, context=72, horizon=6, num_series=3),)


def flaw(samples: Tensor, spec: SeriesSpec) -> str:
    """Samples are float32 (B, H), in the data's unit."""
    if samples.shape[1:] != (spec.horizon,) or samples.dtype != torch.float32:
        return f"they are {samples.dtype} {tuple(samples.shape)} and not torch.float32 (B, {spec.horizon})"
    return "" if torch.isfinite(samples).all() else "not all of them are finite"


def write_files(folder: Path) -> Path:
    """Six hundred hours of a daily wave."""
    import pandas as pd

    hours = np.arange(600)
    stamps = pd.date_range("2026-01-01", periods=len(hours), freq="h")
    frame = pd.DataFrame({"unique_id": "a", "ds": stamps, "y": np.sin(hours / 24 * 2 * np.pi) + hours % 7})
    frame.to_csv(folder / "waves.csv", index=False)
    return folder / "waves.csv"
