"""Conditional Image Generation with PixelCNN Decoders: the gated PixelCNN.

van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves, Kavukcuoglu, 2016 (arXiv 1606.05328).

The likelihood of an image is the product, pixel by pixel in reading order, of the likelihood of each value given all
before it (Eq. 1): exact, in honest bits per dimension. Two stacks of gated convolutions see what came before without a
blind spot (§2.3, Fig. 2). The colours of a pixel are laid side by side as columns, so that green follows red and blue
follows green (§2.2). Away from the paper: 2×3 and 1×2 kernels with growing dilation in place of wide ones (`kernel` and
`dilations` bring those back, and a CPU takes them by their frequencies), a learned bias of place, and sampling that
keeps what it has computed (Ramachandran 2017, arXiv 1704.06001), so that an image costs one pass and not one a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from genfoundry.kinds.image.pixels import to_levels
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.spectral import convolve


class PixelCNN(Model[ImageBatch, ImageSpec]):
    """Gated PixelCNN with a softmax over the values of a pixel (§2.1)."""

    kind: ClassVar[str] = "image"
    averaged: ClassVar[tuple[str, ...]] = ("network",)
    exact_likelihood: ClassVar[bool] = True

    class Config(Model.Config):
        width: int = Field(default=32, gt=0)  # channels of each stack; 128 in the paper
        layers: int = Field(default=6, gt=0)  # 15 in the paper
        kernel: Literal[3, 5, 7] = 3  # places across, and from the middle on up and to the left; 5 in the paper, §3.1
        dilations: tuple[int, ...] = (1, 2, 4)  # in turn; 1 in the paper
        levels: int = Field(default=256, ge=2, le=256)  # values a pixel may take; 256 in the paper, §2.1
        learning_rate: float = Field(default=2e-3, gt=0)
        clip: float = Field(default=1.0, gt=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.network = Network(spec.height, spec.width * spec.channels, config)
        edges = torch.arange(256) * config.levels // 256
        self.register_buffer("level_of", edges, persistent=False)  # (256,) the level of each 8-bit value
        self.register_buffer("sizes", edges.bincount().float(), persistent=False)  # 8-bit values in each level
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    level_of: Tensor
    sizes: Tensor

    def optimizers(self) -> dict[str, Optimizer]:
        return {"network": Adam(self.parameters(), self.config.learning_rate, fused=True)}

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        nats = -self.log_likelihood(batch).mean()
        dimensions = batch.images[0].numel()
        update("network", nats / dimensions, clip=self.config.clip)
        return {"bits_per_dim": nats.detach() / (dimensions * math.log(2))}

    def log_likelihood(self, batch: ImageBatch) -> Tensor:
        """(B,) exact, in nats; where there are fewer levels than 256, each holds its 8-bit values evenly."""
        levels = self.to_levels(batch.images)
        return self.log_probability(levels) - torch.log(self.sizes)[levels].flatten(1).sum(1)

    def log_probability(self, levels: Tensor) -> Tensor:
        """(B,) log p of whole images of levels (B, H, W·C), in nats."""
        logits = self.network(self.to_values(levels))
        return -F.cross_entropy(logits.float(), levels, reduction="none").flatten(1).sum(1)

    def to_levels(self, images: Tensor) -> Tensor:
        """(B, C, H, W) in [-1, 1] to int64 (B, H, W·C)."""
        columns = images.permute(0, 2, 3, 1).flatten(2)
        return self.level_of[to_levels(columns).long()]

    def to_values(self, levels: Tensor) -> Tensor:
        """What the network reads of levels, in [-1, 1]."""
        return levels / ((self.config.levels - 1) / 2) - 1

    def to_images(self, levels: Tensor) -> Tensor:
        """int64 (B, H, W·C) to (B, C, H, W) in [-1, 1]."""
        shape = (len(levels), self.spec.height, self.spec.width, self.spec.channels)
        return self.to_values(levels).reshape(shape).permute(0, 3, 1, 2).contiguous()

    @torch.no_grad()
    def sample(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        unknown = torch.zeros(like.images.shape, dtype=torch.bool, device=self.device)
        return self.complete(like.images, unknown, generator)

    @torch.no_grad()
    def complete(self, images: Tensor, known: Tensor, generator: Generator | None = None) -> Tensor:
        """Keep the pixels of `images` (B, C, H, W) where `known` is True, draw the others in reading order.

        What comes before a pixel conditions it; what comes after does not.
        """
        levels, fixed = self.to_levels(images), known.expand_as(images).permute(0, 2, 3, 1).flatten(2)
        drawing = Drawing(self.network, len(images))
        for row in range(levels.shape[1]):
            drawing.begin_row(row, self.to_values(levels[:, row - 1]) if row else None)
            if bool(fixed[:, row].all()):
                continue
            for column in range(levels.shape[2]):
                before = self.to_values(levels[:, row, column - 1]) if column else None
                chosen = _draw(drawing.logits(column, before), generator)
                levels[:, row, column] = torch.where(fixed[:, row, column], levels[:, row, column], chosen)
        return self.to_images(levels)


def _draw(logits: Tensor, generator: Generator | None) -> Tensor:
    """(B, levels) to (B,), by the inverse of the distribution function, from one uniform number each."""
    uniform = torch.rand(len(logits), 1, generator=generator).to(logits.device)
    return (logits.float().softmax(1).cumsum(1) < uniform).sum(1).clamp_max(logits.shape[1] - 1)


class Network(nn.Module):
    """Values (B, H, W) to logits (B, levels, H, W), those of a pixel from the values before it only."""

    def __init__(self, height: int, width: int, config: PixelCNN.Config) -> None:
        super().__init__()
        channels = config.width
        self.above, self.left = nn.Conv2d(2, channels, (1, 3), padding=(0, 1)), nn.Conv2d(2, channels, 1)
        self.place = nn.Parameter(torch.zeros(1, channels, height, width))
        dilations = [config.dilations[i % len(config.dilations)] for i in range(config.layers)]
        self.layers = nn.ModuleList(Gated(channels, config.kernel, dilation) for dilation in dilations)
        self.head = nn.Sequential(
            nn.ReLU(), nn.Conv2d(channels, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, config.levels, 1)
        )

    def forward(self, values: Tensor) -> Tensor:
        seen = torch.stack([values, torch.ones_like(values)], 1)  # (B, 2, H, W); zero in both is outside the image
        v = self.above(F.pad(seen, (0, 0, 1, 0))[:, :, :-1])
        h = self.left(F.pad(seen, (1, 0))[..., :-1]) + self.place
        v = v.contiguous(memory_format=torch.channels_last)
        for layer in self.gated():
            v, link = layer.vertical(v)
            h = layer.horizontal(h, link)
        return self.head(h)

    def gated(self) -> Iterator[Gated]:
        """The layers, by their type."""
        for layer in self.layers:
            assert isinstance(layer, Gated)
            yield layer


class Gated(nn.Module):
    """One layer of both stacks (Fig. 2); it looks `reach` rows up and `reach` columns to either side."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        taps, self.dilation, self.reach = kernel // 2 + 1, dilation, kernel // 2 * dilation
        self.down = nn.Conv2d(channels, 2 * channels, (taps, kernel), dilation=dilation)
        self.link = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.right = nn.Conv2d(channels, 2 * channels, (1, taps), dilation=dilation, bias=False)
        self.out = nn.Conv2d(channels, channels, 1)

    def vertical(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """The vertical stack's next features (B, D, H, W), and what the horizontal one takes of them (B, 2D, H, W)."""
        if self.reach > 1 == self.dilation and v.is_cpu and v.dtype == torch.float32:
            wide = convolve(v, self.down.weight, self.reach, self.reach)
            return self._linked(wide + self.down.bias[:, None, None])  # pyright: ignore[reportOptionalSubscript]
        return self.vertical_row(F.pad(v, (0, 0, self.reach, 0)))

    def vertical_row(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The same from rows that begin `reach` rows above."""
        return self._linked(self.down(F.pad(rows, (self.reach, self.reach))))

    def _linked(self, wide: Tensor) -> tuple[Tensor, Tensor]:
        return _gate(wide), self.link(wide)

    def horizontal(self, h: Tensor, link: Tensor) -> Tensor:
        """The horizontal stack's next features (B, D, H, W)."""
        return h + self.out(_gate(self.right(F.pad(h, (self.reach, 0))) + link))

    def horizontal_pixel(self, seen: Tensor, link: Tensor) -> Tensor:
        """The same for one pixel: features (taps, B, D), `dilation` columns apart, itself the last; link (B, 2D)."""
        taps = self.right.weight[:, :, 0].unbind(2)  # (2D, D) each
        gated = _gate(sum((h @ tap.T for h, tap in zip(seen, taps, strict=True)), link))
        return seen[-1] + F.linear(gated, self.out.weight[:, :, 0, 0], self.out.bias)


def _gate(x: Tensor) -> Tensor:
    """tanh of one half of the channels times the sigmoid of the other (Eq. 2)."""
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


class Drawing:
    """Images under way: the features of both stacks up to the pixel that is drawn next."""

    def __init__(self, network: Network, count: int) -> None:
        self.network = network
        _, channels, height, width = network.place.shape
        device, depth = network.place.device, len(network.layers)
        reach = [layer.reach for layer in network.gated()]
        # the vertical stack's rows and the horizontal one's columns, each after as many zeros as its layer looks back
        self.rows = [torch.zeros(count, channels, height + up, width, device=device) for up in reach]
        self.columns = [torch.zeros(width + left, count, channels, device=device) for left in reach]
        self.links: list[Tensor] = [torch.empty(0)] * depth
        self.row = 0

    def begin_row(self, row: int, above: Tensor | None) -> None:
        """Run the vertical stack over one row, given the values (B, W) of the row above it."""
        self.row = row
        width = self.network.place.shape[3]
        seen = self.rows[0].new_zeros(len(self.rows[0]), 2, 1, width)
        if above is not None:
            seen = torch.stack([above, torch.ones_like(above)], 1)[:, :, None]
        v = self.network.above(seen)
        for index, layer in enumerate(self.network.gated()):
            cache, back = self.rows[index], layer.reach
            cache[:, :, row + back] = v[:, :, 0]
            v, link = layer.vertical_row(cache[:, :, row : row + back + 1])
            self.links[index] = link[:, :, 0].permute(2, 0, 1).contiguous()  # (W, B, 2D)

    def logits(self, column: int, before: Tensor | None) -> Tensor:
        """(B, levels) of one pixel, given the values (B,) of the one before it in the row."""
        network = self.network
        h = network.place[:, :, self.row, column] + network.left.bias  # pyright: ignore[reportOperatorIssue]
        if before is not None:
            h = h + F.linear(torch.stack([before, torch.ones_like(before)], 1), network.left.weight[:, :, 0, 0])
        h = h.expand(len(self.rows[0]), -1)
        for index, layer in enumerate(network.gated()):
            cache = self.columns[index]
            cache[column + layer.reach] = h
            seen = cache[column : column + layer.reach + 1 : layer.dilation]
            h = layer.horizontal_pixel(seen, self.links[index][column])
        return network.head(h[:, :, None, None])[:, :, 0, 0]
