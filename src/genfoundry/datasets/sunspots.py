"""Yearly sunspot numbers, 1700 to 2008: one short series with a cycle of about eleven years.

Shipped by the statsmodels package as `datasets/sunspots/sunspots.csv`; the numbers are SILSO's (Royal Observatory of
Belgium).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genfoundry.dataset import Card, shipped
from genfoundry.kinds.series.spec import SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

CARD = Card(
    name="sunspots",
    kind="series",
    title="Sunspot numbers, yearly, 1700 to 2008",
    description="One series of 309 years; eleven years ahead from 44; the last 55 years are the test.",
    licence="public domain (statsmodels' copy)",
    source="package statsmodels, datasets/sunspots/sunspots.csv",
    consent="public measurements of the sun",
    spec=SeriesSpec(freq="YS", season=11, context=44, horizon=11),
    splits={"val": "1932-01-01", "test": "1954-01-01"},
    units={"y": "spots"},
)


def examples() -> Iterator[pd.DataFrame]:
    """One frame: the first of January stands for the year.

    Raises:
        UserError: the package that ships the file is not installed.
    """
    import pandas as pd  # needed only to build

    table = pd.read_csv(shipped("statsmodels", "datasets/sunspots/sunspots.csv"), float_precision="round_trip")  # pyright: ignore[reportCallIssue, reportArgumentType], its stubs are behind
    stamps = pd.to_datetime(table["YEAR"].astype(int).astype(str) + "-01-01")
    yield pd.DataFrame({"unique_id": "sunspots", "ds": stamps, "y": table["SUNACTIVITY"].astype(float)})
