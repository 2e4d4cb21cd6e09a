"""A table whose law is known, and makers of rows like it: of known quality, for judges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from genfoundry.dataset import Card, Dataset, seal, verify
from genfoundry.kinds.table import rows, storage
from genfoundry.kinds.table.spec import TableSpec
from genfoundry.model import Model
from genfoundry.records import Score
from genfoundry.task import Judgement


def frame(count: int, seed: int) -> pd.DataFrame:
    """Customers: of the poor in the south who came lately most leave. One in ten does not say their income."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "west"], count, p=[0.5, 0.3, 0.2])
    income, age = rng.lognormal(0, 0.5, count) * 1000, rng.integers(18, 90, count)
    spent = income * rng.uniform(0.1, 0.6, count)
    since = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, count), unit="D")
    lately = (since - pd.Timestamp("2015-01-01")).days.to_numpy() / 3000
    odds = -6 + 3 * (region == "south") + 3 * lately + 2.5 * (income < 800)
    return pd.DataFrame(
        {
            "region": region,
            "age": age.astype(float),
            "income": np.where(rng.random(count) < 0.1, np.nan, income),
            "spent": spent,
            "member": rng.random(count) < 0.4,
            "since": since.to_numpy(),
            "left": rng.random(count) < 1 / (1 + np.exp(-odds)),
        }
    )


def customers(root: Path, count: int = 1500, target: str = "left") -> Dataset:
    """The sealed dataset, a fifth of it held out."""
    home = root / "data" / "customers"
    card = Card(name="customers", kind="table", title="c", licence="c", source="c", consent="c")
    examples = storage.TableExamples(frame(count, 0), target, "True" if target else "")
    spec, counts = storage.write(home, [examples], card)
    seal(home, card.model_copy(update={"spec": spec, "counts": counts}))
    return verify(home)


class Replayer(Model):
    """Hands back the training rows that it is given."""

    kind = "table"

    def __init__(self, spec: TableSpec) -> None:
        super().__init__(spec, Model.Config())
        self.weight = nn.Parameter(torch.zeros(1))

    def sample(self, like, generator=None):
        return rows.values(like, self.spec)


class Knowing(Replayer):
    """Draws new rows by the law itself; of the first call's rows `planted` are those that it is given."""

    planted = 0

    def sample(self, like, generator=None):
        seed = int(torch.randint(2**31, (1,), generator=generator))
        made = rows.values(rows.encode(frame(len(like), seed), self.spec), self.spec)
        made[: self.planted] = rows.values(like, self.spec)[: self.planted]
        return made


class Apart(Replayer):
    """Each column for itself, from the rows that it is given."""

    def sample(self, like, generator=None):
        columns = rows.values(like, self.spec).T
        return torch.stack([column[torch.randperm(len(column), generator=generator)] for column in columns], 1)


def scores_of(found: Judgement, subject: str = "model") -> dict[str, Score]:
    """A subject's scores by their names without what they hold of the protocol."""
    return {_bare(score.name): score for score in found.scores if score.subject == subject}


def _bare(name: str) -> str:
    parts = name.split("_")[:-1]
    return "_".join(parts[:-1] if parts[-1][0] == "s" and parts[-1][1:].isdigit() else parts)
