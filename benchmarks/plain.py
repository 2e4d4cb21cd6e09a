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
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset

from benchmarks.networks import VariationalPerceptron


class Pictures(Dataset):
    """uint8 (N, 1, H, W) as pairs of a float tensor (1, side, side) and a label, in [-1, 1], or in [0, 1].

    Does, item by item, what torchvision's MNIST does with its transforms Resize, ToTensor and Normalize, which such
    scripts use.
    """

    def __init__(self, images: np.ndarray, side: int, signed: bool = True) -> None:
        self.images, self.side, self.signed = torch.from_numpy(np.array(images[:, 0])), side, signed
        self.labels = torch.zeros(len(images), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture, label = Image.fromarray(self.images[index].numpy()), int(self.labels[index])
        if picture.size != (self.side, self.side):
            picture = picture.resize((self.side, self.side), Image.Resampling.BILINEAR)
        array = torch.from_numpy(np.array(picture, np.uint8, copy=True))
        tensor = array.view(self.side, self.side, 1).permute(2, 0, 1).contiguous().float().div(255)
        return (_normalised(tensor) if self.signed else tensor), label


def _normalised(tensor: Tensor) -> Tensor:
    mean, deviation = (torch.as_tensor([0.5], dtype=tensor.dtype) for _ in range(2))
    if (deviation == 0).any():
        raise ValueError("a standard deviation is zero")
    return tensor.clone().sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))


def batches(pictures: Pictures, size: int) -> Iterator[Tensor]:
    """Shuffled batches for ever, in this process."""
    loader = DataLoader(pictures, batch_size=size, shuffle=True, drop_last=True)
    return (images for images, _ in itertools.chain.from_iterable(itertools.repeat(loader)))


def adversarial(
    generator: nn.Module, discriminator: nn.Module, data: Iterator[Tensor], latent: tuple[int, ...], rate: float = 2e-4
) -> Iterator[tuple[float, float]]:
    """The game of a GAN: discriminator and generator each take a step of Adam (.5, .999) on binary cross-entropy."""
    optimizer_g = Adam(generator.parameters(), lr=rate, betas=(0.5, 0.999))
    optimizer_d = Adam(discriminator.parameters(), lr=rate, betas=(0.5, 0.999))
    criterion = nn.BCELoss()
    for real in data:
        valid, fake = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        made = generator(torch.randn(len(real), *latent))

        optimizer_d.zero_grad()
        loss_d = criterion(discriminator(real), valid) + criterion(discriminator(made.detach()), fake)
        loss_d.backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        loss_g = criterion(discriminator(made), valid)
        loss_g.backward()
        optimizer_g.step()
        yield loss_g.item(), loss_d.item()


def variational(model: VariationalPerceptron, data: Iterator[Tensor]) -> Iterator[tuple[float]]:
    """A variational autoencoder on binary cross-entropy, Adam 1e-3."""
    optimizer = Adam(model.parameters(), lr=1e-3)
    for images in data:
        optimizer.zero_grad()
        loss = model.negative_bound(images)
        loss.backward()
        optimizer.step()
        yield (loss.item(),)
