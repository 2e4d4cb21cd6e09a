"""Features of images that no network had to be trained for, and how features are taken of many images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genfoundry.kinds.image.rows import ImageBatch, to_batch
from genfoundry.stopping import until_interrupted

CHUNK = 256  # images in one pass


@torch.inference_mode()
def in_chunks(function: Callable[[ImageBatch], Tensor], pixels: np.ndarray, device: torch.device) -> np.ndarray:
    """`function` of all images, a chunk at a time, as float32 on the CPU."""
    starts = until_interrupted(range(0, len(pixels), CHUNK))
    parts = [function(to_batch(pixels[i : i + CHUNK], device)) for i in starts]
    return torch.cat([part.float().cpu() for part in parts]).numpy()


class RandomFilters:
    """Mean rectified responses to fixed random filters, two layers deep: texture and sharpness, without labels.

    Random, untrained convolutions already order images by what they are made of (Saxe 2011; Ustyuzhaninov 2016). The
    first layer's filters have no mean, so brightness alone moves nothing.
    """

    def __init__(self, channels: int) -> None:
        generator = torch.Generator().manual_seed(0)
        first, second = (torch.randn(shape, generator=generator) for shape in ((32, channels, 5, 5), (32, 32, 3, 3)))
        first = first - first.mean((2, 3), keepdim=True)
        self.first, self.second = first / first.flatten(1).norm(dim=1)[:, None, None, None], second / 288**0.5
        self.name, self.id = "random32", f"random-filters:{channels}:32x5:32x3"

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        return in_chunks(self._respond, pixels, torch.device("cpu"))

    def _respond(self, batch: ImageBatch) -> Tensor:
        edges = torch.relu(F.conv2d(batch.images, self.first))
        edges = edges - edges.mean(1, keepdim=True)
        return torch.relu(F.conv2d(edges, self.second, stride=2)).mean((2, 3))
