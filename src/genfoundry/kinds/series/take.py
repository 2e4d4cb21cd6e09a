"""A user's file of series: what may be asked of it, and how it becomes examples."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from genfoundry.data.quarantine import IntakeTally
from genfoundry.data.tables import SERIES, check_columns, header_of
from genfoundry.dataset import Card
from genfoundry.files import file_digest
from genfoundry.kind import Progress, Request, Taken
from genfoundry.kinds.series.spec import SeriesSpec

FORM = "a CSV or Parquet file of series"
ITEMS = "series"
MEMORY = ()
IN_TIME: dict[str, JsonValue] = {"needs": "steps in time"}


class Options(BaseModel):
    """What a user may say of series; what is None is chosen from the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_fraction: float | None = Field(
        default=None, gt=0, lt=1, description="held out for judging; .2, or what the set was split with before"
    )
    freq: str | None = Field(
        default=None, description="pandas' name of the frequency, as in h, D, MS", json_schema_extra=IN_TIME
    )
    season: int | None = Field(default=None, description="steps in a season", json_schema_extra=IN_TIME)
    horizon: int | None = Field(default=None, description="steps to forecast", json_schema_extra=IN_TIME)
    context: int | None = Field(
        default=None, description="steps of the past that a model is given", json_schema_extra=IN_TIME
    )
    na: tuple[str, ...] = Field(
        default=(),
        description="a cell that stands for a missing value, as -9999; repeatable",
        json_schema_extra={"needs": "cells"},
    )


def recognise(path: Path) -> str | None:
    """A file with the columns of the long form holds series.

    Raises:
        UserError: it is a file, but neither CSV nor Parquet, or it lacks a column.
    """
    if not path.is_file():
        return None
    check_columns(path, header_of(path, SERIES), SERIES)
    return f"it is a file with the columns {' and '.join(SERIES.columns)}"


def take(request: Request, tally: IntakeTally, progress: Progress) -> Taken:
    """Read a CSV or Parquet file; see `long_form.take_series`.

    Raises:
        UserError: anything that would have to be guessed; names the column and the rows.
    """
    from genfoundry.kinds.series.long_form import take_series  # reads pandas

    taken = take_series(request.path, tally, request.options, request.before, anew=request.force)
    card = {
        "spec": taken.spec,
        "splits": taken.splits,
        "policy": taken.policy,
        "zone": taken.zone,
        "content": taken.content,
    }
    return Taken(taken.frames, card, finish=partial(_finished, before=request.before and request.before.card))


def _finished(folder: Path, card: Card, before: Card | None) -> Card:
    """The card to seal, once every split is seen to hold a window.

    Raises:
        UserError: one holds none.
    """
    from genfoundry.kinds.series import storage  # reads numpy

    axis = storage.read(folder)
    for split in storage.SPLITS:
        storage.cut_windows(axis, split, cast(SeriesSpec, card.spec), card)
    return _told_as_before(folder, card, before) if before else card


def _told_as_before(folder: Path, card: Card, before: Card) -> Card:
    """The card of the version before, where data and words are the same: what a later release says besides (the zone,
    what conversion lost) makes no other version of them."""
    from genfoundry.kinds.series import storage

    was = before.files.get(storage.FILE)
    policy = {step: sentence for step, sentence in card.policy.items() if step != "precision"}
    same = was and was.md5 == file_digest(folder / storage.FILE, "md5") and before.policy == policy
    if same and (before.spec, before.splits, before.zone, before.content) == (card.spec, card.splits, "", {}):
        return card.model_copy(update={"policy": policy, "zone": "", "content": {}})
    return card
