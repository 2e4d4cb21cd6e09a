"""A residual convolutional classifier: the deep discriminative baseline, and the domain feature extractor.

After He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016 (arXiv 1512.03385), small: three stages
of one residual block. Its penultimate features, after the non-linearity, are the space in which generated images of
the same dataset are judged.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.classifier import Classifier


class CNN(Classifier):
    """Class logits, and features of `4 · width` dimensions."""

    class Config(Classifier.Config):
        width: int = Field(default=16, gt=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
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

    def embed(self, batch: ImageBatch) -> Tensor:
        """(B, 4 · width) features: the mean over space of the last non-linearity."""
        return self.features(batch.images.contiguous(memory_format=torch.channels_last)).mean((2, 3))


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
