"""What series must fulfil: checks on the frame, on each channel of each series, and on the splits' windows."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.data import conversion
from genfoundry.data.expectations import CheckedTable, Expectation, exactly, filled, literal, printable
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card, remake
from genfoundry.errors import UserError
from genfoundry.kinds.series import storage, suite_of_splits, suite_of_values
from genfoundry.kinds.series.grid import steps_from
from genfoundry.kinds.series.spec import SeriesSpec

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5  # series that a sentence lists
LARGEST = float(np.finfo(np.float32).max)  # training is in float32
STAMP = "{ds:%Y-%m-%d %H:%M}"


def tables(folder: Path, spec: SeriesSpec, card: Card, policy: Validation) -> list[CheckedTable]:
    """One table of the rows, one of the channels, one of each channel in each series, and one of the splits.

    Raises:
        UserError: the file does not parse, or lacks a column or a split.
    """
    frame = _frame(folder, spec)
    if lacking := {*storage.SPLITS[1:]} - {*card.splits}:
        raise UserError(
            f"The card of '{card.name}' does not say where {' and '.join(sorted(lacking))} begins.",
            remedy=remake(card.name),
        )
    cells = _cells(frame, spec)
    return [
        CheckedTable(_with_steps(frame, spec), _rows_suite(spec, cells, policy), row=f"{{label}} at {STAMP}"),
        CheckedTable(_channels(frame, spec), _channels_suite(spec), row="{label}"),
        CheckedTable(
            cells,
            (
                *_cells_suite(spec, policy),
                *suite_of_values.suite(card.name, cells["extreme"].dropna().tolist(), spec, policy),
            ),
            row="{label}",
        ),
        suite_of_splits.table(frame, spec, card, policy),
        *_conversion(spec, card),
    ]


def _frame(folder: Path, spec: SeriesSpec) -> pd.DataFrame:
    """The rows, with the channels renamed `c0`, `c1`, …: names from the data stay out of the rules."""
    import pandas as pd

    path = folder / storage.FILE
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} does not parse: {error}", remedy="build the dataset again") from None
    if lacking := [name for name in ("unique_id", "ds", *spec.channels) if name not in frame.columns]:
        raise UserError(f"{path} has no column {', '.join(map(printable, lacking))}.", remedy="build the dataset again")
    if texts := [name for name in spec.channels if not pd.api.types.is_numeric_dtype(frame[name])]:
        raise UserError(f"{path}: column {printable(texts[0])} does not hold numbers.", expected="numbers")
    frame = frame[["unique_id", "ds", *spec.channels]]
    return frame.set_axis(["unique_id", "ds", *(f"c{i}" for i in range(len(spec.channels)))], axis=1)


def _with_steps(frame: pd.DataFrame, spec: SeriesSpec) -> pd.DataFrame:
    """The rows, each with its series' name to print, and whether its time comes after the last one and on the grid."""
    import pandas as pd

    previous = frame.groupby("unique_id", sort=False)["ds"].shift()
    steps = frame.assign(
        label=frame["unique_id"].map({name: printable(name) for name in frame["unique_id"].unique()}),
        forward=np.where(previous.isna() | frame["ds"].isna(), True, frame["ds"] > previous),
        due=pd.Series(pd.NaT, frame.index, dtype=frame["ds"].dtype),
    )
    for rows in frame.groupby("unique_id", sort=False).indices.values():
        stamps = frame["ds"].iloc[rows]
        grid = steps_from(stamps.min(), len(rows), spec.freq) if stamps.notna().any() else stamps
        steps.iloc[rows, steps.columns.get_loc("due")] = grid
    return steps


def _rows_suite(spec: SeriesSpec, cells: pd.DataFrame, policy: Validation) -> tuple[Expectation, ...]:
    numbers = range(len(spec.channels))
    return (
        Expectation(
            "row count", "ExpectTableRowCountToBeBetween", {"min_value": spec.context + spec.horizon},
            met=f"At least {spec.context + spec.horizon:,} rows: one window.",
            unmet=f"{{observed}} rows; one window takes {spec.context + spec.horizon:,}.", remedy="give longer series",
        ),
        Expectation(
            "number of series", "ExpectColumnUniqueValueCountToBeBetween",
            {"column": "unique_id", "min_value": spec.num_series, "max_value": spec.num_series},
            met=f"{spec.num_series:,} series, as the card says.",
            unmet=f"{{observed}} series; the card says {spec.num_series:,}.", remedy="build the dataset again",
        ),
        filled("series name filled in", "unique_id", "series names"),
        filled("time filled in", "ds", "time stamps"),
        *_time_rules(spec),
        *(_finite(f"c{i}", spec.channels[i]) for i in numbers),
        *(_observed(i, spec.channels[i], cells, policy) for i in numbers),
    )  # fmt: skip


