"""Generated images from a registered model: one for each seed.

in   `seed` (long); optional: `class` (string), the name of a class, or `label` (long), its number; a name that is that
     number wins over a place
out  uint8 (B, H, W, C), one image per row
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genfoundry.errors import UserError
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.model import Model
from genfoundry.training.naming import choose_class

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

MAX_ROWS = 10_000  # images in one call


class Predictor:
    """Draws one image per row; a row's image depends on its seed and class alone, so batching changes nothing."""

    def __init__(self, model: Model) -> None:
        self.model, self.spec = model, model.spec

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The images of these rows, in their order: uint8 (B, H, W, C).

        Raises:
            UserError: there are too many rows, or one asks for a class that is not there.
        """
        if len(data) > MAX_ROWS:
            raise UserError(f"{len(data)} rows in one call.", expected=f"at most {MAX_ROWS}")
        if not len(data):
            return np.zeros((0, self.spec.height, self.spec.width, self.spec.channels), np.uint8)
        rows = zip(data["seed"], _cells(data, "label"), _cells(data, "class"), strict=True)
        return np.stack([self._draw(*row) for row in rows])

    def _draw(self, seed: int, label: int | None, name: str | None) -> np.ndarray:
        """uint8 (H, W, C)."""
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


def signature(model: Model) -> ModelSignature:
    """What goes in and comes out of the served model."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    spec = model.spec
    optional = [ColSpec("long", "label", required=False)] if spec.num_classes else []
    optional += [ColSpec("string", "class", required=False)] if model.takes_labels else []
    image = TensorSpec(np.dtype("uint8"), (-1, spec.height, spec.width, spec.channels))
    return ModelSignature(inputs=Schema([ColSpec("long", "seed"), *optional]), outputs=Schema([image]))
