"""What the judge of forecasting computes beside `metrics/forecast.py`: ratios to the baselines on the same windows."""

from __future__ import annotations

from genfoundry.metric import ScoreKind

SUBJECTS = {"seasonal_naive": "seasonal naive", "auto_ets": "AutoETS", "random_walk": "the random walk"}
SCORES = (
    ScoreKind(
        "scaled_crps_to_seasonal_naive",
        label="Scaled CRPS, relative to seasonal naive",
        question="Below 1 is better than repeating the last season, on the same windows.",
        better="lower",
        low=0,
        headline=True,
    ),
    ScoreKind(
        "scaled_crps_to_auto_ets",
        label="Scaled CRPS, relative to AutoETS",
        question="Below 1 is better, on the same windows.",
        better="lower",
        low=0,
        headline=True,
    ),
    ScoreKind(
        "mase_to_seasonal_naive",
        label="MASE, relative to seasonal naive",
        question="The same, over that of repeating the last season.",
        better="lower",
        low=0,
    ),
    ScoreKind(
        "mase_to_auto_ets",
        label="MASE, relative to AutoETS",
        question="The same, over that of AutoETS.",
        better="lower",
        low=0,
    ),
    ScoreKind(
        "relative_crps",
        label="CRPS, relative to seasonal naive",
        question="Below 1 is better than repeating the last season.",
        better="lower",
        low=0,
    ),
)
