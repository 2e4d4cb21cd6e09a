"""How well a model does: the promise of `judge` is in `genfoundry.task`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genfoundry import kind
from genfoundry.dataset import Dataset
from genfoundry.model import Model
from genfoundry.statistics.interval import around
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from .about import Plan


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Any, out: Path) -> Judgement:
    """The gap between the mean of samples and that of held-out images; half of the gap of noise has to be beaten."""
    held_out = kind.of(dataset.version).rows.open_split(dataset.folder, "test", dataset.spec, model.device)
    like: Any = held_out.batch(torch.arange(min(plan.num_samples, len(held_out))))
    with torch.inference_mode():
        made = model.eval().sample(like, torch.Generator().manual_seed(plan.seed))
    noise = torch.rand(like.images.shape, generator=torch.Generator().manual_seed(plan.seed)) * 2 - 1
    real, name = like.images.mean(), f"template_{len(like)}"
    gaps = {"model": _gaps(made, real), "noise": _gaps(noise, real)}
    scores = tuple(around(each).score(name, subject) for subject, each in gaps.items())
    return Judgement(name, scores, {"samples": len(like), "seed": plan.seed}, {})


def _gaps(images: torch.Tensor, real: torch.Tensor) -> list[float]:
    """One for each image."""
    return (images.flatten(1).mean(1) - real.to(images)).abs().tolist()
