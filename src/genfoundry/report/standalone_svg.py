"""Drawings of the report's page that stand alone, for a page that takes no HTML: one SVG each, 360 wide."""

from __future__ import annotations

from collections.abc import Sequence

from genfoundry.exhibit import Bands, Matrix
from genfoundry.report import cells, charts, wording
from genfoundry.report.media import evenly
from genfoundry.report.page import environment

WIDTH, MARGIN = 360, 8
SHOWN = 3  # forecasts
PITCH = 152  # from one forecast to the next
ROW, COLUMNS = 14, 3  # of the legend
NAMES = 76  # room for a class's name


def forecasts(shown: Sequence[Bands]) -> bytes:
    """A few forecasts, one below the other, and what their lines mean; at least one."""
    others = list(dict.fromkeys(name for each in shown for name in each.lines))
    plots = [charts.bands(each, others) for each in evenly(shown, SHOWN)]
    drawn = {line.style for plot in plots for line in plot.lines}
    beside = {charts.beside(order): wording.subject(name) for order, name in enumerate(others[:COLUMNS])}
    legend = [(style, label) for style, label in (charts.BAND_KEY | beside).items() if style in drawn]
    foot = PITCH * len(plots)
    height = foot + ROW * -(-len(legend) // COLUMNS) + MARGIN
    return _svg(
        "fans", height, " ".join(plot.alt for plot in plots), plots=plots, pitch=PITCH, legend=legend, foot=foot
    )


def matrix(shown: Matrix) -> bytes:
    """Shaded numbers by row and column."""
    found = cells.matrix(shown)
    left, top = MARGIN + NAMES, 2 * ROW + NAMES
    cell = round((WIDTH - left - MARGIN) / max(len(found.columns), 1), 2)
    height = round(top + cell * len(found.rows) + MARGIN)
    return _svg("matrix", height, found.caption or found.title, found=found, left=left, top=top, cell=cell)


def _svg(template: str, height: int, alt: str, **parts: object) -> bytes:
    drawing = environment().get_template(f"{template}.svg.j2").render(width=WIDTH, height=height, alt=alt, **parts)
    return "".join(letter for letter in drawing if letter == "\n" or letter.isprintable()).encode()
