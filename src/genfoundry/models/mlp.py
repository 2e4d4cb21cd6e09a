"""Learning representations by back-propagating errors: the multilayer perceptron, the shallow discriminative baseline.

Rumelhart, Hinton, Williams, 1986 (Nature 323). One hidden layer; rectified units (Nair and Hinton 2010) in place of
the sigmoid.
"""

from __future__ import annotations

from math import prod

from pydantic import Field
from torch import Tensor, nn

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.classifier import Classifier


class MLP(Classifier):
    """Pixels, one hidden layer, class logits."""

    class Config(Classifier.Config):
        width: int = Field(default=128, gt=0)
        learning_rate: float = Field(default=2e-3, gt=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(prod(spec.shape), config.width), nn.ReLU())
        self.head = nn.Linear(config.width, spec.num_classes)

    def embed(self, batch: ImageBatch) -> Tensor:
        return self.hidden(batch.images)
