"""Drawings of the report's page that stand alone, for a page that takes no HTML: one SVG each, 360 wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genfoundry.report import charts, wording
from genfoundry.report.page import environment
from genfoundry.report.pictures import evenly
from genfoundry.report.sections import confusion

WIDTH, MARGIN = 360, 8
SHOWN = 3  # forecasts
PITCH = 152  # from one forecast to the next
ROW, COLUMNS = 14, 3  # of the legend
NAMES = 76  # room for a class's name
LEGEND = {"past": "past", "came": "what came", "median": "median", "narrow": "80 % band", "wide": "95 % band"}


def fans(forecasts: Sequence[dict]) -> bytes:
    """A few forecasts as `RunView` holds them, one below the other, and what their lines mean; at least one."""
    plots = [charts.fan(forecast) for forecast in evenly(forecasts, SHOWN)]
    drawn = {line.style for plot in plots for line in plot.lines}
    baselines = {f"baseline-{order}": wording.subject(name) for order, name in enumerate(_baselines(forecasts))}
    legend = [(style, label) for style, label in (LEGEND | baselines).items() if style in drawn]
    foot = PITCH * len(plots)
    height = foot + ROW * -(-len(legend) // COLUMNS) + MARGIN
    return _svg(
        "fans", height, " ".join(plot.alt for plot in plots), plots=plots, pitch=PITCH, legend=legend, foot=foot
    )


def _baselines(forecasts: Sequence[dict]) -> Sequence[str]:
    return list(forecasts[0].get("baselines", {}))[:COLUMNS]


def table_of_confusions(details: Mapping[str, list[float]], names: Sequence[str]) -> bytes | None:
    """What a classifier takes each class for; None where `details` holds no such counts, or too many to read."""
    if (found := confusion(details, names)) is None:
        return None
    left, top = MARGIN + NAMES, 2 * ROW + NAMES
    cell = round((WIDTH - left - MARGIN) / len(found.names), 2)
    height = round(top + cell * len(found.names) + MARGIN)
    alt = "A row a true class, a column what it is taken for."
    return _svg("confusion", height, alt, names=found.names, rows=found.rows, left=left, top=top, cell=cell)


def _svg(template: str, height: int, alt: str, **parts: object) -> bytes:
    drawing = environment().get_template(f"{template}.svg.j2").render(width=WIDTH, height=height, alt=alt, **parts)
    return "".join(letter for letter in drawing if letter == "\n" or letter.isprintable()).encode()
