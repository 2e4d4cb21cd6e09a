"""Title of the paper, which `genfoundry models` shows.

Authors, year (where). What the family does, and where it departs from the paper. This one is a small variational
autoencoder (Kingma and Welling 2014, arXiv 1312.6114): replace what is below, keep the promises.
"""

from __future__ import annotations

from math import prod

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.optim import Adam, Optimizer

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.losses import kl_standard_normal


class Template(Model[ImageBatch, ImageSpec]):
    """Dense layers to a normal code and back."""

    kind = "image"  # of data: genfoundry data list
    task = "generation"  # what judges it
    averaged = ("decoder",)  # the modules whose moving average is judged and published

    class Config(Model.Config):
        """What a recipe may set, below `model`."""

        width: int = Field(default=128, gt=0)
        latent_dim: int = Field(default=16, gt=0)
        learning_rate: float = Field(default=1e-3, gt=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        pixels = prod(spec.shape)
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, config.width), nn.ReLU(), nn.Linear(config.width, 2 * config.latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(config.latent_dim, config.width), nn.ReLU(), nn.Linear(config.width, pixels), nn.Tanh()
        )

    def optimizers(self) -> dict[str, Optimizer]:
        return {"vae": Adam(self.parameters(), self.config.learning_rate)}

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        mu, log_var = self.encoder(batch.images).chunk(2, 1)  # (B, latent_dim) each
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)
        error = (self.decoder(z) - batch.images.flatten(1)).square().sum(1).mean()
        kl = kl_standard_normal(mu, log_var).sum(1).mean()
        update("vae", error + 0.1 * kl)
        return {"error": error.detach(), "kl": kl.detach()}

    @torch.no_grad()
    def sample(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        # drawn on the CPU, so that a seed means the same on every machine
        z = torch.randn(len(like), self.config.latent_dim, generator=generator).to(self.device)
        return self.decoder(z).view(-1, *self.spec.shape)
