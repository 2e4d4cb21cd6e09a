"""Monthly prices of five American stocks, January 2000 to March 2010. The random walk is the bar to pass here.

Shipped by the vega-datasets package as `_data/stocks.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genfoundry.dataset import Card, shipped
from genfoundry.kinds.series.spec import SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

CARD = Card(
    name="stocks",
    kind="series",
    title="Prices of five stocks, monthly, 2000 to 2010",
    description="AAPL, AMZN, GOOG, IBM and MSFT; six months ahead from 24; March 2008 on is the test.",
    licence="BSD-3-Clause (vega-datasets)",
    source="package vega-datasets, _data/stocks.csv",
    consent="published market prices",
    spec=SeriesSpec(freq="MS", season=1, context=24, horizon=6, num_series=5),
    splits={"val": "2007-03-01", "test": "2008-03-01"},
    units={"y": "US$"},
)


def examples() -> Iterator[pd.DataFrame]:
    """One frame a stock.

    Raises:
        UserError: the package that ships the file is not installed.
    """
    import pandas as pd  # needed only to build

    table = pd.read_csv(shipped("vega_datasets", "_data/stocks.csv"), float_precision="round_trip")  # pyright: ignore[reportCallIssue, reportArgumentType], its stubs are behind
    table["ds"] = pd.to_datetime(table["date"], format="%b %d %Y")
    table = table.rename(columns={"symbol": "unique_id", "price": "y"})
    for _, frame in table.groupby("unique_id", sort=True):
        yield pd.DataFrame(frame[["unique_id", "ds", "y"]])
