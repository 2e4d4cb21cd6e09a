"""A Gaussian mixture that is fitted by EM in torch and travels with the weights: a prior fitted on latents."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn


class GaussianMixture(nn.Module):
    """K full-covariance Gaussians over D dimensions; before `fit`, each is N(0, I).

    EM as in Bishop 2006, §9.2.2, started from k-means++ seeds (Arthur 2007).
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, dimensions))
        self.register_buffer("factors", torch.eye(dimensions).repeat(components, 1, 1))  # lower triangular

    @torch.no_grad()
    def fit(self, points: Tensor, generator: Generator, iterations: int = 40, floor: float = 1e-3) -> None:
        """Maximise the likelihood of `points` (N, D); `floor` is the least variance in any direction."""
        points = points.double()
        responsibility = self._seed(points, generator)
        for _ in range(iterations):
            self._maximise(points, responsibility, floor)
            responsibility = torch.softmax(self._joint(points), 1)

    def _seed(self, points: Tensor, generator: Generator) -> Tensor:
        """One-hot (N, K): each point with the nearest of K far-apart points."""
        first = torch.randint(len(points), (1,), generator=generator)
        centres = points[first]
        while len(centres) < len(self.weights):
            distance = torch.cdist(points, centres).amin(1).square()
            centres = torch.cat([centres, points[torch.multinomial(distance, 1, generator=generator)]])
        return nn.functional.one_hot(torch.cdist(points, centres).argmin(1), len(centres)).double()

    def _maximise(self, points: Tensor, responsibility: Tensor, floor: float) -> None:
        counts = responsibility.sum(0).clamp_min(1e-6)
        means = responsibility.T @ points / counts[:, None]
        identity = floor * torch.eye(points.shape[1], dtype=points.dtype)
        for k, (count, mean) in enumerate(zip(counts, means, strict=True)):
            centred = points - mean
            covariance = (responsibility[:, k, None] * centred).T @ centred / count
            self.factors[k] = torch.linalg.cholesky(covariance + identity)
        self.weights.copy_(counts / counts.sum())
        self.means.copy_(means)

    def _joint(self, points: Tensor) -> Tensor:
        """(N, K) log of weight times density."""
        centred = (points[None] - self.means[:, None].double()).transpose(1, 2)  # (K, D, N)
        factors = self.factors.double()
        whitened = torch.linalg.solve_triangular(factors, centred, upper=False)
        log_det = factors.diagonal(dim1=1, dim2=2).log().sum(1)
        constant = points.shape[1] * math.log(2 * math.pi) / 2
        return (self.weights.double().log() - log_det - constant)[None] - whitened.square().sum(1).T / 2

    def log_prob(self, points: Tensor) -> Tensor:
        """(N,) log-density in nats of `points` (N, D)."""
        return torch.logsumexp(self._joint(points.double()), 1)

    def sample(self, rows: int, generator: Generator | None = None) -> Tensor:
        """(rows, D), drawn on the CPU so that a seed means the same on every device."""
        component = torch.multinomial(self.weights.cpu(), rows, replacement=True, generator=generator)
        z = torch.randn(rows, self.means.shape[1], generator=generator)
        drawn = self.means.cpu()[component] + torch.einsum("nij,nj->ni", self.factors.cpu()[component], z)
        return drawn.to(self.means.device)
