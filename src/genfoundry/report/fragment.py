"""What a notebook's cell shows of one version: its scores beside the floors, why it was decided so, and pictures.

It stands in a page of somebody else's, so it brings no style sheet and takes the page's colours; a drawing is an image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from genfoundry.exhibit import Bands, Exhibit, Matrix, Picture
from genfoundry.metric import MODEL
from genfoundry.outcomes import outcome
from genfoundry.records import Evaluation, ModelVersion, Score
from genfoundry.report import media, standalone_svg, wording
from genfoundry.report.gallery import Gallery
from genfoundry.report.page import environment

MOST_SCORES, MOST_PICTURES = 12, 4


class ScoreRow(NamedTuple):
    """One score's name in words, and what it is of each subject: (whose, value, interval), the best on top."""

    label: str
    note: str
    cells: list[tuple[str, str, str]]


class Drawing(NamedTuple):
    """An image with a heading; `width` in pixels, at most."""

    title: str
    uri: str
    width: int
    alt: str
    caption: str


def render_fragment(version: ModelVersion, gallery: Gallery) -> str:
    """HTML without scripts, in which everything is escaped.

    Args:
        gallery: of the version's evaluation.
    """
    rows = list(_rows(version.evaluation))
    return (
        environment()
        .get_template("fragment.html.j2")
        .render(
            version=version,
            outcome=outcome(version),
            rows=rows[:MOST_SCORES],
            left_out=len(rows[MOST_SCORES:]),
            drawings=list(_drawings(gallery))[:MOST_PICTURES],
        )
    )


def _rows(evaluation: Evaluation) -> Iterator[ScoreRow]:
    """The score that decides, then the headlines, then the others."""
    names = dict.fromkeys(score.name for score in evaluation.scores if score.subject == MODEL)
    for name in sorted(names, key=lambda name: (name != evaluation.primary, not wording.meaning(name).kind.headline)):
        same = [score for score in evaluation.scores if score.name == name]
        words = wording.meaning(name)
        notes = filter(None, (words.protocol, wording.direction(same[0].higher_is_better)))
        yield ScoreRow(words.label, " · ".join(notes), [_cell(score) for score in sorted(same, key=wording.merit)])


def _cell(score: Score) -> tuple[str, str, str]:
    return wording.subject(score.subject), wording.value(score.name, score.value), wording.interval(score)


def _drawings(gallery: Gallery) -> Iterator[Drawing]:
    """Pictures as they are, forecasts and matrices as drawings that stand alone; the rest is in the report."""
    forecasts = [each for each in gallery.exhibits if isinstance(each, Bands)]
    for each in gallery.exhibits:
        if isinstance(each, Picture) and (shown := media.picture(gallery.files.get(each.file), each.alt)):
            yield Drawing(each.title, shown.uri, shown.width, each.alt, each.caption)
        elif isinstance(each, Bands) and each is forecasts[0]:
            yield _drawn(each, standalone_svg.forecasts(forecasts))
        elif isinstance(each, Matrix):
            yield _drawn(each, standalone_svg.matrix(each))


def _drawn(exhibit: Exhibit, svg: bytes) -> Drawing:
    uri = media.as_uri("image/svg+xml", svg)
    return Drawing(exhibit.title, uri, standalone_svg.WIDTH, exhibit.title, exhibit.caption)
