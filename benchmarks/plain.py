"""The usual way: plain PyTorch loops as tutorials and script collections ship them.

One picture object an item behind a DataLoader, fp32, Adam without fusion, BCE on a sigmoid, losses read every step.
Every function yields once a step, so that a caller decides how long it runs. Nothing of genfoundry is used here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset

from benchmarks.networks import CLASSES, VariationalPerceptron


class Pictures(Dataset):
    """uint8 (N, 1, H, W) as pairs of a float tensor (1, side, side) and a label, in [-1, 1], or in [0, 1].

    Does, item by item, what torchvision's MNIST does with its transforms Resize, ToTensor and Normalize, which such
    scripts use.
    """

    def __init__(self, images: np.ndarray, side: int, signed: bool = True) -> None:
        self.images, self.side, self.signed = torch.from_numpy(np.array(images[:, 0])), side, signed
        self.labels = torch.arange(len(images)) % CLASSES  # stand-ins: no speed depends on them

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture, label = Image.fromarray(self.images[index].numpy()), int(self.labels[index])
        if picture.size != (self.side, self.side):
            picture = picture.resize((self.side, self.side), Image.Resampling.BILINEAR)
        tensor = _tensor(picture)
        return (_normalised(tensor) if self.signed else tensor), label


class Crops(Dataset):
    """uint8 (N, 3, H, W) as pairs of (3, H/4, W/4) and (3, H, W) in [-1, 1], the first reduced by PIL."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        picture = Image.fromarray(self.images[index])
        low = picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.BICUBIC)
        return _normalised(_tensor(low)), _normalised(_tensor(picture))


def _tensor(picture: Image.Image) -> Tensor:
    array = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    return array.view(picture.height, picture.width, -1).permute(2, 0, 1).contiguous().float().div(255)


def _normalised(tensor: Tensor) -> Tensor:
    mean, deviation = (torch.as_tensor([0.5], dtype=tensor.dtype) for _ in range(2))
    if (deviation == 0).any():
        raise ValueError("a standard deviation is zero")
    return tensor.clone().sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))


def pairs(items: Dataset, size: int) -> Iterator[list[Tensor]]:
    """Shuffled batches for ever, in this process."""
    loader = DataLoader(items, batch_size=size, shuffle=True, drop_last=True)
    return itertools.chain.from_iterable(itertools.repeat(loader))


def adversarial(
    generator: nn.Module, discriminator: nn.Module, data: Iterator[list[Tensor]], latent: tuple[int, ...]
) -> Iterator[tuple[float, float]]:
    """The game of a GAN: discriminator and generator each take a step of Adam (.5, .999) on binary cross-entropy."""
    game = Game(generator, discriminator)
    for real, _ in data:
        yield game.turn(real, generator(torch.randn(len(real), *latent)))


def conditional(
    generator: nn.Module, discriminator: nn.Module, data: Iterator[list[Tensor]], latent: tuple[int, ...]
) -> Iterator[tuple[float, float]]:
    """The same where both are told the class."""
    game = Game(generator, discriminator)
    for real, labels in data:
        yield game.turn(real, generator(torch.randn(len(real), *latent), labels), labels)


def super_resolution(
    generator: nn.Module, discriminator: nn.Module, data: Iterator[list[Tensor]]
) -> Iterator[tuple[float, float]]:
    """The same from reduced images; the generator's loss is the pixels' L1 and a thousandth of the game's."""
    game = Game(generator, discriminator, weight=1e-3)
    for low, high in data:
        made = generator(low)
        yield game.turn(high, made, content=F.l1_loss(made, high))


class Game:
    """Both players' optimisers, and a turn of each."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, weight: float = 1.0) -> None:
        self.discriminator, self.weight, self.criterion = discriminator, weight, nn.BCELoss()
        self.optimizer_g = Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_d = Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def turn(
        self, real: Tensor, made: Tensor, *condition: Tensor, content: Tensor | float = 0.0
    ) -> tuple[float, float]:
        """The losses of generator and discriminator."""
        self.optimizer_d.zero_grad()
        on_real = self.discriminator(real, *condition)
        valid, fake = torch.ones_like(on_real), torch.zeros_like(on_real)
        on_fake = self.discriminator(made.detach(), *condition)
        loss_d = self.criterion(on_real, valid) + self.criterion(on_fake, fake)
        loss_d.backward()
        self.optimizer_d.step()

        self.optimizer_g.zero_grad()
        loss_g = content + self.weight * self.criterion(self.discriminator(made, *condition), valid)
        loss_g.backward()
        self.optimizer_g.step()
        return loss_g.item(), loss_d.item()


def variational(model: VariationalPerceptron, data: Iterator[list[Tensor]]) -> Iterator[tuple[float]]:
    """A variational autoencoder on binary cross-entropy, Adam 1e-3."""
    optimizer = Adam(model.parameters(), lr=1e-3)
    for images, _ in data:
        optimizer.zero_grad()
        loss = model.negative_bound(images)
        loss.backward()
        optimizer.step()
        yield (loss.item(),)


def autoregressive(network: nn.Module, data: Iterator[list[Tensor]]) -> Iterator[tuple[float]]:
    """A softmax over the 256 values of every pixel, Adam 1e-3; images (B, 1, H, W) in [0, 1]."""
    optimizer = Adam(network.parameters(), lr=1e-3)
    for images, _ in data:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images), (images[:, 0] * 255).round().long())
        loss.backward()
        optimizer.step()
        yield (loss.item(),)


@torch.no_grad()
def drawn(network: nn.Module, count: int, height: int, width: int, random: torch.Generator) -> Tensor:
    """Levels (count, height, width) drawn pixel by pixel, by a whole pass of `network` for each.

    `network` maps values (B, H, W) in [-1, 1] to logits (B, levels, H, W). Drawn by the inverse of the distribution
    function, one uniform number for each.
    """
    values, levels = torch.zeros(count, height, width), torch.zeros(count, height, width, dtype=torch.int64)
    for row in range(height):
        for column in range(width):
            chances = network(values)[:, :, row, column].softmax(1)
            uniform = torch.rand(count, 1, generator=random)
            chosen = (chances.cumsum(1) < uniform).sum(1).clamp(max=chances.shape[1] - 1)
            levels[:, row, column] = chosen
            values[:, row, column] = chosen / ((chances.shape[1] - 1) / 2) - 1
    return levels