def _time_rules(spec: SeriesSpec) -> tuple[Expectation, ...]:
    return (
        Expectation(
            "one row a time stamp", "ExpectCompoundColumnsToBeUnique", {"column_list": ["unique_id", "ds"]},
            met="No series has two rows at one time.",
            unmet="{bad} of {of} rows share their series and time with another: {where}.", remedy="keep one of them",
        ),
        Expectation(
            "time runs forward", "ExpectColumnValuesToBeInSet", {"column": "forward", "value_set": [True]},
            met="In every series time runs forward.",
            unmet="{bad} of {of} rows do not come after the row before: {where}.", remedy="sort the rows by time",
        ),
        Expectation(
            "regular step", "ExpectColumnPairValuesToBeEqual",
            {"column_A": "ds", "column_B": "due", "ignore_row_if": "either_value_is_missing"},
            met=f"Every series is regular: one row each {spec.freq}.",
            unmet=f"{{bad}} of {{of}} rows are not where a step of {spec.freq} would put them: {{where}}.",
            remedy="fill the gaps with empty cells; `genfoundry data add` does",
            row=f"{{label}} at {STAMP}, due {{due:%Y-%m-%d %H:%M}}",
        ),
    )  # fmt: skip


def _finite(column: str, name: str) -> Expectation:
    return Expectation(
        f"{printable(name)} is finite", "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": -LARGEST, "max_value": LARGEST},
        met=f"Every value of {printable(name)} is finite.",
        unmet=f"{{bad}} of {{of}} values of {literal(printable(name))} are infinite or beyond float32: {{where}}.",
        remedy="leave the cell empty where nothing was measured", row=f"{{label}} at {STAMP} ({{{column}}})",
    )  # fmt: skip


def _observed(number: int, name: str, cells: pd.DataFrame, policy: Validation) -> Expectation:
    allowed, gaps = policy.max_bad_fraction, _gaps(cells[cells["number"] == number])
    return Expectation(
        f"{printable(name)} is observed", "ExpectColumnValuesToNotBeNull",
        {"column": f"c{number}", "mostly": 1 - allowed},
        met=f"At most {allowed:.1%} of {printable(name)} is missing{gaps and f': {gaps}'}.",
        unmet=f"{{bad}} of {{of}} values of {literal(printable(name))} are missing ({{share}}): {literal(gaps)}.",
        remedy="nothing to do if they were never measured", severity="warning",
    )  # fmt: skip


def _gaps(cells: pd.DataFrame) -> str:
    """The series that miss most of a channel, each with its longest gap."""
    gappy = cells[cells["missing"] > 0].sort_values(by="missing", ascending=False, kind="stable")
    listed = [
        f"{name} {missing:,} of {missing + observed:,}, longest gap {gap} from {ds:%Y-%m-%d %H:%M}"
        for name, missing, observed, gap, ds in gappy[["series", "missing", "observed", "gap", "ds"]].values[:SHOWN]
    ]
    return "; ".join(listed) + (f"; and {len(gappy) - SHOWN:,} more series" if len(gappy) > SHOWN else "")


def _channels(frame: pd.DataFrame, spec: SeriesSpec) -> pd.DataFrame:
    import pandas as pd

    columns = [frame[f"c{i}"] for i in range(len(spec.channels))]
    rows = [(printable(name), *_content(column)) for name, column in zip(spec.channels, columns, strict=True)]
    return pd.DataFrame(rows, columns=["label", "observed", "distinct", "value"])


def _content(column: pd.Series) -> tuple[int, float, float]:
    """How many values, how many different ones (NaN for none: that is another check's), and the first."""
    seen = column.dropna()
    return len(seen), float(seen.nunique()) if len(seen) else np.nan, float(seen.iloc[0]) if len(seen) else np.nan


