"""PixelCNN's drawing that keeps what it has computed, beside a whole pass of the network for every pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.measure import Clock, Row, Timing, interleaved
from benchmarks.plain import drawn
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.models.pixelcnn import PixelCNN


def row(side: int, count: int, rounds: int) -> Row:
    """The default PixelCNN draws `count` grey images of side×side both ways, by the same uniform numbers.

    Raises:
        AssertionError: the images differ.
    """
    model = untrained(ImageSpec(channels=1, height=side, width=side))
    like = ImageBatch(torch.zeros(count, 1, side, side), torch.zeros(count, dtype=torch.int64))
    found: list[Tensor] = []

    def kept() -> Timing:
        clock = Clock()
        found.append(model.sample(like, torch.Generator().manual_seed(0)))
        return clock.read()

    def anew() -> Timing:
        clock = Clock()
        found.append(model.to_images(drawn(model.network, count, side, side, torch.Generator().manual_seed(0))))
        return clock.read()

    mine, theirs = interleaved(kept, anew, rounds=rounds)
    same = min(float((images == found[0]).flatten(1).all(1).float().mean()) for images in found)
    if same < 1:
        raise AssertionError(f"only {same:.0%} of the images are the same")
    what = f"PixelCNN draws {count} images of {side}×{side}, beside a pass for every pixel"
    return Row(what, mine, theirs, "≥ 3", unit="images/s", items=count)


def untrained(spec: ImageSpec) -> PixelCNN:
    """A PixelCNN with weights so large that a pixel depends on what comes before, without training."""
    torch.manual_seed(0)
    model = PixelCNN(spec, PixelCNN.Config()).eval()
    for module in model.network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.mul_(2)
    nn.init.normal_(model.network.head[-1].weight)  # pyright: ignore[reportArgumentType]
    return model
