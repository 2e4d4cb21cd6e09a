"""Scores on an axis: the model as a dot, floors and baselines as other shapes, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from genfoundry.metric import subjects
from genfoundry.records import Score
from genfoundry.report import wording
from genfoundry.report.scales import Scale, Tick, fit

SHAPES = {"model": "dot", "real": "ring", "copy": "diamond", "noise": "cross"}
BASELINES = ("square", "triangle")  # in turn


class Mark(NamedTuple):
    """One subject's value and interval on an axis, in per cent; `at` is None where it is not finite."""

    subject: str
    label: str
    shape: str
    text: str
    interval: str
    at: float | None
    low: float
    high: float


class Strip(NamedTuple):
    """All subjects of one score on one axis."""

    label: str
    question: str
    protocol: str
    direction: str
    name: str
    marks: list[Mark]
    ticks: list[Tick]
    log: bool


def score_scale(name: str, scores: Sequence[Score]) -> Scale:
    """The axis on which scores of one name are compared: logarithmic where the values are positive and far apart."""
    values = [score.value for score in scores]
    ends = [end for score in scores for end in (score.value, score.low, score.high)]
    if fit(values).log:  # an interval that reaches 0 is cut at the axis' end
        ends = [end for end in ends if end > 0]
    share = wording.meaning(name).kind.share and all(0 <= end <= 1 for end in ends if math.isfinite(end))
    return fit(ends, log=False, ends=(0.0, 1.0)) if share else fit(ends)


def mark(score: Score, scale: Scale) -> Mark:
    """One score on an axis."""
    finite = math.isfinite(score.value)
    low, high = (
        scale.at(end if math.isfinite(end) else score.value) if finite else 0.0 for end in (score.low, score.high)
    )
    return Mark(
        score.subject,
        wording.subject(score.subject),
        _shape(score.subject),
        wording.value(score.name, score.value),
        wording.interval(score),
        scale.at(score.value) if finite else None,
        low,
        high,
    )


def _shape(subject: str) -> str:
    baselines = [name for name in subjects() if name not in SHAPES]
    return SHAPES.get(subject) or BASELINES[baselines.index(subject) % 2 if subject in baselines else 0]


def strips(scores: Sequence[Score], primary: str) -> list[Strip]:
    """One strip per score name, the primary first; the model on top of each, then what it is measured against."""
    names = sorted({score.name: None for score in scores}, key=lambda name: name != primary)
    found = [_strip(name, [score for score in scores if score.name == name]) for name in names]
    asked: set[str] = set()
    for index, strip in enumerate(found):
        if strip.question in asked:  # told apart by their protocols, then
            found[index] = strip._replace(question=strip.protocol, protocol="")
        asked.add(strip.question)
    return found


def _strip(name: str, scores: list[Score]) -> Strip:
    scale, words = score_scale(name, scores), wording.meaning(name)
    rows = sorted(scores, key=lambda score: score.subject != "model")
    marks = [mark(score, scale) for score in rows]
    way = wording.direction(scores[0].higher_is_better)
    return Strip(words.label, words.question, words.protocol, way, name, marks, scale.ticks(), scale.log)
