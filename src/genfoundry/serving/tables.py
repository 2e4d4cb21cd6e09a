"""Tables that are written: CSV whose rows are marked, and a file beside it that says where they came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genfoundry.files import publish
from genfoundry.serving.provenance import COLUMN, SIDECAR, Provenance, sidecar

if TYPE_CHECKING:
    import pandas as pd


def write(path: Path, frame: pd.DataFrame, origin: Provenance) -> list[Path]:
    """Write a frame, each row marked as generated, and its provenance beside it."""
    text = frame.assign(**{COLUMN: "true"}).to_csv(index=False, lineterminator="\n")
    return [publish(path, text), publish(path.parent / SIDECAR, sidecar(origin))]
