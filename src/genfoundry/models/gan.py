"""Generative Adversarial Nets.

Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio, 2014 (arXiv 1406.2661).

Two multilayer perceptrons: one makes images from noise, the other tells them from real ones. The paper's own game is
`loss: minimax, penalty: 0, shift: 0`; the defaults are the non-saturating loss of its §3 with a gradient penalty, an
averaged generator and small translations, which train to sharper digits in the same time.
"""

from __future__ import annotations

from math import prod

from pydantic import Field
from torch import nn

from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.adversarial import FromNoise


class GAN(FromNoise):
    """Multilayer perceptrons (§5)."""

    class Config(FromNoise.Config):
        latent_dim: int = Field(default=100, gt=0)  # as in the authors' MNIST experiments
        width: int = Field(default=256, gt=0)  # of the narrowest layer; the paper gives no sizes, §5

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        size, width = prod(spec.shape), config.width
        self.generator = nn.Sequential(
            *_dense(config.latent_dim, width),
            *_dense(width, 2 * width),
            *_dense(2 * width, 2 * width),
            nn.Linear(2 * width, size),
            nn.Tanh(),
            nn.Unflatten(1, spec.shape),
        )
        self.discriminator = nn.Sequential(
            nn.Flatten(),
            nn.Linear(size, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )
        self.prepare()


def _dense(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()
