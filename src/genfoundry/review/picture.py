"""What shows most of one evaluation, as one file, for a page that has room for no more."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from genfoundry import exhibit, tracking
from genfoundry.dataset import card_of
from genfoundry.errors import UserError
from genfoundry.records import DatasetVersion, Evaluation
from genfoundry.report import standalone_svg
from genfoundry.report.gallery import Gallery, read_gallery


class PictureFile(NamedTuple):
    """A picture, and the suffix of its file."""

    suffix: Literal["png", "svg"]
    data: bytes

    @property
    def media_type(self) -> str:
        """As a `data:` address names it."""
        return {"png": "image/png", "svg": "image/svg+xml"}[self.suffix]


def picture(evaluation: Evaluation) -> PictureFile | None:
    """The first picture of the gallery; else forecasts; else the first matrix; None without any."""
    shown = _gallery(evaluation)
    for each in shown.exhibits:
        if isinstance(each, exhibit.Picture) and each.file in shown.files:
            return PictureFile("png", shown.files[each.file])
    if forecasts := [each for each in shown.exhibits if isinstance(each, exhibit.Bands)]:
        return PictureFile("svg", standalone_svg.forecasts(forecasts))
    matrices = (each for each in shown.exhibits if isinstance(each, exhibit.Matrix))
    return next((PictureFile("svg", standalone_svg.matrix(each)) for each in matrices), None)


def _gallery(evaluation: Evaluation) -> Gallery:
    with tempfile.TemporaryDirectory() as scratch:
        folder = tracking.fetch_whole(evaluation.checkpoint.run_id, evaluation.folder, Path(scratch))
        return read_gallery(folder, evaluation, _class_names(evaluation.checkpoint.dataset))


def _class_names(version: DatasetVersion) -> tuple[str, ...]:
    try:
        return card_of(version).class_names
    except UserError:
        return ()  # classes are numbers then
