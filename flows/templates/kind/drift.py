"""How far numbers drifted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from genfoundry.data.policy import Watch
from genfoundry.kind import View, nothing
from genfoundry.statistics.distances import ks_distance
from genfoundry.statistics.drift import Drift, beside_noise, drift, measure

from . import storage
from .spec import TemplateSpec


def measure_drift(
    old: Path, new: Path, spec: TemplateSpec, policy: Watch, trained: Callable[[], View | None] = nothing
) -> Drift:
    """The distance between the numbers that came and those that were there."""
    was, now = (np.concatenate([storage.read(folder, split) for split in storage.SPLITS]) for folder in (old, new))
    came, gone = np.setdiff1d(now, was), np.setdiff1d(was, now)
    if not len(came):
        return drift(len(was), len(now), 0, len(gone), ())
    found, noise = beside_noise(ks_distance, was, came, policy.false_alarms, np.random.default_rng(0))
    return drift(len(was), len(now), len(came), len(gone), (measure("ks", found, noise, "KS distance"),))
