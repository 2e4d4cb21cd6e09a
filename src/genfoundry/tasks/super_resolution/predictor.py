"""Enlarged images from a registered model.

in   uint8 (B, h, w, C), of any size
out  uint8 (B, scale · h, scale · w, C)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import to_batch
from genfoundry.model import Model, Upscales

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


class Predictor:
    """Given images, enlarged."""

    def __init__(self, model: Model) -> None:
        self.model = cast(Upscales, model)

    def predict(self, data: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """uint8 (B, h, w, C) to uint8 (B, scale · h, scale · w, C), one image at a time, since they may be large."""
        with torch.inference_mode():
            large = [to_pixels(self.model.upscale(_images(image[None])))[0] for image in data]
        return np.stack(large).transpose(0, 2, 3, 1)


def _images(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (B, H, W, C) as (B, C, H, W) in [-1, 1]."""
    return to_batch(np.asarray(pixels).transpose(0, 3, 1, 2), torch.device("cpu")).images


def signature(model: Model) -> ModelSignature:
    """What goes in and comes out of the served model."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    images = TensorSpec(np.dtype("uint8"), (-1, -1, -1, model.spec.channels))
    return ModelSignature(inputs=Schema([images]), outputs=Schema([images]))