def _channels_suite(spec: SeriesSpec) -> tuple[Expectation, ...]:
    return (
        exactly("channels", len(spec.channels), "channels"),
        Expectation(
            "no channel is empty", "ExpectColumnValuesToBeBetween", {"column": "observed", "min_value": 1},
            met="Every channel has values.", unmet="{bad} of {of} channels have no value at all: {where}.",
            remedy="leave the channel out",
        ),
        Expectation(
            "no channel is constant", "ExpectColumnValuesToBeBetween", {"column": "distinct", "min_value": 2},
            met="Every channel varies.", unmet="{bad} of {of} channels are constant: {where}.",
            remedy="leave the channel out", row="{label} is always {value:g}",
        ),
    )  # fmt: skip


def _cells(frame: pd.DataFrame, spec: SeriesSpec) -> pd.DataFrame:
    """One row a channel of a series: its content, and its longest gap and where that begins."""
    import pandas as pd

    rows = []
    for name, part in frame.groupby("unique_id", sort=False):
        for i, channel in enumerate(spec.channels):
            length, begin = _longest_gap(part[f"c{i}"].isna().to_numpy())
            missing = int(part[f"c{i}"].isna().sum())
            where = (i, printable(name), f"{printable(channel)} of {printable(name)}")
            content = suite_of_values.content(part[f"c{i}"].to_numpy(), part["ds"].to_numpy(), spec)
            rows.append((*where, *_content(part[f"c{i}"]), missing, length, part["ds"].iloc[begin], *content))
    columns = ["number", "series", "label", "observed", "distinct", "value", "missing", "gap", "ds"]
    return pd.DataFrame(rows, columns=[*columns, *suite_of_values.Content._fields])


def _longest_gap(missing: np.ndarray) -> tuple[int, int]:
    """Length and first index of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, missing, False].astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return 0, 0
    longest = int((ends - begins).argmax())
    return int(ends[longest] - begins[longest]), int(begins[longest])


def _cells_suite(spec: SeriesSpec, policy: Validation) -> tuple[Expectation, ...]:
    return (
        exactly("channels of all series", spec.num_series * len(spec.channels), "channels of all series"),
        Expectation(
            "no channel of a series is empty", "ExpectColumnValuesToBeBetween", {"column": "observed", "min_value": 1},
            met="Every series has values in every channel.", unmet="{bad} of {of} hold no value: {where}.",
            remedy="leave the series out", severity="warning", tolerance=policy.max_bad_fraction,
        ),
        Expectation(
            "no channel of a series is constant", "ExpectColumnValuesToBeBetween",
            {"column": "distinct", "min_value": 2},
            met="Every channel varies in every series.", unmet="{bad} of {of} are constant: {where}.",
            remedy="leave the series out", row="{label} is always {value:g}",
            severity="warning", tolerance=policy.max_bad_fraction,
        ),
        Expectation(
            "gaps", "ExpectColumnValuesToBeBetween", {"column": "gap", "max_value": spec.horizon}, severity="warning",
            met=f"No gap is longer than the horizon of {spec.horizon} steps.",
            unmet=f"{{bad}} of {{of}} channels have a gap longer than the horizon of {spec.horizon} steps: {{where}}.",
            remedy="nothing to do if it was never measured", row=f"{{label}}, {{gap}} steps from {STAMP}",
        ),
    )  # fmt: skip


def _conversion(spec: SeriesSpec, card: Card) -> list[CheckedTable]:
    """One row a channel that float64 does not hold exactly, as intake counted; no table where there is none."""
    import pandas as pd

    lost = {printable(name): found for name in spec.channels if (found := conversion.rounding(card.content, name))}
    told = card.policy.get("precision") or "; ".join(f"{label}: {found}" for label, found in lost.items())
    rule = Expectation(
        "conversion: numbers are kept", "ExpectColumnValuesToBeNull", {"column": "lost"}, severity="warning",
        met="Every number was read exactly.",
        unmet=f"{{bad}} of {{of}} channels were not read exactly. {literal(told)}. Subtract one number from the "
              "whole channel, or leave it out if its numbers are names, and add the data again.",
    )  # fmt: skip
    return [CheckedTable(pd.DataFrame({"lost": [found.rounded for found in lost.values()]}), (rule,))] if lost else []
