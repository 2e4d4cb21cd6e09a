"""Losses that families share: pure functions of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def gan_discriminator(real: Tensor, fake: Tensor, loss: str = "non_saturating") -> Tensor:
    """What the discriminator minimises, given its logits (B,) on real and on generated examples.

    `non_saturating` and `minimax` share it (Goodfellow 2014, Eq. 1); `hinge` is Lim & Ye 2017; `relativistic` pairs
    each generated example with a real one (Jolicoeur-Martineau 2018; R3GAN 2025, §2).
    """
    if loss == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if loss == "relativistic":
        return F.softplus(fake - real).mean()
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def gan_generator(fake: Tensor, loss: str = "non_saturating", real: Tensor | None = None) -> Tensor:
    """What the generator minimises, given the discriminator's logits (B,).

    `minimax` is Goodfellow 2014, Eq. 1, `non_saturating` its §3; `relativistic` needs the logits on `real` too.
    """
    if loss == "hinge":
        return -fake.mean()
    if loss == "minimax":
        return -F.softplus(fake).mean()
    if loss == "relativistic":
        assert real is not None
        return F.softplus(real - fake).mean()
    return F.softplus(-fake).mean()


def gradient_penalty(score: Callable[[Tensor], Tensor], examples: Tensor) -> Tensor:
    """R1: half the mean squared norm of the score's gradient at `examples` (Mescheder 2018, §4.1), in fp32."""
    examples = examples.detach().float().requires_grad_(True)
    with torch.autocast(examples.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(score(examples).sum(), examples, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean() / 2


def kl_standard_normal(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp log_var) ‖ N(0, 1)) in nats per dimension, unreduced (Kingma 2014, Appendix B)."""
    return (mu.square() + log_var.exp() - log_var - 1) / 2


def discretised_logistic(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-probability in nats of 8-bit values `x` in [-1, 1] under a logistic cut into 256 bins, unreduced.

    The outer bins reach to infinity, so the 256 probabilities sum to 1 (Salimans 2017, PixelCNN++, §2.1).
    """
    inverse = torch.exp(-log_scale)
    upper = inverse * (x - mean + 1 / 255)
    lower = inverse * (x - mean - 1 / 255)
    # log(σ(u) − σ(l)) = u-term + l-term + log(1 − e^{l−u}), without the cancellation of the plain difference
    inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    inside = torch.where(x < -0.999, F.logsigmoid(upper), inside)
    return torch.where(x > 0.999, F.logsigmoid(-lower), inside)


def bits_per_dim(nats: Tensor | float, dimensions: int) -> Tensor | float:
    """Nats of a whole example as bits for each of its `dimensions`."""
    return nats / (dimensions * math.log(2))
