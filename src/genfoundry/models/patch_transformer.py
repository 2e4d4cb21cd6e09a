"""PatchTST: A Time Series is Worth 64 Words.

Nie, Nguyen, Sinthong, Kalagnanam, 2023 (arXiv 2211.14730).

Overlapping patches of the past are the tokens of a transformer encoder; one linear layer maps all of them to the whole
horizon. A series at a time is read (channel independence), in its own unit (instance normalisation). Beyond the paper:
the head emits quantiles, learnt by the pinball loss (Wen 2017, arXiv 1711.11053) in place of the squared error, and
tokens are normalised by layer rather than by batch, so that averaged weights have no statistics of others.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genfoundry.errors import UserError
from genfoundry.kinds.series.rows import SeriesBatch
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.modelling.forecaster import Forecaster, ascending
from genfoundry.modelling.windows import Scaled


class PatchTransformer(Forecaster):
    """Patches, a transformer encoder, quantiles."""

    class Config(Forecaster.Config):
        patch: int = Field(default=16, gt=0)  # §4.1; steps
        stride: int = Field(default=8, gt=0)  # §4.1; steps
        layers: int = Field(default=3, gt=0)  # appendix A.1.4, and the five below
        heads: int = Field(default=16, gt=0)
        width: int = Field(default=128, gt=0)
        feedforward: int = Field(default=256, gt=0)
        dropout: float = Field(default=0.2, ge=0, lt=1)
        learning_rate: float = Field(default=1e-4, gt=0)

    config: Config
    network: Network

    def __init__(self, spec: SeriesSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.network = Network(spec, config)

    def quantiles(self, past: Scaled, batch: SeriesBatch) -> Tensor:
        quantiles = ascending(self.network(past.z))
        return quantiles + past.z[:, -1:, None] if self.config.residual else quantiles


class Network(nn.Module):
    """A scaled past (B, L) → what `ascending` reads, (B, H, Q).

    Raises:
        UserError: a patch is longer than the past, or the width is no multiple of the heads.
    """

    def __init__(self, spec: SeriesSpec, config: PatchTransformer.Config) -> None:
        super().__init__()
        check(spec, config)
        self.patch, self.stride = config.patch, config.stride
        self.outputs = (spec.horizon, len(config.levels))
        tokens = (spec.context - config.patch) // config.stride + 2  # §3.1, the end padded by one stride
        self.embed = nn.Linear(config.patch, config.width)
        self.position = nn.Parameter(torch.empty(tokens, config.width).uniform_(-0.02, 0.02))
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.feedforward, config.dropout, F.gelu, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.head = nn.Linear(tokens * config.width, spec.horizon * len(config.levels))

    def forward(self, z: Tensor) -> Tensor:
        padded = torch.cat((z, z[:, -1:].expand(-1, self.stride)), 1)
        patches = padded.unfold(1, self.patch, self.stride)  # (B, L + stride) → (B, tokens, patch)
        tokens = self.encoder(self.dropout(self.embed(patches) + self.position))
        return self.head(tokens.flatten(1)).unflatten(1, self.outputs)


def check(spec: SeriesSpec, config: PatchTransformer.Config) -> None:
    """Raises `UserError` as `Network` says."""
    if config.patch > spec.context:
        raise UserError(
            f"model.patch has {config.patch} steps, but the dataset's context has {spec.context}.",
            expected=f"1 to {spec.context}",
        )
    if config.width % config.heads:
        raise UserError(
            f"model.width = {config.width} is no multiple of model.heads = {config.heads}.",
            expected="a width that the heads divide",
        )
