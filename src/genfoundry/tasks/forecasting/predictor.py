"""Forecasts from a registered model.

in   `unique_id` as in the training, `ds`, `y`: a past of at least `context` steps per series up to its last value, half
     of them observed; `ds` may have a zone or an offset
out  `unique_id`, `ds`, `mean` and quantiles, the `horizon` steps after the last value of each series, in the zone of
     its past; parameters `seed`, `samples` for families that draw their futures

Models that were published without the names of their series know numbers alone, in the column `series` (long).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from genfoundry.data.stamps import in_zone
from genfoundry.kinds.series.calendar import time_features
from genfoundry.kinds.series.grid import steps_from
from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.model import HasQuantiles, Model
from genfoundry.tasks.forecasting import pasts
from genfoundry.tasks.forecasting.pasts import Past

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
SAMPLES = 200  # futures that are drawn
EVENLY = tuple((i + 0.5) / SAMPLES for i in range(SAMPLES))  # levels whose mean is a forecast's


class Predictor:
    """Forecasts the steps that follow each given series; `names` are what the series of the training are called."""

    def __init__(self, model: Model, names: Sequence[str] = ()) -> None:
        self.model, self.spec, self.names = model, model.spec, names or model.names

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`horizon` rows per series, in the alphabetical order of the series.

        Raises:
            UserError: a series is unknown, or its past is not what the model reads; see `pasts.read`.
        """
        import pandas as pd

        given = {"seed": 0, "samples": SAMPLES, **(params or {})}
        parts = [self._forecast(past, given) for past in pasts.read(data, self.spec, self.names)]
        return pd.concat(parts, ignore_index=True)

    def futures(self, data: pd.DataFrame, count: int, seed: int) -> np.ndarray:
        """`count` possible futures of each series, in their alphabetical order: float64 (count, series, horizon)."""
        read = pasts.read(data, self.spec, self.names)
        return np.stack([self._drawn(self._batch(past, self._coming(past)), count, seed) for past in read], axis=1)

    def _coming(self, past: Past) -> pd.DatetimeIndex:
        """The steps after the last one of a past, in UTC."""
        import pandas as pd

        ahead = steps_from(cast("pd.Timestamp", past.stamps[-1]), self.spec.horizon + 1, self.spec.freq)
        return pd.DatetimeIndex(ahead[1:])

    def _forecast(self, past: Past, given: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        coming = self._coming(past)
        mean, levels = self._read(self._batch(past, coming), given)
        columns = {f"q{level}": values for level, values in zip(QUANTILES, levels, strict=True)}
        when = in_zone(coming, past.zone)
        return pd.DataFrame({"unique_id": past.name, "ds": when, "mean": mean, **columns})

    def _read(self, batch: SeriesBatch, given: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """The mean (H,) and `QUANTILES` (Q, H): the model's own where it has them, else those of drawn futures."""
        if isinstance(self.model, HasQuantiles):
            with torch.inference_mode():
                found = self.model.forecast_quantiles(batch, (*QUANTILES, *EVENLY))[0].double().numpy()
            return found[len(QUANTILES) :].mean(0), found[: len(QUANTILES)]
        drawn = self._drawn(batch, int(given["samples"]), int(given["seed"]))
        return drawn.mean(0), np.quantile(drawn, QUANTILES, axis=0)

    def _drawn(self, batch: SeriesBatch, count: int, seed: int) -> np.ndarray:
        """Futures (count, H) of a batch of one row."""
        with torch.inference_mode():
            return self.model.sample(batch.repeat(count), torch.Generator().manual_seed(seed)).double().numpy()

    def _batch(self, past: Past, coming: pd.DatetimeIndex) -> SeriesBatch:
        """A batch of one row: a past (1, L), and a future (1, H) of which only the calendar is known."""
        seen = np.isfinite(past.values)
        time = [_calendar(stamps, self.spec.freq) for stamps in (past.stamps, coming)]
        empty = torch.zeros(1, self.spec.horizon)
        return SeriesBatch(
            torch.from_numpy(np.where(seen, past.values, 0).astype(np.float32))[None],
            torch.from_numpy(seen.astype(np.float32))[None],
            time[0],
            empty,
            empty,
            time[1],
            torch.tensor([past.number]),
        )


def _calendar(stamps: pd.DatetimeIndex, freq: str) -> torch.Tensor:
    """(1, T, F) in [-0.5, 0.5]."""
    return torch.from_numpy(time_features(stamps.to_numpy().astype("datetime64[us]"), freq))[None]


def signature(model: Model) -> ModelSignature:
    """What goes in and comes out of the served model."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema

    keys = [ColSpec("string", "unique_id"), ColSpec(AnyType(), "ds")]  # a datetime of MLflow can't have a zone
    names = ("mean", *(f"q{quantile}" for quantile in QUANTILES))
    params = [ParamSpec("seed", "long", 0), ParamSpec("samples", "long", SAMPLES)]
    return ModelSignature(
        inputs=Schema([*keys, ColSpec("double", "y"), ColSpec("long", "series", required=False)]),
        outputs=Schema([*keys, *(ColSpec("double", name) for name in names)]),
        params=ParamSchema(params),
    )
