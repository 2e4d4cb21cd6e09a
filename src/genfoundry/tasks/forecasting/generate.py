"""A forecast of the series that a model was trained on, from any moment that they reach."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genfoundry.data.stamps import CONVERTED, as_tzinfo, in_zone
from genfoundry.dataset import Card, Dataset, open_version
from genfoundry.errors import UserError
from genfoundry.kinds.series import storage
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.kinds.series.storage import Axis
from genfoundry.model import HasQuantiles, Model
from genfoundry.records import DatasetVersion
from genfoundry.serving import tables
from genfoundry.serving.provenance import Provenance
from genfoundry.task import Generated
from genfoundry.tasks.forecasting.pasts import enough, known_steps
from genfoundry.tasks.forecasting.predictor import SAMPLES, Predictor

if TYPE_CHECKING:
    import pandas as pd

    from genfoundry.tasks.forecasting.about import Wishes

TABLE = "forecast.csv"
SHOWN = 10  # series whose last moments are told one by one


class ForecastFrame(NamedTuple):
    """`frame` has the columns of the predictor; `given` says up to when the series were known."""

    frame: pd.DataFrame
    given: str
    notes: list[str]


def write(model: Model, dataset_version: DatasetVersion, wishes: Wishes, origin: Provenance, out: Path) -> Generated:
    """Write `forecast.csv`, each row marked, and its provenance beside it. The data are on this machine.

    Raises:
        UserError: see `forecasts`.
    """
    made = forecasts(model, open_version(dataset_version), wishes)
    origin = origin.model_copy(update={"given": made.given})
    return Generated(origin, tables.write(out / TABLE, made.frame, origin), made.notes)


def sample(model: Model, dataset_version: DatasetVersion, wishes: Wishes) -> np.ndarray:
    """Possible futures of each series, in their alphabetical order: float64 (wishes.number, series, horizon).

    Raises:
        UserError: see `forecasts`.
    """
    known = _known_pasts(model, open_version(dataset_version), wishes)
    return known.predictor(model).futures(known.past, wishes.number or SAMPLES, wishes.seed)


class KnownPasts(NamedTuple):
    """The rows that a forecast goes on from, and where each series, by its number, ends on the axis."""

    past: pd.DataFrame
    axis: Axis
    ends: dict[int, int]
    zone: str

    def predictor(self, model: Model) -> Predictor:
        """What forecasts them."""
        return Predictor(model, model.names or self.axis.ids)


def _known_pasts(model: Model, dataset: Dataset, wishes: Wishes) -> KnownPasts:
    import pandas as pd

    axis, zone, spec = storage.read(dataset.folder), _zone(dataset.card), model.spec
    moment = None if wishes.until is None else _moment(wishes.until, axis, spec, zone)
    ends = {i: end for i in range(len(axis.ids)) if (end := _end(axis, i, moment, spec)) is not None}
    if not ends:
        raise _out_of_range(wishes.until or "the end of the data", axis, spec, zone)
    past = pd.concat([_past(axis, i, end, spec, zone) for i, end in ends.items()])
    return KnownPasts(past, axis, ends, zone)


def forecasts(model: Model, dataset: Dataset, wishes: Wishes) -> ForecastFrame:
    """The horizon after the last value of each series of a dataset, or after its last one up to a moment.

    That moment, `wishes.until`, is inclusive, midnight where no time is given, and in the data's zone where no offset
    is. `wishes.number` futures are drawn for the mean and the quantiles, by families that know no quantiles.

    Raises:
        UserError: the moment is not a date, no series reaches it, or none has the steps before it that the model reads.
    """
    known = _known_pasts(model, dataset, wishes)
    axis, params = known.axis, {"seed": wishes.seed, "samples": wishes.number or SAMPLES}
    frame = known.predictor(model).predict(known.past, params)
    until = {axis.ids[i]: axis.stamps[end - 1] for i, end in known.ends.items()}
    return ForecastFrame(frame, _given(until, known.zone), _notes(model, axis, [*known.ends], wishes.number))


def _notes(model: Model, axis: Axis, forecast: list[int], count: int | None) -> list[str]:
    left_out = [name for i, name in enumerate(axis.ids) if i not in forecast]
    note = f"Left out, for they don't reach so far or have too little of the past: {', '.join(left_out)}."
    read = "This family knows its quantiles and draws no futures: -n changes nothing."
    return [note] * bool(left_out) + [read] * (count is not None and isinstance(model, HasQuantiles))


def _given(known: dict[str, np.datetime64], zone: str) -> str:
    """Up to when the series were known, each up to its last value."""
    moments = sorted({*known.values()})
    if len(moments) == 1:
        return f"until {_said(moments[0], zone)}"
    if len(known) <= SHOWN:
        return "until " + ", ".join(f"{_said(moment, zone)} ({name})" for name, moment in known.items())
    return f"until the last value of each series, from {_said(moments[0], zone)} to {_said(moments[-1], zone)}"


def _zone(card: Card) -> str:
    """The zone that the data came in; sets that were taken in before cards had one say only whether there was any."""
    return card.zone or ("+00:00" if card.policy.get("time") == CONVERTED else "")


def _moment(until: str, axis: Axis, spec: SeriesSpec, zone: str) -> np.datetime64:
    """A moment in UTC; without an offset it is one of the data's own zone."""
    try:
        given = datetime.fromisoformat(until)
    except ValueError:
        raise _out_of_range(until, axis, spec, zone) from None
    given = given if given.tzinfo or not zone else given.replace(tzinfo=as_tzinfo(zone))
    return np.datetime64(given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given, "us")


