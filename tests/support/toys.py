"""Models of known quality, for judges."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from genfoundry.kinds.image import storage
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Model
from genfoundry.records import Score
from genfoundry.task import Judgement

SPEC = ImageSpec(channels=1, height=28, width=28, num_classes=10)


class Toy(Model):
    """Hands back its training examples, as `noise` blurs them."""

    kind = "image"
    noise = 0.0

    def __init__(self) -> None:
        super().__init__(SPEC, Model.Config())
        self.weight = nn.Parameter(torch.zeros(1))

    def sample(self, like, generator=None):
        return like.images + self.noise * torch.randn(like.images.shape, generator=generator)


class Shapes(Toy):
    """A classifier by nearest class mean; its features are a fixed projection."""

    task = "classification"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        train = storage.read(folder, "train")
        rows = torch.from_numpy(train.images.copy()).float().flatten(1) / 127.5 - 1
        means = torch.stack([rows[torch.from_numpy(train.labels == label)].mean(0) for label in range(10)])
        self.register_buffer("means", means)
        self.register_buffer("axes", torch.randn(784, 24, generator=torch.Generator().manual_seed(0)) / 28)

    def embed(self, batch):
        return torch.relu(batch.images.flatten(1) @ self.axes)

    def classify(self, batch):
        return -torch.cdist(batch.images.flatten(1), self.means).square() / 20


def scores_of(found: Judgement, subject: str = "model") -> dict[str, Score]:
    return {score.name: score for score in found.scores if score.subject == subject}
