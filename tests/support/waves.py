"""Two series whose future is known but for noise, and forecasters of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from support import cards

from genfoundry.data.building import write_sealed
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Model
from genfoundry.records import Score
from genfoundry.task import Judgement
from genfoundry.tasks.forecasting.about import Plan

SPEC = SeriesSpec(freq="4h", season=6, context=12, horizon=6, num_series=2)
SPLITS = {"val": "2020-01-25", "test": "2020-01-28"}
PLAN = Plan(origins=5)


def waves(root: Path, fault: float = 0.0, size: dict[str, float] = {}) -> Path:  # noqa: B006
    """A sealed dataset: two daily waves with unit noise around them, and a gap in the test split.

    The two steps before the gap are off by `fault`. A series is multiplied by its `size`.
    """
    rng = np.random.default_rng(0)
    frames = []
    for name, level in (("a", 20.0), ("b", 80.0)):
        stamps = pd.date_range("2020-01-01", periods=6 * 33, freq="4h", tz="UTC")
        y = level + 10 * np.sin(2 * np.pi * np.arange(len(stamps)) / 6) + rng.standard_normal(len(stamps))
        y[173:175] += fault
        y *= size.get(name, 1.0)
        frames.append(pd.DataFrame({"unique_id": name, "ds": stamps, "y": y}).drop(range(175, 178)))
    home = root / "data" / "waves"
    write_sealed(home, cards.series(SPEC, SPLITS, name="waves", units={"y": "V"}), frames)
    return home


class Oracle(Model):
    """Knows the future, and draws it with the right noise around: unit deviation."""

    kind = "series"

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def sample(self, like, generator=None):
        hour = (like.future_time[:, :, 0] + 0.5) * 24
        level = torch.where(like.series[:, None] == 0, 20.0, 80.0)
        return level + 10 * torch.sin(2 * torch.pi * hour / 24) + torch.randn(hour.shape, generator=generator)


class Broken(Oracle):
    """Forecasts what is not a number."""

    def sample(self, like, generator=None):
        return super().sample(like, generator) * float("nan")


def values(judgement: Judgement, subject: str) -> dict[str, Score]:
    """A subject's scores by name."""
    return {score.name: score for score in judgement.scores if score.subject == subject}
