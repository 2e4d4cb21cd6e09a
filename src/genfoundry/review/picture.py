"""Picture: what shows most of one evaluation, as one file, for a page that has room for no more."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from genfoundry import tracking
from genfoundry.dataset import card_of
from genfoundry.errors import UserError
from genfoundry.records import DatasetVersion, Evaluation
from genfoundry.report import standalone_svg

IMAGES = ("samples.png", "enlargements.png", "anomalies.png", "reconstructions.png")  # of a gallery: the first there


class Picture(NamedTuple):
    """A picture, and the suffix of its file."""

    suffix: Literal["png", "svg"]
    data: bytes

    @property
    def media_type(self) -> str:
        """As a `data:` address names it."""
        return {"png": "image/png", "svg": "image/svg+xml"}[self.suffix]


def picture(evaluation: Evaluation) -> Picture | None:
    """Images of the gallery; else a forecaster's fans; else a classifier's table of confusions; None without any."""
    for name in IMAGES:
        if image := _gallery(evaluation, name):
            return Picture("png", image)
    if forecasts := json.loads(_gallery(evaluation, "forecasts.json") or "[]"):
        return Picture("svg", standalone_svg.fans(forecasts))
    table = standalone_svg.table_of_confusions(evaluation.details, _class_names(evaluation.checkpoint.dataset))
    return Picture("svg", table) if table else None


def _gallery(evaluation: Evaluation, name: str) -> bytes | None:
    run_id, path = evaluation.checkpoint.run_id, f"{evaluation.folder}/{name}"
    with tempfile.TemporaryDirectory() as scratch:
        place = tracking.fetch_whole(run_id, path, Path(scratch))
        return place.read_bytes() if place.is_file() else None


def _class_names(version: DatasetVersion) -> tuple[str, ...]:
    try:
        return card_of(version).class_names
    except UserError:
        return ()  # classes are numbers then
