"""Compare: two versions of one dataset, row by row and as distributions; see `genfoundry.judging.drift`.

A row is an image with its label (and source), or a time step of a series with its values. Where rows came in they are
held against all that were there; where rows only went, they are held against those that stayed.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry import tracking
from genfoundry.dataset import open_version
from genfoundry.judging.drift import MOST, Drift, Images, Measure, drift, of_images, of_series, sampled
from genfoundry.judging.features import Domain, RandomFilters, View
from genfoundry.kinds.image import storage
from genfoundry.kinds.series.storage import FILE
from genfoundry.records import DatasetVersion, ImageSpec

if TYPE_CHECKING:
    import pandas as pd


def compare(old: DatasetVersion, new: DatasetVersion, false_alarms: float, extractor: str | None = None) -> Drift:
    """The drift from one version of a dataset to another of the same spec; both are on this machine.

    Args:
        false_alarms: share of changes of no consequence that may count as drift.
        extractor: images: the registered model of the classifier whose features are the domain. Its version that was
            trained on the old data is taken; where there is none, fixed random filters.
    """
    was, now = open_version(old).folder, open_version(new).folder
    if isinstance(old.spec, ImageSpec):
        return _images(was, now, _view(old, old.spec, extractor), false_alarms)
    return _series(was, now, old.spec.channels, old.spec.season, false_alarms)


def _view(old: DatasetVersion, spec: ImageSpec, extractor: str | None) -> View:
    for info in tracking.list_versions(extractor) if extractor else ():
        if info.tags.get("dataset_digest") == old.digest:
            model = tracking.load_version(info.name, info.version)
            return Domain(model.eval(), info.tags["weights_digest"])
    return RandomFilters(spec.channels)


class Row(NamedTuple):
    """One image: where it is, and its class."""

    split: str
    position: int
    label: int


def _images(old: Path, new: Path, view: View, false_alarms: float) -> Drift:
    was, now = _manifest(old), _manifest(new)
    came, gone = ({key: row for key, row in a.items() if key not in b} for a, b in ((now, was), (was, now)))
    stayed = {key: row for key, row in was.items() if key in now}
    there, other, folder = (was, came, new) if came else (stayed, gone, old)
    # what the extractor was trained on lies elsewhere in its features than what it never saw
    seen = "train" if isinstance(view, Domain) else ""
    sides = (
        _side(old, [*there.values()], 2 * MOST, view, seen),
        _side(folder, [*other.values()], MOST, view, "" if came else seen),
    )
    measures = of_images(*sides, view.name, false_alarms) if other else ()
    return drift(len(was), len(now), len(came), len(gone), measures)


def _manifest(folder: Path) -> dict[str, Row]:
    """Every image of a dataset, by what makes it another one."""
    with (folder / storage.MANIFEST).open(newline="", encoding="utf-8") as file:
        return {
            json.dumps([row["sha256"], row["label"], row.get(storage.SOURCE_SHA)]): Row(
                row["split"], int(row["index"]), int(row["label"])
            )
            for row in csv.DictReader(file)
        }


def _side(folder: Path, rows: list[Row], most: int, view: View, seen: str) -> Images:
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


def _series(old: Path, new: Path, channels: tuple[str, ...], season: int, false_alarms: float) -> Drift:
    was, now = (_table(folder, channels) for folder in (old, new))
    came, gone = _others(now, was), _others(was, now)
    there, other = (was, came) if len(came) else (was.loc[~was.index.isin(gone.index)], gone)
    measures: tuple[Measure, ...] = ()
    if len(other):
        measures = of_series(there.reset_index(), other.reset_index(), channels, season, false_alarms)
    return drift(len(was), len(now), len(came), len(gone), measures)


def _table(folder: Path, channels: tuple[str, ...]) -> pd.DataFrame:
    """The observed rows of a dataset of series, by series and time."""
    import pandas as pd

    table = pd.read_parquet(folder / FILE, columns=["unique_id", "ds", *channels])
    return table.set_index(["unique_id", "ds"]).dropna(how="all")


def _others(table: pd.DataFrame, than: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not there, or not the same, in the other table."""
    known = than.reindex(table.index)
    same = (known == table) | (known.isna() & table.isna())
    return table.loc[~same.all(axis=1)]
