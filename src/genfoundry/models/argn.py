"""TabularARGN: A Flexible and Efficient Auto-Regressive Framework for Generating High-Fidelity Synthetic Data.

Tiwald, Krchova, Sidorenko, Vargas Vieyra, Scriminaci, Platzer, 2025 (arXiv 2501.12012).

Every column is made discrete: numbers and dates fall into quantile bins, in which a value is drawn evenly; values that
come often, and missing cells, have bins of their own. A network reads the cells that are known and emits the
distribution of each other one; which are known is drawn anew for each row, so that cells can be made in any order and
any of them can condition the rest. Away from the paper: one trunk for all columns in place of a regressor each;
beside the bins of single columns those of pairs are embedded (the crosses of Cheng 2016, arXiv 1606.07792), without
which a rare class that hangs on two columns at once is lost; bins of a number are alike as far as they are near; and a
share of the rows is trained in the very order in which rows are made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from genfoundry.kinds.table import rows
from genfoundry.kinds.table.bins import Binning, hashed
from genfoundry.kinds.table.rows import TableBatch
from genfoundry.kinds.table.spec import TableSpec
from genfoundry.model import Losses, Model, Update

HELD = 4096  # rows at most that the weights are validated on
CHUNK = 8192  # rows made at once


class ARGN(Model[TableBatch, TableSpec]):
    """Any-order autoregressive network over the bins of a table's columns."""

    kind: ClassVar[str] = "table"
    task: ClassVar[str] = "synthesis"
    averaged: ClassVar[tuple[str, ...]] = ("network",)
    exact_likelihood: ClassVar[bool] = True

    class Config(Model.Config):
        bins: int = Field(default=100, ge=2)  # of a number or a date at most
        embedding: int = Field(default=16, gt=0)  # of a bin, and of a pair of bins
        waves: int = Field(default=16, ge=1)  # cosines over the bins of a number, by which neighbours are alike
        own_rows: float = Field(default=100, ge=0)  # of a bin or pair at which half of its embedding is its own
        crosses: int = Field(default=1 << 15, ge=0)  # pairs of bins that have an embedding of their own; 0 for none
        width: int = Field(default=256, gt=0)
        layers: int = Field(default=2, ge=0)
        dropout: float = Field(default=0.0, ge=0, lt=1)
        target: Literal["first", "last"] = "first"  # when it is made; last pays where rows are many and its class rare
        target_share: float = Field(default=0.5, ge=0, le=1)  # of the rows that are trained in just that order
        held_out: float = Field(default=0.1, ge=0, lt=1)  # share of the rows that the weights are chosen by
        validate_every: int = Field(default=100, gt=0)  # steps
        learning_rate: float = Field(default=1e-3, gt=0)
        weight_decay: float = Field(default=0.0, ge=0)

    spec: TableSpec
    config: Config

    def __init__(self, spec: TableSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.binning = Binning(spec.columns, config.bins)
        self.network = Network(self.binning, config)
        self.target = [column.name for column in spec.columns].index(spec.target) if spec.target else None
        others = [place for place in range(len(spec.columns)) if place != self.target]
        self.order = others if self.target is None else _placed(others, self.target, config.target)
        self.best: Best | None = None  # while it trains
        self.held = torch.zeros(0, len(spec.columns), dtype=torch.int64)

    def optimizers(self) -> dict[str, Optimizer]:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return {"network": AdamW(self.network.parameters(), rate, weight_decay=decay, fused=True)}

    @torch.no_grad()
    def before_training(self, batches: Callable[[], Iterable[TableBatch]]) -> None:
        """Fit the bins on the training rows, and put the rows aside that the weights are chosen by."""
        self.binning.fit(torch.cat([batch.numbers for batch in batches()]).cpu().numpy())
        tokens = torch.cat([self.binning.tokens(batch) for batch in batches()])
        self.network.fit(tokens, self.binning)
        self.held = tokens[self.is_held(tokens)][:HELD]
        self.best = Best(self.network)

    def is_held(self, tokens: Tensor) -> Tensor:
        """(B,) bool: whether a row of bins (B, D) is held out of training. Equal rows are, or are not, together."""
        return hashed(tokens + 1) % 1000 < round(self.config.held_out * 1000)

    def training_step(self, batch: TableBatch, step: int, update: Update) -> Losses:
        tokens = self.binning.tokens(batch)
        losses: Losses = {}
        if step and step % self.config.validate_every == 0 and len(self.held):
            losses["held_nats"] = self.keep_if_better()
        nats = self.nats(tokens, self.draw_known(len(tokens)))
        learned = (~self.is_held(tokens)).float()
        loss = (nats * learned).sum() / learned.sum().clamp_min(1)
        update("network", loss)
        return {"nats": loss.detach(), **losses}

    def draw_known(self, count: int, generator: Generator | None = None) -> Tensor:
        """(count, D) bool: which cells of each row are known: the beginning of a random order, of random length. In a
        share of the rows the target is known, too, where it is made first; all but the target, where it is made last.
        """
        columns = len(self.order)
        rank = torch.rand(count, columns, generator=generator).argsort(1)
        known = rank < torch.randint(0, columns, (count, 1), generator=generator)
        share = torch.rand(count, 1, generator=generator) < self.config.target_share
        if self.target is None or columns == 1:
            return known.to(self.device)
        target = torch.arange(columns) == self.target
        if self.config.target == "last":
            return torch.where(share, ~target, known).to(self.device)
        full = (known | target).all(1, keepdim=True)  # nothing would be left to learn
        return torch.where(share & ~full, known | target, known).to(self.device)

    def nats(self, tokens: Tensor, known: Tensor) -> Tensor:
        """(B,) the mean of -log p over the unknown cells of each row of bins (B, D), given the known ones."""
        logits = (self.network(tokens, known).float() + self.binning.usable).split(self.binning.sizes, 1)
        cells = [F.cross_entropy(part, tokens[:, d], reduction="none") for d, part in enumerate(logits)]
        unknown = (~known).float()
        return (torch.stack(cells, 1) * unknown).sum(1) / unknown.sum(1)

    @torch.no_grad()
    def keep_if_better(self) -> Tensor:
        """The held-out rows' mean -log p; the weights are kept where none before had a lower one."""
        training = self.network.training
        self.network.eval()
        known = self.draw_known(len(self.held), Generator().manual_seed(0))
        found = self.nats(self.held.to(self.device), known).mean()
        self.network.train(training)
        if self.best is not None and found < self.best.nats:
            self.best.network.load_state_dict(self.network.state_dict())
            self.best.nats.copy_(found)
        return found

    def after_training(self, batches: Iterable[TableBatch]) -> None:
        """Take the weights that held-out rows are most likely under, the averaged last ones among them."""
        if self.best is not None and len(self.held):
            self.keep_if_better()
            self.network.load_state_dict(self.best.network.state_dict())
        self.best = None

    @torch.no_grad()
    def sample(self, like: TableBatch, generator: Generator | None = None) -> Tensor:
        """float64 (B, D), one row for each of `like`, of which only their number counts; see `rows.to_frame`."""
        known = torch.zeros(len(like), len(self.order), dtype=torch.bool, device=self.device)
        return self.impute(like, known, generator)

    @torch.no_grad()
    def impute(self, batch: TableBatch, known: Tensor, generator: Generator | None = None) -> Tensor:
        """float64 (B, D): the cells of `batch` where `known` (B, D) is True, the others drawn given them, in order.

        Args:
            batch: what it holds in an unknown cell is not read. A known cell that is missing stays missing.
        """
        parts = torch.arange(len(batch), device=self.device).split(CHUNK)
        made = [self._complete(batch[part], known[part], generator) for part in parts]
        return torch.cat(made) if made else torch.zeros(known.shape, dtype=torch.float64, device=self.device)

    def _complete(self, batch: TableBatch, known: Tensor, generator: Generator | None) -> Tensor:
        tokens, seen = self.binning.tokens(batch), known.clone()
        for column in self.order:
            chances = self.log_chances(tokens, seen, column).exp()
            tokens[:, column] = torch.where(known[:, column], tokens[:, column], _draw(chances, generator))
            seen[:, column] = True
        return torch.where(known, rows.values(batch, self.spec), self.binning.values(tokens, generator))

    def log_chances(self, tokens: Tensor, known: Tensor, column: int) -> Tensor:
        """(B, bins) log p of each bin of one column, given the known cells (B, D)."""
        return (self.network.of_column(tokens, known, column) + self.binning.of_column(column)).log_softmax(1)

    def log_likelihood(self, batch: TableBatch) -> Tensor:
        """(B,) exact, in nats, of the bins that a row falls into, its columns in the order in which they are made."""
        tokens = self.binning.tokens(batch)
        known = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
        total = torch.zeros(len(tokens), device=tokens.device)
        for column in self.order:
            total = total + self.log_chances(tokens, known, column).gather(1, tokens[:, column, None])[:, 0]
            known[:, column] = True
        return total


def _placed(others: list[int], target: int, where: Literal["first", "last"]) -> list[int]:
    return [target, *others] if where == "first" else [*others, target]


def _draw(chances: Tensor, generator: Generator | None) -> Tensor:
    """(B, bins) to (B,), by the inverse of the distribution function, from one uniform number each."""
    uniform = torch.rand(len(chances), 1, generator=generator, dtype=torch.float64).to(chances.device)
    sums = chances.double().cumsum(1)
    return (sums <= uniform * sums[:, -1:]).sum(1).clamp_max(chances.shape[1] - 1)


class Best(nn.Module):
    """The weights that held-out rows were most likely under, and their mean -log p."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("nats", torch.tensor(torch.finfo(torch.float32).max))

    nats: Tensor


class Network(nn.Module):
    """Bins (B, D) and which of them are known, to logits (B, sum of the sizes), column after column.

    What is known of a bin is shared out: bins of a number are alike as far as they are near (`waves`), and one that
    many rows fall into has, in that measure, an embedding of its own. So has a pair of bins.
    """

    def __init__(self, binning: Binning, config: ARGN.Config) -> None:
        super().__init__()
        sizes, width, count = binning.sizes, config.width, len(binning.sizes)
        self.sizes, self.begins, self.own_rows = sizes, binning.begins, config.own_rows
        places = torch.tensor(binning.begins[:-1])
        waves = config.waves * sum(not column.coded for column in binning.columns)
        self.register_buffer("unknown", torch.tensor(sizes), persistent=False)  # one more than a column's last bin
        self.register_buffer("offsets", places + torch.arange(count), persistent=False)
        self.register_buffer("pairs", torch.combinations(torch.arange(count)), persistent=False)
        self.register_buffer("own", torch.ones(sum(sizes)))  # how far the embedding of a bin is its own, 0 to 1
        crosses = config.crosses if count > 2 else 0  # of two columns one is always still to be made
        self.register_buffer("own_pairs", torch.ones(crosses))
        self.register_buffer("waves", torch.zeros(sum(sizes), waves))
        self.embedding = nn.Embedding(sum(sizes) + count, config.embedding)
        self.smooth = nn.Parameter(torch.randn(waves, config.embedding) * 0.3)
        self.crosses = nn.Embedding(crosses, config.embedding) if crosses else None
        crossed = len(self.pairs) if self.crosses is not None else 0
        self.read = nn.Linear((count + crossed) * config.embedding, width)
        self.layers = nn.ModuleList(Layer(width, config.dropout) for _ in range(config.layers))
        self.emit, self.emit_smooth = nn.Linear(width, sum(sizes)), nn.Parameter(torch.randn(waves, width) / width)
        for table in filter(None, (self.embedding, self.crosses)):
            nn.init.normal_(table.weight, std=0.3)

    unknown: Tensor
    offsets: Tensor
    pairs: Tensor
    own: Tensor
    own_pairs: Tensor
    waves: Tensor

    def fit(self, tokens: Tensor, binning: Binning) -> None:
        """Count the rows (N, D) of every bin and pair, and lay the cosines over the bins that numbers fall into."""
        counts = torch.zeros(len(self.own), device=tokens.device)
        pairs = torch.zeros(len(self.own_pairs), device=tokens.device)
        for part in tokens.split(CHUNK):
            counts += (part + self.offsets - torch.arange(len(self.sizes))).flatten().bincount(minlength=len(counts))
            if self.crosses is not None:
                pairs += self.pair_numbers(part).flatten().bincount(minlength=len(pairs))
        self.own.copy_(counts / (counts + self.own_rows))
        self.own_pairs.copy_(pairs / (pairs + self.own_rows))
        self.waves.copy_(binning.waves(self.waves.shape[1]))

    def pair_numbers(self, tokens: Tensor) -> Tensor:
        """(B, pairs) the embedding of each pair of bins; some pairs share one."""
        numbers = torch.cat((tokens[:, self.pairs], self.pairs.expand(len(tokens), -1, -1)), 2)
        return hashed(numbers + 1) % len(self.own_pairs)

    def forward(self, tokens: Tensor, known: Tensor) -> Tensor:
        return self.of_bins(self.trunk(tokens, known), 0, len(self.own))

    def of_column(self, tokens: Tensor, known: Tensor, column: int) -> Tensor:
        """The logits (B, bins) of one column alone."""
        return self.of_bins(self.trunk(tokens, known), *self.begins[column : column + 2])

    def of_bins(self, x: Tensor, begin: int, end: int) -> Tensor:
        own = self.own[begin:end, None] * self.emit.weight[begin:end]
        return F.linear(x, own + self.waves[begin:end] @ self.emit_smooth, self.emit.bias[begin:end])

    def trunk(self, tokens: Tensor, known: Tensor) -> Tensor:
        """What is known of each row (B, width)."""
        seen = torch.where(known, tokens, self.unknown)
        parts = [F.embedding(seen + self.offsets, self.table()).flatten(1)]
        if self.crosses is not None:
            numbers = self.pair_numbers(seen)
            both = known[:, self.pairs].all(2) * self.own_pairs[numbers]
            parts.append((self.crosses(numbers) * both[..., None]).flatten(1))
        x = self.read(torch.cat(parts, 1))
        for layer in self.layers:
            x = x + layer(x)
        return F.relu(x)

    def table(self) -> Tensor:
        """(sum of the sizes and one more a column, embedding): each column's bins, then what stands for unknown."""
        own, smooth = self.own[:, None], self.waves @ self.smooth
        parts = zip(self.embedding.weight.split([size + 1 for size in self.sizes]), own.split(self.sizes),
                    smooth.split(self.sizes), strict=True)  # fmt: skip
        return torch.cat([t for e, o, w in parts for t in (o * e[:-1] + w, e[-1:])])


class Layer(nn.Sequential):
    """What a residual layer adds."""

    def __init__(self, width: int, dropout: float) -> None:
        first, second = nn.Linear(width, width), nn.Linear(width, width)
        super().__init__(nn.LayerNorm(width), first, nn.ReLU(), nn.Dropout(dropout), second)
