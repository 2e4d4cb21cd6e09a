"""Auto-Encoding Variational Bayes.

Kingma, Welling, 2014 (arXiv 1312.6114).

The decoder's likelihood is a discretised logistic of learned scale (Salimans 2017), the counterpart for 8-bit values
of the learned shared variance of σ-VAE (Rybkin 2021): the bound is one of discrete data, in honest bits per dimension,
and no weight between the two terms has to be tuned. Such a decoder leaves the posterior far from N(0, 1), so samples
are drawn from a mixture fitted on the latents after training (Ghosh 2020, arXiv 1903.12436, §4); N(0, 1) stays as the
variant `standard_prior`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.optim import Adam, Optimizer

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.layers import UpConv2d, halvings, noise
from genfoundry.modelling.losses import discretised_logistic, kl_standard_normal
from genfoundry.modelling.mixture import GaussianMixture

LOG_SCALE = (-6.0, 2.0)


class VAE(Model[ImageBatch, ImageSpec]):
    """Convolutional encoder and decoder around a Gaussian latent."""

    kind: ClassVar[str] = "image"
    averaged: ClassVar[tuple[str, ...]] = ("encoder", "decoder")

    class Config(Model.Config):
        latent_dim: int = Field(default=16, gt=0)  # 3 to 200 in the paper, §5
        width: int = Field(
            default=16, gt=0
        )  # channels at full resolution; a perceptron of 500 hidden units in the paper, §5
        max_width: int = Field(default=64, gt=0)
        blocks: int = Field(default=1, ge=0)  # residual blocks at the coarsest grid, each way
        free_bits: float = Field(default=0.0, ge=0)  # nats a latent dimension, Kingma 2016 (IAF) App. C.8
        components: int = Field(default=20, gt=0)  # of the fitted prior
        learning_rate: float = Field(default=2e-3, gt=0)  # of Adam; Adagrad in the paper, §5
        clip: float = Field(default=200.0, gt=0)

    config: Config
    usual: Tensor

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        depth = halvings(spec)
        widths = [min(config.width * 2**level, config.max_width) for level in range(depth + 1)]
        grid = (widths[-1], spec.height >> depth, spec.width >> depth)
        self.encoder = encoder(spec, widths, grid, config)
        self.decoder = decoder(spec, widths[::-1], grid, config)
        self.log_scale = nn.Parameter(torch.tensor(-1.0))
        self.prior = GaussianMixture(config.components, config.latent_dim)
        self.register_buffer("usual", torch.tensor([[0.0, 1.0]] * 2))  # mean and deviation of both parts of a surprise
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def optimizers(self) -> dict[str, Optimizer]:
        return {"vae": Adam(self.parameters(), self.config.learning_rate, fused=True)}

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, latent_dim) of q(z | x)."""
        mu, log_var = self.encoder(images.contiguous(memory_format=torch.channels_last)).float().chunk(2, 1)
        return mu, log_var.clamp(-12, 6)

    def terms(self, images: Tensor, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """The two terms of the bound (Eq. 10): log p(x | z) (B,) and KL (B, latent_dim), in nats."""
        mu, log_var = self.posterior(images)
        z = mu + torch.exp(log_var / 2) * noise(len(mu), mu.shape[1], generator, mu.device)
        likelihood = discretised_logistic(images, self.decoder(z).float(), self.log_scale.clamp(*LOG_SCALE))
        return likelihood.flatten(1).sum(1), kl_standard_normal(mu, log_var)

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        log_likelihood, kl = self.terms(batch.images)
        regulariser = kl.mean(0).clamp_min(self.config.free_bits).sum()
        loss = regulariser - log_likelihood.mean()
        update("vae", loss, clip=self.config.clip * batch.images[0].numel() / 784)
        return {"negative_elbo": loss.detach(), "kl": kl.detach().sum(1).mean(), "log_scale": self.log_scale.detach()}

    @torch.no_grad()
    def after_training(self, batches: Iterable[ImageBatch]) -> None:
        generator, seen = Generator().manual_seed(0), list(batches)
        latents = [self._draw(batch, generator) for batch in seen]
        self.prior.fit(torch.cat(latents).cpu(), generator)
        parts = torch.cat([self._surprise(batch) for batch in seen])
        self.usual.copy_(torch.stack([parts.mean(0), parts.std(0).clamp_min(1e-6)], 1))

    def _draw(self, batch: ImageBatch, generator: Generator) -> Tensor:
        mu, log_var = self.posterior(batch.images)
        return mu + torch.exp(log_var / 2) * noise(len(mu), mu.shape[1], generator, mu.device)

    @torch.no_grad()
    def sample(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        return self.decoder(self.prior.sample(len(like), generator)).clamp(-1, 1)

    @torch.no_grad()
    def sample_standard(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        """The decoder on z ~ N(0, 1), as the paper samples."""
        return self.decoder(noise(len(like), self.config.latent_dim, generator, self.device)).clamp(-1, 1)

    def sample_variants(self) -> dict[str, Callable[[ImageBatch, Generator | None], Tensor]]:
        """What is judged beside `sample`."""
        return {"standard_prior": self.sample_standard}

    @torch.no_grad()
    def reconstruct(self, batch: ImageBatch) -> Tensor:
        return self.decode(self.embed(batch))

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z).clamp(-1, 1)

    def _surprise(self, batch: ImageBatch) -> Tensor:
        """(B, 2) in nats: of the image given its code, and of the code under the fitted prior."""
        mu = self.posterior(batch.images)[0]
        likelihood = discretised_logistic(batch.images, self.decoder(mu).float(), self.log_scale.clamp(*LOG_SCALE))
        code = self.prior.log_prob(mu.cpu()).to(mu)
        return -torch.stack([likelihood.flatten(1).sum(1), code], 1)

    @torch.no_grad()
    def anomaly_score(self, batch: ImageBatch) -> Tensor:
        """(B,) both surprises, each in deviations from what the training images cause, added: no labels are needed."""
        mean, deviation = self.usual.unbind(1)
        return ((self._surprise(batch) - mean) / deviation).sum(1)

    @torch.no_grad()
    def log_likelihood(self, batch: ImageBatch) -> Tensor:
        """(B,) the evidence lower bound in nats, from one draw of z."""
        log_likelihood, kl = self.terms(batch.images, Generator().manual_seed(0))
        return log_likelihood - kl.sum(1)

    @torch.no_grad()
    def embed(self, batch: ImageBatch) -> Tensor:
        return self.posterior(batch.images)[0]


def encoder(spec: ImageSpec, widths: list[int], grid: tuple[int, int, int], config: VAE.Config) -> nn.Sequential:
    """(B, C, H, W) → (B, 2 · latent_dim): strided convolutions to the grid, residual blocks there, a dense layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip([spec.channels, *widths[1:-1]], widths[1:], strict=True):
        layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.SiLU()]
    blocks = [Residual(widths[-1]) for _ in range(config.blocks)]
    return nn.Sequential(*layers, *blocks, nn.Flatten(), nn.Linear(grid[0] * grid[1] * grid[2], 2 * config.latent_dim))


def decoder(spec: ImageSpec, widths: list[int], grid: tuple[int, int, int], config: VAE.Config) -> nn.Sequential:
    """(B, latent_dim) → (B, C, H, W), the mean of p(x | z): the encoder in reverse.

    Its end is linear: a logistic's best constant is the median, black, where a tanh saturates and nothing is learned.
    """
    layers: list[nn.Module] = [nn.Linear(config.latent_dim, grid[0] * grid[1] * grid[2]), nn.Unflatten(1, grid)]
    layers += [nn.SiLU(), *(Residual(widths[0]) for _ in range(config.blocks))]
    for inputs, outputs in itertools.pairwise(widths):
        layers += [UpConv2d(inputs, outputs), nn.SiLU()]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], spec.channels, 3, padding=1))


class Residual(nn.Module):
    """x + f(x), f two 3×3 convolutions of the same width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)  # a sum has the layout of its first term
        return x + self.layers(x)
