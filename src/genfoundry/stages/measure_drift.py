"""Measure drift: two versions of one dataset, row by row and as distributions; see `genfoundry.statistics.drift`.

What a row is, and what is measured of it, is the kind's to say. Where rows came in they are held against all that were
there; where rows only went, they are held against those that stayed.
"""

from __future__ import annotations

from functools import partial

from genfoundry import kind, tracking
from genfoundry.data.policy import Watch
from genfoundry.dataset import open_version
from genfoundry.judging.features import Domain
from genfoundry.records import DatasetVersion
from genfoundry.statistics.drift import Drift


def measure_drift(old: DatasetVersion, new: DatasetVersion, policy: Watch, extractor: str | None = None) -> Drift:
    """The drift from one version of a dataset to another of the same spec; both are on this machine.

    Args:
        extractor: the registered model of a classifier whose features are the domain, for kinds that are measured in
            features. Its version that was trained on the old data is taken; where there is none, the kind's own are.
    """
    part, trained = kind.of(old).drift, partial(_trained, old, extractor)
    return part.measure_drift(open_version(old).folder, open_version(new).folder, old.spec, policy, trained)


def _trained(old: DatasetVersion, extractor: str | None) -> Domain | None:
    for info in tracking.list_versions(extractor) if extractor else ():
        if info.tags.get("dataset_digest") == old.digest:
            model = tracking.load_version(info.name, info.version)
            return Domain(model.eval(), info.tags["weights_digest"])
    return None
