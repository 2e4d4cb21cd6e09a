"""What the sources of a set of pairs must fulfil: one for each image, of the card's shape, as the manifest lists them.

A part of `suite.py`.
"""

# pyright: reportArgumentType=false, reportCallIssue=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.data.expectations import CheckedTable, Expectation, agree
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.spec import ImageSpec

if TYPE_CHECKING:
    import pandas as pd

SAMPLED = 256  # rows a split whose pixels are hashed again


def tables(folder: Path, spec: ImageSpec, parts: dict[str, pd.DataFrame]) -> list[CheckedTable]:
    """One row a split of a set of pairs: what its sources are, beside the manifest's rows; nothing for other sets."""
    if spec.source is None:
        return []
    import pandas as pd

    shape = f"uint8 {'×'.join(map(str, spec.source))}"
    suite = (
        agree("pairs: number of sources", "sources", "rows", "{split}: {sources} sources, {rows} images listed"),
        agree("pairs: pixels", "other_pixels", "none", "{split}: {other_pixels} sources have another sha256"),
        Expectation(
            "pairs: shape", "ExpectColumnValuesToBeInSet", {"column": "shape", "value_set": [shape]},
            met=f"Sources are {shape}, as the card says.", unmet=f"The card says sources of {shape}: {{where}}.",
            remedy="build the dataset again", row="{split} is {shape}",
        ),
    )  # fmt: skip
    return [CheckedTable(pd.DataFrame([_outline(folder, split, frame) for split, frame in parts.items()]), suite)]


def others(images: np.ndarray, listed: pd.Series) -> int:
    """How many of a split's images, SAMPLED at most, have another sha256 than is listed."""
    both = min(len(images), len(listed))
    sample = np.unique(np.linspace(0, both - 1, min(both, SAMPLED)).astype(int))
    return sum(storage.sha256(images[i]) != listed.iloc[i] for i in sample)


def _outline(folder: Path, split: str, frame: pd.DataFrame) -> dict[str, object]:
    sources = storage.read(folder, split).sources
    if sources is None:
        return {"split": split, "rows": len(frame), "sources": 0, "shape": "not there", "other_pixels": 0, "none": 0}
    return {
        "split": split,
        "rows": len(frame),
        "sources": len(sources),
        "shape": f"{sources.dtype} {'×'.join(map(str, sources.shape[1:]))}",
        "other_pixels": others(sources, frame[storage.SOURCE_SHA]),
        "none": 0,
    }
