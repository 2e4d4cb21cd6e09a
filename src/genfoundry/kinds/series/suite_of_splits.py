"""What the splits of a set of series must fulfil: enough values and windows, and each after the one before it.

A part of `suite.py`.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportOperatorIssue=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genfoundry.data.expectations import CheckedTable, Expectation, exactly, printable
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card
from genfoundry.errors import UserError
from genfoundry.kinds.series import storage
from genfoundry.kinds.series.spec import SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5  # series that a sentence names

SUITE = (
    exactly("splits", len(storage.SPLITS), "splits"),
    Expectation(
        "splits: observed values", "ExpectColumnPairValuesToBeEqual", {"column_A": "observed", "column_B": "card"},
        met="Every split has as many values of y as the card says.", unmet="The card says otherwise: {where}.",
        remedy="build the dataset again", row="{split} has {observed} values, {card} on the card",
    ),
    Expectation(
        "splits: enough values", "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": "observed", "column_B": "enough", "or_equal": True},
        met="Every split has enough values of y.", unmet="Too few values of y are observed: {where}.",
        remedy="give longer series, or lower validation.min_rows",
        row="{split} has {observed}, {enough} are asked for",
    ),
    Expectation(
        "splits: windows", "ExpectColumnValuesToBeBetween", {"column": "windows", "min_value": 1},
        met="Every split has windows.", unmet="{bad} of {of} splits hold no window: {where}.",
        remedy="give longer series, or a shorter context and horizon",
    ),
    Expectation(
        "splits follow each other in time", "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": "next", "column_B": "end", "ignore_row_if": "either_value_is_missing"},
        met="What is judged in a split lies after all that the split before was trained or judged on.",
        unmet="{bad} of {of} splits reach into the one after them: {where}.",
        remedy="correct the card's splits",
        row="{split} ends {end:%Y-%m-%d %H:%M}, the next begins {next:%Y-%m-%d %H:%M}",
    ),
    Expectation(
        "splits: y varies", "ExpectColumnValuesToBeBetween", {"column": "varying", "min_value": 1},
        met="In every split y varies in one series at least.",
        unmet="{bad} of {of} splits are dead, y is constant in every series of them: {where}.",
        remedy="leave out the stretch where the recorder was stuck, or give longer series",
        row="{split} ({observed:,} values, {said})",
    ),
    Expectation(
        "splits: every series is used", "ExpectColumnValuesToBeBetween", {"column": "unused", "max_value": 0},
        severity="warning", met="Every series has windows in every split.",
        unmet="{bad} of {of} splits have series without a window: {where}. Those are not trained on, not watched in "
              "training, or not judged. Give them the stretch of time that they lack, or leave them out.",
        row="{split} lacks {unused:,} of {series:,}, {names}",
    ),
)  # fmt: skip


def table(frame: pd.DataFrame, spec: SeriesSpec, card: Card, policy: Validation) -> CheckedTable:
    """One row a split, and what is expected of it. `frame` has all rows, in float64, with the channels as `c0`, …"""
    spans = _spans(_axis(frame, spec), spec, card, policy)
    lives = [_life(part) for part in _parts(frame, spec, card)]
    return CheckedTable(spans.assign(**{key: [life[key] for life in lives] for key in lives[0]}), SUITE, row="{split}")


def _axis(frame: pd.DataFrame, spec: SeriesSpec) -> storage.Axis:
    """The target as models read it, of rows that were parsed for the other checks already."""
    y = frame[f"c{spec.channels.index('y')}"]
    return storage.axis_of(frame["unique_id"].to_numpy(object), _utc(frame["ds"]), y.to_numpy())


def _utc(times: pd.Series) -> np.ndarray:
    import pandas as pd

    return pd.DatetimeIndex(pd.to_datetime(times, utc=True)).tz_localize(None).to_numpy()


def _parts(frame: pd.DataFrame, spec: SeriesSpec, card: Card) -> list[pd.DataFrame]:
    """The observed rows of each split: `unique_id` and `y`."""
    import pandas as pd

    y = f"c{spec.channels.index('y')}"
    rows = frame[["unique_id", "ds", y]].set_axis(["unique_id", "ds", "y"], axis=1).dropna()
    begins = [pd.Timestamp(storage.boundary(card.splits, split)) for split in storage.SPLITS[1:]]
    number = np.searchsorted(np.array(begins, "datetime64[us]"), _utc(rows["ds"]), side="right")
    return [rows[number == place] for place in range(len(storage.SPLITS))]


def _life(part: pd.DataFrame) -> dict[str, object]:
    """In how many series of a split y varies, and what it is where it does in none."""
    by_series = part.groupby("unique_id", sort=False)["y"]
    varying = int((by_series.min() < by_series.max()).sum())
    if not varying and len(part) == len(by_series):
        return {"varying": np.nan, "said": ""}  # one value a series says nothing of it
    return {"varying": varying, "said": "" if varying else f"always {part['y'].iloc[0]:.15g}, as in "
            f"{printable(part['unique_id'].iloc[0])}"}  # fmt: skip


def _spans(axis: storage.Axis, spec: SeriesSpec, card: Card, policy: Validation) -> pd.DataFrame:
    """One row a split: its observed values, its windows, its last future step and the first of the split after it."""
    import pandas as pd

    begins = pd.to_datetime([card.splits["val"], card.splits["test"]], utc=True).tz_localize(None)
    observed = [axis.mask[axis.stamps < begins[0]], axis.mask[(axis.stamps >= begins[0]) & (axis.stamps < begins[1])]]
    observed.append(axis.mask[axis.stamps >= begins[1]])
    spans = pd.DataFrame([{"split": split, **_span(axis, split, spec, card)} for split in storage.SPLITS])
    return spans.assign(
        observed=[int(mask.sum()) for mask in observed],
        card=[card.counts.get(split, 0) for split in storage.SPLITS],
        enough=[policy.min_rows, 1, 1],
        next=spans["begin"].shift(-1),
    )


def _span(axis: storage.Axis, split: str, spec: SeriesSpec, card: Card) -> dict[str, object]:
    """The windows of a split: how many, from when to when, and of which series there is none."""
    try:
        cut = storage.cut_windows(axis, split, spec, card)
    except UserError:
        nothing = {"windows": 0, "begin": np.datetime64("NaT"), "end": np.datetime64("NaT")}
        return {**nothing, **_unused(axis, np.arange(len(axis.ids)))}
    there = cut.start + spec.context
    return {
        "windows": len(cut.start),
        "begin": axis.stamps[there].min(),
        "end": axis.stamps[there + spec.horizon - 1].max(),
        **_unused(axis, np.setdiff1d(np.arange(len(axis.ids)), cut.series)),
    }


def _unused(axis: storage.Axis, numbers: np.ndarray) -> dict[str, object]:
    """How many series a split has no window of, of how many, and the first of them by name."""
    names = ", ".join(printable(axis.ids[number]) for number in numbers[:SHOWN])
    return {"unused": len(numbers), "series": len(axis.ids), "names": names + ", …" * (len(numbers) > SHOWN)}
