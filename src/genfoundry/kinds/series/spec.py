"""What a set of regular time series looks like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genfoundry.records import Spec

NOUN = "series"


class SeriesSpec(Spec):
    """Shape of a set of regular time series; `y` is the target, the other channels are observed beside it."""

    kind: Literal["series"] = "series"
    freq: str
    season: int = Field(gt=0, description="steps in one season, 1 where there is none")
    context: int = Field(gt=0, description="steps of the past that a model is given")
    horizon: int = Field(gt=0, description="steps of the future to forecast")
    channels: tuple[str, ...] = ("y",)
    num_series: int = Field(default=1, gt=0)

    @property
    def num_names(self) -> int:
        """The number of series."""
        return self.num_series


SPEC = SeriesSpec


def recipe(spec: SeriesSpec) -> str:
    """Series are forecast."""
    return "deepar"
