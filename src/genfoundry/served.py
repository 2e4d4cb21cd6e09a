"""What `mlflow.pyfunc.load_model` finds behind a published model, where genfoundry is installed.

MLflow imports this module because the model's `MLmodel` names it; the folder itself carries no code. From a registry
that you don't trust, load through `genfoundry.tracking.load_version`, which checks the folder before MLflow reads it.

    images      in: `seed` (long), `label` (long, optional)   out: uint8 (B, H, W, C), one image a row
    enlarger    in: uint8 (B, h, w, C), of any size           out: uint8 (B, scale · h, scale · w, C)
    classifier  in: uint8 (B, H, W, C)                        out: float32 (B, classes), probabilities
    series      in: `unique_id`, `ds`, `y`, a past of at least `context` steps a series; `series` (long), its number
                    in the training, where not all of the training's series are given
                out: `unique_id`, `ds`, `mean` and quantiles, `horizon` rows a series; parameters `seed`, `samples`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genfoundry.batch import ImageBatch, SeriesBatch
from genfoundry.errors import UserError
from genfoundry.features import to_pixels
from genfoundry.kinds.series import time_features
from genfoundry.loader import load_model
from genfoundry.model import Classifies, Model, Upscales
from genfoundry.records import ImageSpec, SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
MAX_ROWS = 10_000  # images in one call
SAMPLES = 200


class Images:
    """Draws one image a row; a row's image depends on its seed and label alone, so batching changes nothing."""

    def __init__(self, model: Model, spec: ImageSpec) -> None:
        self.model, self.spec = model, spec

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        if len(data) > MAX_ROWS:
            raise UserError(f"{len(data)} rows in one call.", expected=f"at most {MAX_ROWS}")
        if not len(data):
            return np.zeros((0, self.spec.height, self.spec.width, self.spec.channels), np.uint8)
        labels = data["label"] if "label" in data else [None] * len(data)
        return np.stack([self._draw(seed, label) for seed, label in zip(data["seed"], labels, strict=True)])

    def _draw(self, seed: int, label: int | None) -> np.ndarray:
        """Where no label is given, `seed` modulo the number of classes."""
        classes, number = self.spec.num_classes, int(seed)
        if label is None or label != label:  # NaN: left out in this row
            label = number % classes if classes else -1
        elif not 0 <= int(label) < classes:
            raise UserError(f"label {int(label)}.", expected=f"0 to {classes - 1}")
        like = ImageBatch(torch.zeros(1, *self.spec.shape), torch.tensor([int(label)]))
        with torch.inference_mode():
            image = self.model.sample(like, torch.Generator().manual_seed(number % 2**63))[0]
        return to_pixels(image[None])[0].transpose(1, 2, 0)


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
    return torch.from_numpy(np.array(pixels, np.float32)).permute(0, 3, 1, 2) / 127.5 - 1


class Forecasts:
    """Forecasts the steps that follow each given series."""

    def __init__(self, model: Model, spec: SeriesSpec) -> None:
        self.model, self.spec = model, spec

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        import pandas as pd

        given = {"seed": 0, "samples": SAMPLES, **(params or {})}
        groups = sorted(data.groupby("unique_id"), key=lambda group: str(group[0]))
        numbers = self._numbers([frame for _, frame in groups])
        parts = [self._forecast(str(name), i, frame, given) for i, (name, frame) in zip(numbers, groups, strict=True)]
        return pd.concat(parts, ignore_index=True)

    def _numbers(self, frames: list[pd.DataFrame]) -> list[int]:
        """Which series of the training each one is: its column `series`, or its place where all of them are given."""
        known = self.spec.num_series
        if not all("series" in frame and frame["series"].notna().all() for frame in frames):
            if len(frames) == known:
                return list(range(known))
            raise UserError(
                f"{len(frames)} series without their numbers, of a model that learned {known}.",
                expected=f"all {known} series, or a column `series` with the number of each, 0 to {known - 1}, "
                "in the alphabetical order of the training's unique_id",
            )
        numbers = [int(frame["series"].iloc[0]) for frame in frames]
        if wrong := [number for number in numbers if not 0 <= number < known]:
            raise UserError(f"series {wrong[0]}.", expected=f"0 to {known - 1}")
        return numbers

    def _forecast(self, name: str, number: int, frame: pd.DataFrame, given: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        past, stamps = self._past(name, frame)
        coming = pd.date_range(stamps[-1], periods=self.spec.horizon + 1, freq=self.spec.freq)[1:]
        like = self._batch(past, stamps, coming, number).repeat(int(given["samples"]))
        with torch.inference_mode():
            drawn = self.model.sample(like, torch.Generator().manual_seed(int(given["seed"]))).double().numpy()
        columns = {f"q{quantile}": np.quantile(drawn, quantile, axis=0) for quantile in QUANTILES}
        return pd.DataFrame({"unique_id": name, "ds": coming, "mean": drawn.mean(0), **columns})

    def _past(self, name: str, frame: pd.DataFrame) -> tuple[np.ndarray, pd.DatetimeIndex]:
        """The last `context` values, NaN where missing, on the whole grid."""
        import pandas as pd

        stamps = pd.DatetimeIndex(pd.to_datetime(frame["ds"], utc=True)).tz_localize(None)
        values = pd.Series(frame["y"].to_numpy(np.float64), stamps).sort_index()
        if values.index.has_duplicates:
            raise UserError(f"Series '{name}' has two rows at one time.", expected="one row a time stamp")
        grid = pd.date_range(values.index[0], values.index[-1], freq=self.spec.freq)
        if len(grid) < self.spec.context or len(values.index.difference(grid)):
            raise UserError(
                f"Series '{name}' covers {len(grid)} steps of '{self.spec.freq}' with {len(values)} rows.",
                expected=f"at least {self.spec.context} steps, every time stamp on that grid",
            )
        last = grid[-self.spec.context :]
        return values.reindex(last).to_numpy(), pd.DatetimeIndex(last)

    def _batch(self, past: np.ndarray, stamps: Any, coming: Any, number: int) -> SeriesBatch:
        seen = np.isfinite(past)
        times = [time_features(index.to_numpy().astype("datetime64[us]"), self.spec.freq) for index in (stamps, coming)]
        empty = torch.zeros(1, self.spec.horizon)
        return SeriesBatch(
            torch.from_numpy(np.where(seen, past, 0).astype(np.float32))[None],
            torch.from_numpy(seen.astype(np.float32))[None],
            torch.from_numpy(times[0])[None],
            empty,
            empty,
            torch.from_numpy(times[1])[None],
            torch.tensor([number]),
        )


def _load_pyfunc(path: str) -> Images | Enlargements | Classes | Forecasts:
    """MLflow calls this with the folder that it downloaded.

    Raises:
        UserError: the folder is not exactly a published model; see `genfoundry.loader`.
    """
    model = load_model(Path(path))
    if isinstance(model.spec, SeriesSpec):
        return Forecasts(model, model.spec)
    if isinstance(model, Classifies) and not model.generative:
        return Classes(model)
    if isinstance(model, Upscales):
        return Enlargements(model)
    return Images(model, model.spec)
