"""Every task judges: it makes the samples, scores them beside floors and baselines, and shows what there is to see.

A judge is a function

    judge(model, folder, plan, extractor, out) -> Judgement

of a loaded model, the dataset's verified folder, the recipe's evaluation section, the domain extractor (or None) and
an empty folder that it fills with the files that its exhibits name.
"""

from __future__ import annotations

from typing import NamedTuple

from genfoundry.exhibit import Exhibit
from genfoundry.records import Score


class Judgement(NamedTuple):
    """What a judge found. `primary` is the name of the score that decides, `trivial` whose score has to be beaten.

    `details` holds what the gate reads beside the scores, `exhibits` what there is to see, in the order of the report.
    """

    primary: str
    scores: tuple[Score, ...]
    protocol: dict[str, str | int | float]
    details: dict[str, list[float]]
    trivial: tuple[str, ...] = ("noise",)
    exhibits: tuple[Exhibit, ...] = ()
