"""What MLflow serves: images of seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genfoundry import kind
from genfoundry.model import Model

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


class Predictor:
    """Draws an image for each seed."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> np.ndarray:
        """float32 (B, C, H, W) of seeds (B, 1)."""
        like = kind.of(self.model.spec).rows.example_batch(self.model.spec, 1)
        with torch.inference_mode():
            made = [self.model.sample(like, torch.Generator().manual_seed(int(seed))) for seed in np.ravel(data)]
        return torch.cat(made).numpy()


def signature(model: Any) -> ModelSignature:
    """int64 (B, 1) → float32 (B, C, H, W)."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    seeds = TensorSpec(np.dtype("int64"), (-1, 1))
    return ModelSignature(
        inputs=Schema([seeds]), outputs=Schema([TensorSpec(np.dtype("float32"), (-1, *model.spec.shape))])
    )
