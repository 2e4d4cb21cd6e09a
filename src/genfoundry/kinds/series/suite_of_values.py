"""What the values of one channel of one series must hold: no stuck stretch, no code for a missing value, and
differences that float32 can tell, in which models are trained.

A part of `series.py`'s suite.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import NamedTuple

import numpy as np

from genfoundry import catalog
from genfoundry.data.expectations import Expectation
from genfoundry.data.policy import Validation
from genfoundry.kinds.series.spec import SeriesSpec

STAMP = "%Y-%m-%d %H:%M"
CHANCE = 2.0  # times the longest run of one value that chance explains
FAR, FAR_CODE = 3.0, 1.0  # times the range of nine in ten values that an extreme lies off the rest; for nines, less
ENDS = {float(2**bits - one) for bits in (15, 16, 31, 32, 63, 64) for one in (0, 1)}
SHOWN = 5  # codes that a remedy lists
KEPT = 0.5  # of the distinct values, at least, in float32


class Content(NamedTuple):
    """Of the observed values of a channel of a series; NaN and NaT where there is nothing of the kind.

    `run` is the length of a stretch that keeps `run_value` for longer than chance explains; `extreme` is a minimum or
    maximum far from the rest, which goes from `low` to `high`; `distinct32` is how many distinct values float32 has.
    """

    run: float = np.nan
    run_value: float = np.nan
    run_share: float = np.nan
    run_at: np.datetime64 = np.datetime64("NaT")
    extreme: float = np.nan
    extreme_count: float = np.nan
    extreme_share: float = np.nan
    extreme_at: np.datetime64 = np.datetime64("NaT")
    low: float = np.nan
    high: float = np.nan
    distinct32: float = np.nan
    kept: float = np.nan


def content(values: np.ndarray, stamps: np.ndarray, spec: SeriesSpec) -> Content:
    """Look at `values` (T,), NaN where missing, at the times `stamps` (T,)."""
    there = np.isfinite(values)
    seen, when = values[there], stamps[there]
    distinct, first, counts = np.unique(seen, return_index=True, return_counts=True)
    if len(distinct) < 2:
        return Content()  # constant or empty: that is another check's
    with np.errstate(over="ignore"):  # what is beyond float32 is another check's
        found = Content(distinct32=float(len(np.unique(distinct.astype(np.float32)))))
    found = found._replace(kept=found.distinct32 / len(distinct))
    if (at := stuck(seen, max(spec.horizon, spec.season))) is not None:
        begin, length = at
        found = found._replace(run=length, run_value=seen[begin], run_share=length / len(seen), run_at=when[begin])
    if (side := far(distinct, counts)) is not None:
        others = distinct[:-1] if side else distinct[1:]
        found = found._replace(
            extreme=distinct[side], extreme_count=counts[side], extreme_share=counts[side] / len(seen),
            extreme_at=when[first[side]], low=others[0], high=others[-1],
        )  # fmt: skip
    return found


def stuck(seen: np.ndarray, least: int) -> tuple[int, int] | None:
    """Where the longest run of one value in `seen` (T,) begins and how long it is, if that is more than chance.

    A run may be as long as `least`, and CHANCE times as long as is likely among so many values that stay as often as
    those outside of it do: nights without sun, weeks without rain and prices that change once a month are no faults.
    """
    begins = np.flatnonzero(np.r_[True, seen[1:] != seen[:-1]])
    lengths = np.diff(np.r_[begins, len(seen)])
    longest = int(lengths.argmax())
    length = int(lengths[longest])
    if length <= least:
        return None
    others = np.delete(lengths, longest)
    alike = others[np.delete(seen[begins], longest) == seen[begins[longest]]]
    likely = log(len(seen)) / -log(max(_stays(others), _stays(alike)))
    return (int(begins[longest]), length) if length > CHANCE * likely else None


def _stays(runs: np.ndarray) -> float:
    """How often the next value is the same, of runs of these lengths; one half where there is none (Laplace's rule)."""
    return float(((runs - 1).sum() + 1) / (runs.sum() + 2))


def far(distinct: np.ndarray, counts: np.ndarray) -> int | None:
    """0 for a minimum, -1 for a maximum that is far from the rest of the sorted `distinct` values; else None.

    It has to come more than once, or to be a code for missing values.
    """
    if len(distinct) < 3:
        return None
    gaps = {0: distinct[1] - distinct[0], -1: distinct[-1] - distinct[-2]}
    side = max(gaps, key=lambda side: gaps[side])
    rest = slice(1, None) if side == 0 else slice(0, -1)
    code = is_code(distinct[side])
    if counts[side] < 2 and not code:
        return None
    share = np.cumsum(counts[rest]) / counts[rest].sum()
    low, high = (distinct[rest][np.searchsorted(share, point)] for point in (0.05, 0.95))
    spread = (high - low) or (distinct[rest][-1] - distinct[rest][0])
    return side if gaps[side] > (FAR_CODE if code else FAR) * spread else None


def is_code(value: float) -> bool:
    """Whether a number is one of those that recorders write for nothing: nines (-9999, 99.9), the ends of integers."""
    digits = f"{abs(value):.9g}".replace(".", "")
    return (len(digits) > 1 and set(digits) == {"9"}) or abs(value) in ENDS


def suite(name: str, extremes: Iterable[float], spec: SeriesSpec, policy: Validation) -> tuple[Expectation, ...]:
    """What is expected of the rows that `content` gives, in the dataset `name`; `extremes` are those found in it."""
    options = " ".join(f"--na={value:.15g}" for value in [*dict.fromkeys(extremes)][:SHOWN])
    own = name not in catalog.names("datasets")
    remedy = f"genfoundry data add PATH --name {name} {options} --force" if own else "leave it out where it is built"
    least = max(spec.horizon, spec.season)
    return (
        Expectation(
            "stuck values", "ExpectColumnValuesToBeNull", {"column": "run"}, severity="warning",
            met=f"No value stays for more than {least} steps and longer than chance explains.",
            unmet=f"{{bad}} of {{of}} channels keep one value for more than {least} steps, the longer of horizon and "
                  "season, and longer than chance explains: {where}. Where the recorder was stuck, leave "
                  "the cells empty and add the data again.",
            row=f"{{label}} is {{run_value:.15g}} for {{run:,.0f}} values ({{run_share:.1%}}) from {{run_at:{STAMP}}}",
        ),
        Expectation(
            "extreme values", "ExpectColumnValuesToBeNull", {"column": "extreme"}, severity="warning",
            met="No minimum or maximum repeats far from all other values.",
            unmet="{bad} of {of} channels have an extreme value far from all others: {where}. If it stands for a "
                  f"missing value: {remedy}",
            row=f"{{label}} is {{extreme:.15g}} in {{extreme_count:,.0f}} of {{observed:,}} values "
                f"({{extreme_share:.2%}}), first at {{extreme_at:{STAMP}}}, and else {{low:.6g}} to {{high:.6g}}",
        ),
        *_precision(policy),
    )  # fmt: skip


def _precision(policy: Validation) -> tuple[Expectation, ...]:
    remedy = "subtract one number near its mean from the whole channel, and add it to the forecasts again"
    row = "{label} has {distinct:,.0f} distinct values near {value:.6g}, and {distinct32:,.0f} in float32"
    return (
        Expectation(
            "float32: values vary", "ExpectColumnValuesToBeBetween", {"column": "distinct32", "min_value": 2},
            met="What varies does so in float32 too, in which models are trained.",
            unmet="{bad} of {of} are constant in float32, in which models are trained: {where}.",
            remedy=remedy, row=row, severity="warning", tolerance=policy.max_bad_fraction,
        ),
        Expectation(
            "float32: distinct values", "ExpectColumnValuesToBeBetween", {"column": "kept", "min_value": KEPT},
            met=f"At least {KEPT:.0%} of the distinct values are distinct in float32.",
            unmet=f"{{bad}} of {{of}} lose more than {1 - KEPT:.0%} of their distinct values in float32, in which "
                  f"models are trained: {{where}}. To keep them, {remedy}.",
            row=row, severity="warning",
        ),
    )  # fmt: skip