def _end(axis: Axis, number: int, moment: np.datetime64 | None, spec: SeriesSpec) -> int | None:
    """Where the known part of a series ends on the axis; None where the model has too little of it."""
    begin, end = axis.offsets[number], _known(axis, number)
    if moment is not None:
        if end == begin or axis.stamps[end - 1] < moment:
            return None
        end = begin + int(np.searchsorted(axis.stamps[begin:end], moment, "right"))
        end = begin + known_steps(axis.mask[begin:end])
    return int(end) if enough(axis.mask[begin:end], spec) else None


def _known(axis: Axis, number: int) -> int:
    """The end of a series on the axis, behind its last observed value."""
    begin, end = axis.offsets[number : number + 2]
    return int(begin + known_steps(axis.mask[begin:end]))


def _past(axis: Axis, number: int, end: int, spec: SeriesSpec, zone: str) -> pd.DataFrame:
    import pandas as pd

    rows = slice(end - spec.context, end)
    y = np.where(axis.mask[rows] > 0, axis.values[rows], np.nan)
    when = in_zone(pd.DatetimeIndex(axis.stamps[rows]), zone)
    return pd.DataFrame({"unique_id": axis.ids[number], "ds": when, "y": y})


def _out_of_range(until: str, axis: Axis, spec: SeriesSpec, zone: str) -> UserError:
    bounds = [(axis.offsets[number], _known(axis, number)) for number in range(len(axis.ids))]
    long = [(begin + spec.context - 1, end - 1) for begin, end in bounds if end - begin >= spec.context]
    if not long:
        return UserError(f"No series has the {spec.context} steps that the model reads, up to its last value.")
    first, last = (pick(axis.stamps[[pair[i] for pair in long]]) for i, pick in enumerate((np.min, np.max)))
    return UserError(
        f"There is no forecast from '{until}'.",
        expected=f"a date from {_said(first, zone)} to {_said(last, zone)}, with {spec.context} steps of the data up "
        "to it, half of them observed",
    )


def _said(stamp: np.datetime64, zone: str) -> str:
    """A time stamp in UTC as a user writes it, in the data's zone."""
    if zone:
        return (
            stamp.astype("datetime64[us]")
            .item()
            .replace(tzinfo=UTC)
            .astimezone(as_tzinfo(zone))
            .isoformat(" ", "minutes")
        )
    return str(stamp.astype("datetime64[D]" if stamp == stamp.astype("datetime64[D]") else "datetime64[m]"))
