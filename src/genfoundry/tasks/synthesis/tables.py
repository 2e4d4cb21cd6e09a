"""The tables that are compared, as numbers: the real rows, and what the model and the baselines make."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Generator

from genfoundry.kinds.table import rows as table_rows
from genfoundry.kinds.table.spec import Column, TableSpec
from genfoundry.model import Model
from genfoundry.stopping import until_interrupted

BATCH = 1000  # rows in one call of the model


class RealTable(NamedTuple):
    """Both splits, float64 (N, D) and (M, D) in the order of the spec's columns: numbers as they are, dates in days,
    categories as codes, NaN where missing."""

    train: np.ndarray
    test: np.ndarray
    spec: TableSpec

    @property
    def coded(self) -> np.ndarray:
        """(D,) bool: which columns hold codes."""
        return np.array([column.coded for column in self.spec.columns])

    @property
    def target(self) -> int | None:
        """The number of the target's column, where there is one."""
        names = [column.name for column in self.spec.columns]
        return names.index(self.spec.target) if self.spec.target else None

    @property
    def positive(self) -> int:
        """The code of the rare class."""
        return self.spec.classes.index(self.spec.positive)


class Draws(NamedTuple):
    """Who made them (`model`, a floor, a baseline), and a float64 (N, D) for each seed.

    `sound` is False where a value is infinite, a code is none, or a cell is empty that must not be.
    """

    subject: str
    tables: list[np.ndarray]
    sound: bool = True


def read(folder: Path, spec: TableSpec) -> RealTable:
    """Both splits of a verified folder."""
    train, test = (
        table_rows.values(table_rows.open_split(folder, split, spec).cells, spec).numpy() for split in ("train", "test")
    )
    return RealTable(train, test, spec)


def subsample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of the rows (N, D), drawn without replacement, in their order."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))]


def generated(model: Model, folder: Path, count: int, seeds: list[int]) -> Draws:
    """`count` rows for each seed; a family that is conditioned is given training rows, each once before any twice."""
    spec = cast(TableSpec, model.spec)
    split = table_rows.open_split(folder, "train", spec, model.device)
    tables = [_drawn(model, split, count, seed) for seed in seeds]
    return Draws("model", tables, all(is_sound(table, spec) for table in tables))


def _drawn(model: Model, split: table_rows.TableRows, count: int, seed: int) -> np.ndarray:
    generator, rng = Generator(model.device).manual_seed(seed), np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(split)) for _ in range(-(-count // len(split)))])[:count]
    made = []
    for part in until_interrupted(torch.from_numpy(order).split(BATCH)):
        with torch.inference_mode():
            made.append(model.sample(split.batch(part), generator).double().cpu().numpy())
    return np.concatenate(made)


def is_sound(table: np.ndarray, spec: TableSpec) -> bool:
    """Whether rows (N, D) are rows of a table of this spec."""
    return not np.isinf(table).any() and all(
        _fits(column, about) for column, about in zip(table.T, spec.columns, strict=True)
    )


def _fits(column: np.ndarray, about: Column) -> bool:
    empty = np.isnan(column)
    known = column[~empty]
    if empty.any() and not about.missing:
        return False
    return not about.coded or bool(((known >= 0) & (known < len(about.labels)) & (known == np.floor(known))).all())
