"""Bidirectional Recurrent Neural Networks, over the rows of an image as a sequence.

Schuster, Paliwal, 1997 (IEEE Transactions on Signal Processing 45), with the gated unit of Cho 2014 (arXiv 1406.1078).
One direction reads from the top, the other from the bottom; the features are their means over the rows.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.classifier import Classifier


class RNNClassifier(Classifier):
    """Rows, a bidirectional GRU, class logits."""

    class Config(Classifier.Config):
        hidden: int = Field(default=64, gt=0)  # of each direction

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.recurrent = nn.GRU(spec.channels * spec.width, config.hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * config.hidden, spec.num_classes)

    def embed(self, batch: ImageBatch) -> Tensor:
        rows = batch.images.transpose(1, 2).flatten(2)  # (B, C, H, W) → (B, H, C·W)
        return self.recurrent(rows)[0].mean(1)
