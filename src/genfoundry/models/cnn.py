"""A residual convolutional classifier: the deep discriminative baseline, and the domain feature extractor.

After He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016 (arXiv 1512.03385), small: three stages
of one residual block. Its penultimate features, after the non-linearity, are the space in which generated images of
the same dataset are judged.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from genfoundry.batch import ImageBatch
from genfoundry.errors import UserError
from genfoundry.layers import shift
from genfoundry.model import Losses, Model, Task, Update
from genfoundry.records import ImageSpec


class CNN(Model[ImageBatch]):
    """Class logits, and features of `4 · width` dimensions."""

    kind: ClassVar[str] = "image"
    task: ClassVar[Task] = "classification"

    class Config(Model.Config):
        width: int = Field(default=16, gt=0)
        learning_rate: float = Field(default=4e-3, gt=0)
        weight_decay: float = Field(default=0.05, ge=0)
        label_smoothing: float = Field(default=0.0, ge=0, lt=1)
        shift: int = Field(default=2, ge=0)  # pixels of random translation

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.num_classes < 2:
            raise UserError(
                f"A classifier needs labels; this dataset has {spec.num_classes} classes.",
                expected="two classes or more (one folder a class)",
            )
        width = config.width
        self.features = nn.Sequential(
            nn.Conv2d(spec.channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            Stage(width, 2 * width),
            Stage(2 * width, 4 * width),
        )
        self.head = nn.Linear(4 * width, spec.num_classes)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

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
        """(B, 4 · width) features: the mean over space of the last non-linearity."""
        return self.features(batch.images.contiguous(memory_format=torch.channels_last)).mean((2, 3))

    def classify(self, batch: ImageBatch) -> Tensor:
        return self.head(self.embed(batch))


class Stage(nn.Module):
    """Halve the image with a strided convolution, then one residual block: (B, C, H, W) → (B, D, ⌈H/2⌉, ⌈W/2⌉)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )
        self.residual = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return torch.relu(x + self.residual(x))
