"""A CSV of one series."""

from pathlib import Path

import numpy as np
import pandas as pd


def make(home: Path) -> Path:
    """Six hundred hours of a daily wave."""
    hours = np.arange(600)
    stamps = pd.date_range("2026-01-01", periods=len(hours), freq="h")
    frame = pd.DataFrame({"unique_id": "a", "ds": stamps, "y": np.sin(hours / 24 * 2 * np.pi) + hours % 7})
    frame.to_csv(home / "waves.csv", index=False)
    return home / "waves.csv"
