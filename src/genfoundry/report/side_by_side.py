"""Tables below a leaderboard: what models took, what they need of data, who is taught by whom. Heading first."""

from __future__ import annotations

from collections.abc import Sequence

from genfoundry.records import Score
from genfoundry.report import wording
from genfoundry.report.sections import Section

COSTS = ("Model", "Score", "Calibration error", "Of the data", "Parameters", "Compute a sample", "Training", "Memory")
TAUGHT = ("Model", "What it does", "Accuracy on real examples", "Parameters", "Compute a sample", "Training")
CLASSIFIES, TEACHES = "tells classes apart", "makes examples of a class; a classifier learned from those alone"


def costs(parts: Sequence[Section]) -> list[list[str]]:
    """What each model of a board took, side by side; empty columns are left out."""
    lines = [_cost(part) for part in parts]
    kept = [index for index in range(len(COSTS)) if any(line[index] for line in lines)]
    return [[COSTS[index] for index in kept], *([line[index] for index in kept] for line in lines)]


def _cost(part: Section) -> list[str]:
    evaluation = part.view.version.evaluation
    calibration = next((score for score in evaluation.scores if score.name.startswith("ece_")), None)
    memory = evaluation.checkpoint.cost.peak_memory_mb
    return [
        part.view.recipe,
        part.headline_text,
        wording.number(calibration.value) if calibration else "",
        "" if evaluation.checkpoint.fraction == 1 else wording.share(evaluation.checkpoint.fraction),
        *_took(part),
        f"{memory:,.0f} MB" if memory else "",
    ]


def needs(parts: Sequence[Section]) -> list[list[str]]:
    """What each model of a board scores by the share of the data that it saw; empty where all saw all of them."""
    learned = {part.view.recipe: part.view.learned for part in parts}
    shares = sorted({share for found in learned.values() for share in found})
    if len(shares) < 2:
        return []
    lines = [[name, *(_known(found.get(share)) for share in shares)] for name, found in learned.items() if found]
    return [["Model", *map(wording.share, shares)], *lines]


def taught(parts: Sequence[Section], sections: Sequence[Section]) -> list[list[str]]:
    """Discriminative beside generative: the classifiers of a board, and among `sections` the generators of the same
    data, by what a classifier knows that learned from their samples alone; empty where there are none.
    """
    data = parts[0].view.version.evaluation.checkpoint.dataset.digest
    lessons = [(part, score) for part in sections if (score := _lesson(part, data))]
    if parts[0].headline_label != "Accuracy" or not lessons:
        return []
    lines = [[part.view.recipe, CLASSIFIES, _known(part.headline), *_took(part)] for part in parts]
    lines += [[part.view.recipe, TEACHES, _known(score), *_took(part)] for part, score in lessons]
    first, score = lessons[0]
    length = wording.meaning(score.name).protocol.partition(", ")[0]
    real = first.view.version.evaluation.score(score.name, "real")
    lines.append(["real examples", f"teach that classifier as long: {length}", _known(real), "", "", ""])
    return [[*TAUGHT], *lines]


def _lesson(part: Section, data: str) -> Score | None:
    evaluation = part.view.version.evaluation
    if evaluation.checkpoint.dataset.digest != data:
        return None
    own = (score for score in evaluation.scores if score.subject == "model")
    return next((score for score in own if score.name.startswith("classification_accuracy_")), None)


def _took(part: Section) -> tuple[str, str, str]:
    """Parameters, compute and seconds, in words."""
    cost = part.view.version.evaluation.checkpoint.cost
    return *wording.size(cost), wording.duration(cost.seconds)


def _known(score: Score | None) -> str:
    if score is None:
        return ""
    value, low, high = (wording.value(score.name, number) for number in (score.value, score.low, score.high))
    return f"{value} ({low} to {high})"
