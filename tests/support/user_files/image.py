"""A flat folder of noise."""

from pathlib import Path

import numpy as np
from PIL import Image


def make(home: Path) -> Path:
    """Forty images of 16×16."""
    rng, folder = np.random.default_rng(0), home / "photos"
    folder.mkdir()
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number:02}.png")
    return folder
