"""The discriminative baselines' common ground; a family brings the network that makes features of an image."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from genfoundry.errors import UserError
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.layers import shift


class Classifier(Model[ImageBatch, ImageSpec]):
    """A linear head on the features of `embed`, trained by cross-entropy on shifted images."""

    kind: ClassVar[str] = "image"
    task: ClassVar[str] = "classification"
    head: nn.Linear

    class Config(Model.Config):
        """Settings of the training."""

        learning_rate: float = Field(default=4e-3, gt=0)
        weight_decay: float = Field(default=0.05, ge=0)
        label_smoothing: float = Field(default=0.0, ge=0, lt=1)
        shift: int = Field(default=2, ge=0)  # pixels of random translation

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.num_classes < 2:
            raise UserError(
                f"A classifier needs labels of two classes; this dataset has {spec.num_classes or 'none'}.",
                expected="a folder a class, of two or more",
            )

    def optimizers(self) -> dict[str, Optimizer]:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return {"classifier": AdamW(self.parameters(), rate, (0.9, 0.99), weight_decay=decay, fused=True)}

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        logits = self.classify(ImageBatch(shift(batch.images, self.config.shift), batch.labels))
        loss = F.cross_entropy(logits, batch.labels, label_smoothing=self.config.label_smoothing)
        update("classifier", loss)
        accuracy = (logits.detach().argmax(1) == batch.labels).float().mean()
        return {"cross_entropy": loss.detach(), "accuracy": accuracy}

    def embed(self, batch: ImageBatch) -> Tensor:
        """(B, D) features: the last non-linearity."""
        raise NotImplementedError

    def classify(self, batch: ImageBatch) -> Tensor:
        """(B, num_classes) logits."""
        return self.head(self.embed(batch))
