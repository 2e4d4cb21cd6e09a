"""How far the images that came in lie from those that were there: their features, and the shares of the classes.

KID of features (its permutation test is Gretton, JMLR 13, 2012, section 5), and the total variation between class
histograms. Features are a trained network's, or mean responses to fixed random filters.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genfoundry.data.policy import Watch
from genfoundry.kind import View, nothing
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.statistics.distances import KernelDistance, total_variation
from genfoundry.statistics.drift import Drift, Measure, beside_noise, drift, measure, sampled

MOST = 1000  # images that came in; of those that were there twice as many


def measure_drift(
    old: Path, new: Path, spec: ImageSpec, policy: Watch, trained: Callable[[], View | None] = nothing
) -> Drift:
    """What came into the folder `new` against the images of `old`; where nothing came, what went against what stayed.

    Args:
        trained: gives a network's features, which was trained on the old training split; where there are none, fixed
            random filters are taken.
    """
    was, now = _manifest(old), _manifest(new)
    came, gone = ({key: row for key, row in a.items() if key not in b} for a, b in ((now, was), (was, now)))
    stayed = {key: row for key, row in was.items() if key in now}
    there, other, folder = (was, came, new) if came else (stayed, gone, old)
    # what a network was trained on lies elsewhere in its features than what it never saw
    view = trained()
    view = trained()
    seen = "train" if view else ""
    features = view or _untrained(spec)
    sides = (
        _side(old, [*there.values()], 2 * MOST, features, seen),
        _side(folder, [*other.values()], MOST, features, "" if came else seen),
    )
    measures = of_images(*sides, features.name, policy.false_alarms) if other else ()
    return drift(len(was), len(now), len(came), len(gone), measures)


def _untrained(spec: ImageSpec) -> View:
    from genfoundry.kinds.image.filters import RandomFilters  # reads torch

    return RandomFilters(spec.channels)


class Listed(NamedTuple):
    """One image: where it is, and its class."""

    split: str
    position: int
    label: int


def _manifest(folder: Path) -> dict[str, Listed]:
    """Every image of a dataset, by what makes it another one."""
    with (folder / storage.MANIFEST).open(newline="", encoding="utf-8") as file:
        return {
            json.dumps([row["sha256"], row["label"], row.get(storage.SOURCE_SHA)]): Listed(
                row["split"], int(row["index"]), int(row["label"])
            )
            for row in csv.DictReader(file)
        }


def _side(folder: Path, rows: list[Listed], most: int, view: View, seen: str) -> Images:
    """At most so many of the rows, as features, without those of the split that the view has seen; all labels."""
    unseen = np.array([number for number, row in enumerate(rows) if row.split != seen], np.int64)
    chosen = [rows[number] for number in sampled(unseen, most, np.random.default_rng(0))]
    parts = [
        np.asarray(storage.read(folder, split).images[[row.position for row in chosen if row.split == split]])
        for split in storage.SPLITS
    ]
    pixels = np.concatenate(parts)
    features = view(pixels) if len(pixels) else np.zeros((0, 1))
    return Images(features, np.array([row.label for row in rows], np.int64))


class Images(NamedTuple):
    """Features (N, D) of images, and the class (M,) of each of as many or more, -1 where it has none."""

    features: np.ndarray
    labels: np.ndarray


def of_images(old: Images, new: Images, view: str, false_alarms: float, seed: int = 0) -> tuple[Measure, ...]:
    """Measures of images that came in against those that were there; none where either side has fewer than four.

    Args:
        view: the name of the features' space. A network that was trained on the old training split has seen those
            images and none of the new ones: give it the old test split.
        false_alarms: above 0, below 1, for all measures together.
    """
    if min(len(old.features), len(new.features)) < 4:
        return ()
    labelled = bool((old.labels >= 0).any())
    level = false_alarms / (2 if labelled else 1)
    rng = np.random.default_rng(seed)
    there, came = sampled(old.features, 2 * MOST, rng), sampled(new.features, MOST, rng)
    kernel = KernelDistance(np.concatenate([there, came]))
    rows = np.arange(len(there) + len(came))
    found, noise = beside_noise(kernel, rows[: len(there)], rows[len(there) :], level, rng)
    measures = [measure(f"kid_{view}", found, noise, f"KID in {view}")]
    if labelled:
        was, came = (sampled(side.labels, 10 * MOST, rng) for side in (old, new))
        found, noise = beside_noise(total_variation, was, came, level, rng)
        measures.append(measure("classes", found.clip(0, 1), noise, "Share of images that changed class"))
    return tuple(measures)
