"""Anomaly detection: what a model never saw, or what is wrong, is to be told from what it learned.

How anomalies are come by depends on the kind of data: each has a part of its own here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genfoundry import catalog
from genfoundry.dataset import Dataset
from genfoundry.judging.features import Extractor
from genfoundry.model import Model
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from genfoundry.tasks.anomaly.about import Plan


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified dataset, as its kind of data asks for. The promise: `genfoundry.task`.

    Raises:
        UserError: see the part of the kind.
    """
    return catalog.part("tasks", "anomaly", model.kind).judge(model, dataset, plan, extractor, out)
