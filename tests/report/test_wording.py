"""Numbers and names in plain words."""

from __future__ import annotations

import math

import pytest
from demo import score
from support.tracked import evaluation

from genfoundry.report import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.61, "0.610"), (-1.5, "−1.50"), (1900.0, "1,900"), (1234567.0, "1,234,567"), (0.00012, "1.2×10⁻⁴"),
        (2e9, "2×10⁹"), (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "−∞"),
    ],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.21, "4.2 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (math.nan, "unknown"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("name", "label", "protocol"),
    [
        ("fd_domain-1a2b_1k", "Fréchet distance", "features of domain classifier 1a2b, 1,000 samples"),
        ("fd_inf_pca64", "Fréchet distance, at infinitely many samples", "64 principal components"),
        ("crps_h24_o14", "CRPS", "24 steps ahead, 14 origins per series"),
        ("coverage80_h24_o14", "Coverage of the 80 % band", "24 steps ahead, 14 origins per series"),
        ("coverage_domain-1a_1k", "Coverage", "features of domain classifier 1a, 1,000 samples"),
        ("near_copy_rate_pca64_500", "Near copies", "64 principal components, 500 samples"),
        ("elbo_bits_per_dim", "ELBO in bits per dimension", ""),
        ("my_own_score", "my own score", ""),
    ],
)
def test_score_names(name: str, label: str, protocol: str) -> None:
    found = wording.meaning(name)
    assert (found.label, found.protocol) == (label, protocol)


def test_the_reading_of_a_score_against_another() -> None:
    mine = score("fd", 1.0, 0.9, 1.1)
    assert wording.compare(mine, score("fd", 40.0, 39, 41, "noise")) == "40× better than the noise floor"
    assert wording.compare(mine, score("fd", 40.0, 39, 41, "noise"), terse=True) == "noise: 40× better"
    assert wording.compare(mine, score("fd", 0.2, 0.1, 0.3, "real")) == "5.0× worse than real data"
    assert wording.compare(mine, score("fd", 1.25, 1.2, 1.3, "auto_ets")) == "20 % better than AutoETS"
    assert wording.compare(mine, score("fd", 1.15, 1.05, 1.3, "auto_ets")) == "level with AutoETS"
    assert wording.compare(mine, score("fd", math.nan, 0, 0, "noise")) == ""
    assert wording.compare(mine, score("fd", -1.0, -2, 0.5, "real")) == "worse than real data"
    high = score("accuracy", 0.9, 0.89, 0.91, higher=True)
    assert wording.compare(high, score("accuracy", 0.1, 0.09, 0.11, "noise", higher=True)).startswith("9.0× better")


def test_intervals() -> None:
    assert wording.interval(score("fd", 1.0, 1.0, 1.0)) == ""
    assert wording.interval(score("kid", 0.0, -0.02, 0.02)) == "−0.0200 to 0.0200"
    assert wording.interval(score("accuracy", 0.9, 0.85, 1.0)) == "85.0 %\u2009–\u2009100 %"


@pytest.mark.parametrize(("ratio", "says"), [(0.8, "seasonal naive: 20 % better"), (0.97, "seasonal naive: level")])
def test_a_forecaster_stands_to_seasonal_naive_by_their_ratio_as_the_gate_has_it(ratio: float, says: str) -> None:
    """The scores themselves overlap by far."""
    name = "crps_h24_o14"
    scores = (score(name, 3.0, 1.0, 5.0), score(name, 3.3, 1.3, 5.3, "seasonal_naive"))
    paired = score("relative_crps_h24_o14", ratio, ratio - 0.05, ratio + 0.05)
    judged = evaluation("k", "r", "w").model_copy(update={"primary": name, "scores": (*scores, paired)})
    assert wording.standing(judged, terse=True) == [says]
