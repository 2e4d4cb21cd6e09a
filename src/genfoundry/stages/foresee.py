"""A forecast of the series that a model was trained on, from any moment that they reach."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.dataset import locate
from genfoundry.errors import UserError
from genfoundry.files import publish
from genfoundry.kinds import series
from genfoundry.kinds.series import MIN_OBSERVED, Axis
from genfoundry.model import Model
from genfoundry.provenance import COLUMN, SIDECAR, Provenance, sidecar
from genfoundry.records import DatasetVersion, SeriesSpec
from genfoundry.served import SAMPLES, Forecasts
from genfoundry.stages.fetch import fetch_dataset

if TYPE_CHECKING:
    import pandas as pd

TABLE = "forecast.csv"


class Future(NamedTuple):
    """`frame` has the columns of `genfoundry.served`; `given` says up to when the series were known."""

    frame: pd.DataFrame
    given: str
    notes: list[str]


def foresee(
    model: Model, spec: SeriesSpec, data: DatasetVersion, until: str | None, count: int | None, seed: int
) -> Future:
    """The horizon after `until` (inclusive, midnight UTC where no time is given), or after the end of each series.

    Args:
        count: futures that are drawn for the mean and the quantiles.

    Raises:
        UserError: `until` is not a date, no series reaches it, or none has the steps before it that the model reads.
    """
    import pandas as pd

    axis = series.read(_folder(data))
    moment = None if until is None else _moment(until, axis, spec)
    ends = {i: end for i in range(len(axis.ids)) if (end := _end(axis, i, moment, spec)) is not None}
    if not ends:
        raise _out_of_range(until or "the end of the data", axis, spec)
    past = pd.concat([_past(axis, i, end, spec) for i, end in ends.items()])
    frame = Forecasts(model, spec).predict(past, {"seed": seed, "samples": count or SAMPLES})
    left_out = [name for i, name in enumerate(axis.ids) if i not in ends]
    note = f"Left out, for they don't reach so far or have too little of the past: {', '.join(left_out)}."
    return Future(frame, f"until {_said(max(axis.stamps[end - 1] for end in ends.values()))}", [note] * bool(left_out))


def write(frame: pd.DataFrame, origin: Provenance, out: Path) -> list[Path]:
    """The table as CSV, each row marked, and its provenance beside it."""
    text = frame.assign(**{COLUMN: "true"}).to_csv(index=False, lineterminator="\n")
    return [publish(out / TABLE, text), publish(out / SIDECAR, sidecar(origin))]


def _folder(data: DatasetVersion) -> Path:
    try:
        return locate(data)
    except UserError:
        fetch_dataset(data.name)
        return locate(data)


def _moment(until: str, axis: Axis, spec: SeriesSpec) -> np.datetime64:
    try:
        given = datetime.fromisoformat(until)
    except ValueError:
        raise _out_of_range(until, axis, spec) from None
    return np.datetime64(given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given, "us")


def _end(axis: Axis, number: int, moment: np.datetime64 | None, spec: SeriesSpec) -> int | None:
    """Where the known part of a series ends on the axis; None where the model has too little of it."""
    begin, end = axis.offsets[number], axis.offsets[number + 1]
    if moment is not None:
        if axis.stamps[end - 1] < moment:
            return None
        end = begin + int(np.searchsorted(axis.stamps[begin:end], moment, "right"))
    observed = axis.mask[end - spec.context : end] if end - begin >= spec.context else np.zeros(1)
    return int(end) if observed.mean() >= MIN_OBSERVED else None


def _past(axis: Axis, number: int, end: int, spec: SeriesSpec) -> pd.DataFrame:
    import pandas as pd

    rows = slice(end - spec.context, end)
    y = np.where(axis.mask[rows] > 0, axis.values[rows], np.nan)
    return pd.DataFrame({"unique_id": axis.ids[number], "ds": axis.stamps[rows], "y": y, "series": number})


def _out_of_range(until: str, axis: Axis, spec: SeriesSpec) -> UserError:
    bounds = zip(axis.offsets[:-1], axis.offsets[1:], strict=True)
    long = [(begin + spec.context - 1, end - 1) for begin, end in bounds if end - begin >= spec.context]
    if not long:
        return UserError(f"No series has the {spec.context} steps that the model reads.")
    first, last = (pick(axis.stamps[[pair[i] for pair in long]]) for i, pick in enumerate((np.min, np.max)))
    return UserError(
        f"There is no forecast from '{until}'.",
        expected=f"a date from {_said(first)} to {_said(last)}, with {spec.context} steps of the data up to it, "
        "half of them observed",
    )


def _said(stamp: np.datetime64) -> str:
    """A time stamp as a user writes it."""
    return str(stamp.astype("datetime64[D]" if stamp == stamp.astype("datetime64[D]") else "datetime64[m]"))
