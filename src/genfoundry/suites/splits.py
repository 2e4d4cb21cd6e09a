"""What the splits of a set of series must fulfil: enough values and windows, and each after the one before it.

A part of `series.py`'s suite.
"""

# pyright: reportArgumentType=false, reportCallIssue=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.dataset import Card
from genfoundry.errors import UserError
from genfoundry.kinds import series
from genfoundry.recipe import Validation
from genfoundry.records import SeriesSpec
from genfoundry.suites import Expectation, Table, exactly

if TYPE_CHECKING:
    import pandas as pd

SUITE = (
    exactly("splits", len(series.SPLITS), "splits"),
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
        remedy="mend the card's splits",
        row="{split} ends {end:%Y-%m-%d %H:%M}, the next begins {next:%Y-%m-%d %H:%M}",
    ),
)  # fmt: skip


def table(folder: Path, spec: SeriesSpec, card: Card, policy: Validation) -> Table:
    """One row a split, and what is expected of it."""
    return Table(_spans(folder, spec, card, policy), SUITE, row="{split}")


def _spans(folder: Path, spec: SeriesSpec, card: Card, policy: Validation) -> pd.DataFrame:
    """One row a split: its observed values, its windows, its last future step and the first of the split after it."""
    import pandas as pd

    axis = series.read(folder)
    begins = pd.to_datetime([card.splits["val"], card.splits["test"]], utc=True).tz_localize(None)
    observed = [axis.mask[axis.stamps < begins[0]], axis.mask[(axis.stamps >= begins[0]) & (axis.stamps < begins[1])]]
    observed.append(axis.mask[axis.stamps >= begins[1]])
    spans = pd.DataFrame([{"split": split, **_span(folder, split, spec, axis.stamps)} for split in series.SPLITS])
    return spans.assign(
        observed=[int(mask.sum()) for mask in observed],
        card=[card.counts.get(split, 0) for split in series.SPLITS],
        enough=[policy.min_rows, 1, 1],
        next=spans["begin"].shift(-1),
    )


def _span(folder: Path, split: str, spec: SeriesSpec, stamps: np.ndarray) -> dict[str, object]:
    try:
        start = series.windows(folder, split, spec).start
    except UserError:
        return {"windows": 0, "begin": np.datetime64("NaT"), "end": np.datetime64("NaT")}
    cut = start + spec.context
    return {"windows": len(start), "begin": stamps[cut].min(), "end": stamps[cut + spec.horizon - 1].max()}
