"""What a judge has to show: seven records, stored beside its evaluation. The report draws these and knows nothing else.

A judge returns exhibits in the order in which they are to be seen; those of one title that follow each other stand
together under it. Names of subjects (`model`, `auto_ets`) are put into words where they are drawn.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from genfoundry.records import Record

FILE = "exhibits.json"  # in the evaluation's folder of the run, beside the files that exhibits name

FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]  # in the same folder, and nowhere else
Value = float | None  # None where nothing was observed


class Picture(Record):
    """A PNG. `stands_for` is (width, height) in pixels of its upper left part that may stand for the whole, if any."""

    form: Literal["picture"] = "picture"
    title: str
    caption: str = ""
    file: FileName
    alt: str
    stands_for: tuple[int, int] | None = Field(default=None, exclude_if=lambda v: v is None)


class Lines(Record):
    """Curves through points (x, y) by name, the first the one that counts; `x_ends` and `y_ends` lie on the axes."""

    form: Literal["lines"] = "lines"
    title: str
    caption: str = ""
    x_label: str
    y_label: str
    lines: dict[str, tuple[tuple[float, float], ...]]
    x_ends: tuple[float, ...] = ()
    y_ends: tuple[float, ...] = ()


class Bands(Record):
    """A forecast of a regular series: its past, what was observed then, quantiles by level (`0.1`), other forecasts.

    `start` is the time of the first value of `past`, `freq` the step in pandas' words; `observed`, each of `quantiles`
    and each of `lines` (a baseline's forecast by its name) begin where `past` ends.
    """

    form: Literal["bands"] = "bands"
    title: str
    caption: str = ""
    unit: str = ""
    start: str
    freq: str
    past: tuple[Value, ...]
    observed: tuple[Value, ...]
    quantiles: dict[str, tuple[Value, ...]]
    lines: dict[str, tuple[Value, ...]] = {}


class Bars(Record):
    """A value for each label; `beside` are others for the same labels by name. With `per_cent` values are shares."""

    form: Literal["bars"] = "bars"
    title: str
    caption: str = ""
    bars: tuple[tuple[str, float], ...]
    beside: dict[str, tuple[float, ...]] = {}
    per_cent: bool = False


class Matrix(Record):
    """Numbers by row and column: counts are shaded by their share of the row, signed numbers by their size."""

    form: Literal["matrix"] = "matrix"
    title: str
    caption: str = ""
    row_label: str = ""
    column_label: str = ""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[float, ...], ...]


class Table(Record):
    """Words and numbers by row and column; the first column says what a row is of."""

    form: Literal["table"] = "table"
    title: str
    caption: str = ""
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


class Sound(Record):
    """A recording, as WAV, FLAC, MP3 or Ogg."""

    form: Literal["sound"] = "sound"
    title: str
    caption: str = ""
    file: FileName


Exhibit = Annotated[Picture | Lines | Bands | Bars | Matrix | Table | Sound, Field(discriminator="form")]


class _Exhibits(RootModel[tuple[Exhibit, ...]]):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


def to_json(exhibits: tuple[Exhibit, ...]) -> str:
    """A JSON list; NaN and infinity survive it."""
    return _Exhibits(exhibits).model_dump_json()


def from_json(text: str) -> tuple[Exhibit, ...]:
    """What `to_json` wrote.

    Raises:
        ValueError: it is something else.
    """
    return _Exhibits.model_validate_json(text).root
