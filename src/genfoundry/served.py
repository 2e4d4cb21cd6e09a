"""What `mlflow.pyfunc.load_model` finds behind a published model, where genfoundry is installed.

MLflow imports this module because the model's `MLmodel` names it; the folder itself carries no code. From a registry
that you don't trust, load through `genfoundry.tracking.load_version`, which checks the folder before MLflow reads it.

    images      in: `seed` (long); optional: `class` (string), the name of a class, or `label` (long), its number;
                    a name that is that number wins over a place
                out: uint8 (B, H, W, C), one image a row
    enlarger    in: uint8 (B, h, w, C), of any size           out: uint8 (B, scale · h, scale · w, C)
    classifier  in: uint8 (B, H, W, C)                        out: float32 (B, classes), probabilities
    series      in: `unique_id` as in the training, `ds`, `y`: a past of at least `context` steps per series up to its
                    last value, half of them observed; `ds` may have a zone or an offset
                out: `unique_id`, `ds`, `mean` and quantiles, the `horizon` steps after the last value of each series,
                    in the zone of its past; parameters `seed`, `samples` for families that draw their futures

A class and a series are known by the names that were published with the weights (see `genfoundry.training.naming`).
Models that were published without know numbers alone: `label` is a place, and series give theirs in the column
`series` (long).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from genfoundry import pasts
from genfoundry.data.stamps import in_zone
from genfoundry.errors import UserError
from genfoundry.kinds.image.pixels import to_pixels, to_unit
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.series.calendar import time_features
from genfoundry.kinds.series.grid import steps_from
from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Classifies, HasQuantiles, Model, Upscales
from genfoundry.pasts import Past
from genfoundry.training.loader import load_model
from genfoundry.training.naming import choose_class

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
MAX_ROWS = 10_000  # images in one call
SAMPLES = 200
EVENLY = tuple((i + 0.5) / SAMPLES for i in range(SAMPLES))  # levels whose mean is a forecast's


class Images:
    """Draws one image a row; a row's image depends on its seed and class alone, so batching changes nothing."""

    def __init__(self, model: Model, spec: ImageSpec) -> None:
        self.model, self.spec = model, spec

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        if len(data) > MAX_ROWS:
            raise UserError(f"{len(data)} rows in one call.", expected=f"at most {MAX_ROWS}")
        if not len(data):
            return np.zeros((0, self.spec.height, self.spec.width, self.spec.channels), np.uint8)
        rows = zip(data["seed"], _cells(data, "label"), _cells(data, "class"), strict=True)
        return np.stack([self._draw(*row) for row in rows])

    def _draw(self, seed: int, label: int | None, name: str | None) -> np.ndarray:
        like = ImageBatch(torch.zeros(1, *self.spec.shape), torch.tensor([self._class(int(seed), label, name)]))
        with torch.inference_mode():
            image = self.model.sample(like, torch.Generator().manual_seed(int(seed) % 2**63))[0]
        return to_pixels(image[None])[0].transpose(1, 2, 0)

    def _class(self, seed: int, label: int | None, name: str | None) -> int:
        """The number of the class that is asked for; `seed` modulo the number of classes where none is."""
        count, names = self.spec.num_classes, self.model.names
        if name is not None and not self.model.takes_labels:
            raise UserError(f"class '{name}': this model takes no class.", remedy="leave out the column `class`")
        asked = [choose_class(word, names, count) for word in (_whole(label), name) if word is not None]
        if len({chosen.number for chosen in asked}) > 1:
            found = " and ".join(map(str, asked))
            raise UserError(f"One row asks for {found}.", expected="one class per row, in `class` or in `label`")
        if asked:
            return asked[0].number
        return seed % count if count else -1


def _cells(data: pd.DataFrame, column: str) -> list[Any]:
    """The cells of a column that may be left out; None in the rows without."""
    if column not in data:
        return [None] * len(data)
    return [None if empty else cell for cell, empty in zip(data[column], data[column].isna(), strict=True)]


def _whole(label: Any) -> Any:
    """A label as an integer where it is a whole number: a column with empty cells holds 3 as 3.0."""
    return int(label) if label is not None and int(label) == label else label


class Enlargements:
    """Given images, enlarged."""

    def __init__(self, model: Upscales) -> None:
        self.model = model

    def predict(self, data: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        with torch.inference_mode():
            large = [to_pixels(self.model.upscale(_images(image[None])))[0] for image in data]
        return np.stack(large).transpose(0, 2, 3, 1)


class Classes:
    """Class probabilities of given images."""

    def __init__(self, model: Classifies) -> None:
        self.model = model

    def predict(self, data: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        images = _images(data)
        with torch.inference_mode():
            logits = self.model.classify(ImageBatch(images, torch.full((len(images),), -1)))
        return logits.softmax(1).float().numpy()


def _images(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (B, H, W, C) as (B, C, H, W) in [-1, 1]."""
    return to_unit(torch.from_numpy(np.array(pixels, np.float32)).permute(0, 3, 1, 2))


class Forecasts:
    """Forecasts the steps that follow each given series; `names` are what the series of the training are called."""

    def __init__(self, model: Model, spec: SeriesSpec, names: Sequence[str] = ()) -> None:
        self.model, self.spec, self.names = model, spec, names

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        import pandas as pd

        given = {"seed": 0, "samples": SAMPLES, **(params or {})}
        parts = [self._forecast(past, given) for past in pasts.read(data, self.spec, self.names)]
        return pd.concat(parts, ignore_index=True)

    def _forecast(self, past: Past, given: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        last = cast("pd.Timestamp", past.stamps[-1])
        coming = pd.DatetimeIndex(steps_from(last, self.spec.horizon + 1, self.spec.freq)[1:])
        mean, levels = self._read(self._batch(past, coming), given)
        columns = {f"q{level}": values for level, values in zip(QUANTILES, levels, strict=True)}
        when = in_zone(coming, past.zone)
        return pd.DataFrame({"unique_id": past.name, "ds": when, "mean": mean, **columns})

    def _read(self, batch: SeriesBatch, given: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """The mean (H,) and `QUANTILES` (Q, H): the model's own where it has them, else those of drawn futures."""
        with torch.inference_mode():
            if isinstance(self.model, HasQuantiles):
                found = self.model.forecast_quantiles(batch, (*QUANTILES, *EVENLY))[0].double().numpy()
                return found[len(QUANTILES) :].mean(0), found[: len(QUANTILES)]
            like, generator = batch.repeat(int(given["samples"])), torch.Generator().manual_seed(int(given["seed"]))
            drawn = self.model.sample(like, generator).double().numpy()
        return drawn.mean(0), np.quantile(drawn, QUANTILES, axis=0)

    def _batch(self, past: Past, coming: pd.DatetimeIndex) -> SeriesBatch:
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
    return torch.from_numpy(time_features(stamps.to_numpy().astype("datetime64[us]"), freq))[None]


def _load_pyfunc(path: str) -> Images | Enlargements | Classes | Forecasts:
    """MLflow calls this with the folder that it downloaded.

    Raises:
        UserError: the folder is not exactly a published model; see `genfoundry.training.loader`.
    """
    model = load_model(Path(path))
    if isinstance(model.spec, SeriesSpec):
        return Forecasts(model, model.spec, model.names)
    if isinstance(model, Classifies) and not model.generative:
        return Classes(model)
    if isinstance(model, Upscales):
        return Enlargements(model)
    return Images(model, model.spec)
