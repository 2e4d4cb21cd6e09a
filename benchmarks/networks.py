"""The networks that both sides train, so that only the way of training differs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.modelling.layers import UpConv2d

CLASSES = 10


def dcgan_2016(latent: int = 100, width: int = 64) -> tuple[nn.Module, nn.Module]:
    """Radford 2016 for one channel of 28×28: generator (B, latent, 1, 1) → image, discriminator → probability (B, 1).

    The paper's rules (§3, §4) at a size that is halved twice: transposed and strided convolutions, batch normalisation
    in both networks but at their ends, ReLU and leaky ReLU of slope .2, `width` channels beside the image, doubled as
    it shrinks, weights from N(0, .02²).
    """
    generator = nn.Sequential(
        nn.ConvTranspose2d(latent, 2 * width, 7, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 7),
        nn.Flatten(),
        nn.Sigmoid(),
    )
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
    return generator, discriminator


def dcgan_32(latent: int = 100, *, fused: bool = False) -> tuple[nn.Module, nn.Module]:
    """The DCGAN of 32×32 that script collections ship: generator (B, latent) → (B, 1, 32, 32), discriminator → logits.

    `fused` writes upsampling and convolution as one transposed convolution: the same function.
    """
    generator = nn.Sequential(
        nn.Linear(latent, 128 * 8 * 8),
        nn.Unflatten(1, (128, 8, 8)),
        ChannelsLast() if fused else nn.Identity(),
        nn.BatchNorm2d(128),
        *_double(128, 128, fused),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2),
        *_double(128, 64, fused),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 3, padding=1),
        nn.Tanh(),
    )
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
        layers += [nn.BatchNorm2d(outputs)] if inputs > 1 else []
    return generator, nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 2 * 2, 1))


class ChannelsLast(nn.Module):
    """Lays a batch of images out with their channels last."""

    def forward(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)


def _double(inputs: int, outputs: int, fused: bool) -> list[nn.Module]:
    if fused:
        return [UpConv2d(inputs, outputs)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1)]


def perceptrons(latent: int = 100) -> tuple[nn.Module, nn.Module]:
    """The multilayer GAN of script collections: generator (B, latent) → (B, 1, 28, 28), discriminator → logits."""
    generator = _perceptron_generator(latent, 28)
    discriminator = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        nn.LeakyReLU(0.2),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
    )
    return generator, discriminator


def _perceptron_generator(inputs: int, side: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Linear(inputs, 128), nn.LeakyReLU(0.2)]
    for a, b in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(1024, side**2), nn.Tanh(), nn.Unflatten(1, (1, side, side)))


def told_perceptrons(latent: int = 100, side: int = 32) -> tuple[nn.Module, nn.Module]:
    """The conditional GAN of script collections: (B, latent), labels (B,) → (B, 1, side, side), and → logits (B, 1)."""
    discriminator: list[nn.Module] = [nn.Linear(side**2 + CLASSES, 512), nn.LeakyReLU(0.2)]
    for _ in range(2):
        discriminator += [nn.Linear(512, 512), nn.Dropout(0.4), nn.LeakyReLU(0.2)]
    generator = _perceptron_generator(latent + CLASSES, side)
    return Told(generator), Told(nn.Sequential(*discriminator, nn.Linear(512, 1)))


class Told(nn.Module):
    """`layers` told the class (B,) by an embedding behind the flattened rows (B, …) (Mirza 2014, §3.2)."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.label, self.layers = nn.Embedding(CLASSES, CLASSES), layers

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return self.layers(torch.cat([x.flatten(1), self.label(labels)], 1))


class VariationalPerceptron(nn.Module):
    """The 784-400-20 variational autoencoder of PyTorch's examples, over pixels in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.code = nn.Linear(784, 400), nn.Linear(400, 40)
        self.back, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def negative_bound(self, images: Tensor) -> Tensor:
        """Binary cross-entropy plus KL divergence of a batch (B, 1, 28, 28), summed."""
        pixels = images.flatten(1)
        mu, log_var = self.code(F.relu(self.hidden(pixels))).chunk(2, 1)
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)
        logits = self.out(F.relu(self.back(z)))
        reconstruction = F.binary_cross_entropy_with_logits(logits, pixels, reduction="sum")
        return reconstruction - 0.5 * (1 + log_var - mu.square() - log_var.exp()).sum()
