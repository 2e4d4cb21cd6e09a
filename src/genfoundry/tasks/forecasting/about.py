"""Forecasting: what it is for, what it asks of a family, what a recipe and a user may say."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from genfoundry import task
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.task import Option, wish

PURPOSE = "For forecasts of {noun} like those of the dataset, with their uncertainty."
LIMITS = (
    "These errors come from forecast origins in one stretch of one past. The intervals tell how much another choice of "
    "origins would move them, not what happens when the world changes. An average over the horizon hides that the "
    "first step is easier than the last."
)
MAKES = True
NEEDS = ("sample",)
KINDS = ("series",)
READS_DATA = True  # a forecast goes on from the series' last values


class Plan(task.Plan):
    """How forecasts are judged."""

    origins: int = Field(default=14, ge=1, description="rolling forecast origins per series")


class Wishes(task.Wishes):
    """A forecast becomes forecast.csv, and begins one step after the last value of each series, in the zone that the
    data came in."""

    EXAMPLE: ClassVar[str] = "-n 64 --seed 7"
    number: int | None = wish(None, Option(flag="-n"), "futures behind a forecast (200)", ge=1, le=99_999)
    until: str | None = wish(
        None,
        Option(flag="--until", lacking="forecasts nothing"),
        "The last moment that is known, in the data's zone (default: each last value).",
    )


def usage(name: str, spec: SeriesSpec) -> str:
    """The line of the model's card that calls it."""
    return (
        f"futures = model.sample(16, seed=7)  # (16, series, {spec.horizon}): what may follow each series' last value"
    )
