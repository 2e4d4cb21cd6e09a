"""Every file judges one task: it makes the samples, scores them beside floors and baselines, and draws the gallery.

A judge is a function

    judge(model, folder, plan, extractor, out) -> Judgement

of a loaded model, the dataset's verified folder, the recipe's evaluation section, the domain extractor (or None) and
an empty folder that it fills with the gallery (`samples.png`, `neighbours.png`, `reconstructions.png` for images,
`forecasts.json` for series).
"""

from __future__ import annotations

from typing import NamedTuple

from genfoundry.records import Score


class Judgement(NamedTuple):
    """What a judge found. `primary` is the name of the score that decides, `trivial` whose score has to be beaten."""

    primary: str
    scores: tuple[Score, ...]
    protocol: dict[str, str | int | float]
    details: dict[str, list[float]]
    trivial: tuple[str, ...] = ("noise",)
