"""The classes of given images, from a registered model.

in   uint8 (B, H, W, C)
out  float32 (B, classes), probabilities
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from genfoundry.kinds.image.rows import to_batch
from genfoundry.model import Classifies, Model

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


class Predictor:
    """Class probabilities of given images."""

    def __init__(self, model: Model) -> None:
        self.model = cast(Classifies, model)

    def predict(self, data: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """uint8 (B, H, W, C) to float32 (B, classes), each row's sum 1."""
        batch = to_batch(np.asarray(data).transpose(0, 3, 1, 2), torch.device("cpu"))
        with torch.inference_mode():
            return self.model.classify(batch).softmax(1).float().numpy()


def signature(model: Model) -> ModelSignature:
    """What goes in and comes out of the served model."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    spec = model.spec
    image = TensorSpec(np.dtype("uint8"), (-1, spec.height, spec.width, spec.channels))
    likely = TensorSpec(np.dtype("float32"), (-1, spec.num_classes))
    return ModelSignature(inputs=Schema([image]), outputs=Schema([likely]))
