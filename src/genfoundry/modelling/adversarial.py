"""The adversarial game that every GAN plays; a family brings its two networks and its paper's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim import Adam, Optimizer

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Losses, Model, Update
from genfoundry.modelling.layers import noise, shift
from genfoundry.modelling.losses import gan_discriminator, gan_generator, gradient_penalty


class Game(NamedTuple):
    """What one discriminator is asked about one batch: `score` gives its logits (B,) of real or generated examples."""

    score: Callable[[Tensor], Tensor]
    real: Tensor
    fake: Tensor


class Adversarial(Model[ImageBatch, ImageSpec]):
    """A generator of images against a discriminator; the averaged generator is published."""

    kind: ClassVar[str] = "image"
    averaged: ClassVar[tuple[str, ...]] = ("generator",)
    generator: nn.Module
    discriminator: nn.Module

    class Config(Model.Config):
        """Settings of the game."""

        loss: Literal["non_saturating", "minimax", "hinge", "relativistic"] = "non_saturating"
        penalty: float = Field(default=1.0, ge=0)  # γ of R1 on real examples, Mescheder 2018 §4.1; 0 for none
        penalty_every: int = Field(default=4, gt=0)  # lazily, Karras 2020 (StyleGAN2) §3.1
        spectral_norm: bool = False  # Miyato 2018
        learning_rate: float = Field(default=1e-3, gt=0)  # 2e-4 in Radford 2016, §4
        discriminator_learning_rate: float | None = Field(default=None, gt=0)
        betas: tuple[float, float] = (0.5, 0.99)  # (.5, .999) in Radford 2016, §4; (0, .9) in Miyato 2018, §4
        shift: int = Field(default=2, ge=0)  # pixels, on real and generated alike; Zhao 2020 (DiffAugment)

    config: Config

    def prepare(self) -> None:
        """Call once both networks are made: applies spectral normalisation where it is asked for."""
        if self.config.spectral_norm:
            for module in self.discriminator.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    spectral_norm(module)

    def optimizers(self) -> dict[str, Optimizer]:
        config, rate = self.config, self.config.discriminator_learning_rate or self.config.learning_rate
        return {
            "generator": Adam(self.generator.parameters(), config.learning_rate, config.betas, fused=True),
            "discriminator": Adam(self.discriminator.parameters(), rate, config.betas, fused=True),
        }

    def games(self, batch: ImageBatch) -> list[Game]:
        """What is played on one batch; all discriminators learn first, then all generators."""
        raise NotImplementedError

    def training_step(self, batch: ImageBatch, step: int, update: Update) -> Losses:
        config, games = self.config, self.games(batch)
        scores = [(game.score(game.real), game.score(game.fake.detach())) for game in games]
        discriminator_loss = torch.stack([gan_discriminator(*pair, config.loss) for pair in scores]).sum()
        penalised = discriminator_loss
        if config.penalty and step % config.penalty_every == 0:
            penalties = torch.stack([gradient_penalty(game.score, game.real) for game in games])
            penalised = penalised + config.penalty * config.penalty_every * penalties.sum()
        update("discriminator", penalised)

        self.discriminator.requires_grad_(False)
        generator_loss = torch.stack([self.generator_loss(game) for game in games]).sum()
        update("generator", generator_loss)
        self.discriminator.requires_grad_(True)
        on_real, on_fake = (torch.stack(side).detach() for side in zip(*scores, strict=True))
        return {
            "generator": generator_loss.detach(),
            "discriminator": discriminator_loss.detach(),
            "real_accuracy": (on_real > 0).float().mean(),
            "fake_accuracy": (on_fake < 0).float().mean(),
            "gap": on_real.mean() - on_fake.mean(),
        }

    def generator_loss(self, game: Game) -> Tensor:
        """What the generator minimises in one game."""
        paired = game.score(game.real) if self.config.loss == "relativistic" else None
        return gan_generator(game.score(game.fake), self.config.loss, paired)


class FromNoise(Adversarial):
    """Images from z ~ N(0, 1)."""

    class Config(Adversarial.Config):
        """Settings of the game, and the size of z."""

        latent_dim: int = Field(default=64, gt=0)

    config: Config

    def latents(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        """(B, latent_dim), one for each row of `like`."""
        return noise(len(like), self.config.latent_dim, generator, self.device)

    def make(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        """Images (B, C, H, W), one for each row of `like`."""
        return self.generator(self.latents(like, generator))

    def score(self, images: Tensor, like: ImageBatch) -> Tensor:
        """The discriminator's logits (B,) of `images` that stand for the rows of `like`."""
        return self.discriminator(images).flatten()

    def games(self, batch: ImageBatch) -> list[Game]:
        pixels = self.config.shift
        real, fake = shift(batch.images, pixels), shift(self.make(batch), pixels)
        return [Game(lambda images: self.score(images, batch), real, fake)]

    @torch.no_grad()
    def sample(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        return self.make(like, generator)
