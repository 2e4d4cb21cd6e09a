"""Tables below a leaderboard: what models took, what they need of data, who is taught by whom. Heading first."""

from __future__ import annotations

from collections.abc import Sequence

from genfoundry.records import Evaluation, Score
from genfoundry.report import wording
from genfoundry.report.sections import ModelSection

COSTS = ("Of the data", "Parameters", "Compute per sample", "Training", "Memory")
BESIDE = ("Model", "Score", "Value", "Parameters", "Compute per sample", "Training")


def costs(parts: Sequence[ModelSection]) -> list[list[str]]:
    """Scores of the board's protocol and what each model took, side by side; empty columns are left out."""
    names = _like_the_primary(parts[0])
    titles = ["Model", *(wording.meaning(name).label for name in names), *COSTS]
    lines = [_cost(part, names) for part in parts]
    kept = [index for index in range(len(titles)) if any(line[index] for line in lines)]
    return [[titles[index] for index in kept], *([line[index] for index in kept] for line in lines)]


def _like_the_primary(part: ModelSection) -> list[str]:
    """The deciding score, and the headlines of the same protocol."""
    evaluation = part.view.version.evaluation
    protocol = wording.meaning(evaluation.primary).protocol
    own = dict.fromkeys(score.name for score in evaluation.scores if score.subject == "model")
    words = {name: wording.meaning(name) for name in own if name != evaluation.primary}
    return [evaluation.primary, *(n for n, said in words.items() if said.kind.headline and said.protocol == protocol)]


def _cost(part: ModelSection, names: Sequence[str]) -> list[str]:
    evaluation = part.view.version.evaluation
    scores = (evaluation.score(name) for name in names)
    memory = evaluation.checkpoint.cost.peak_memory_mb
    return [
        part.view.recipe,
        *(wording.value(score.name, score.value) if score else "" for score in scores),
        "" if evaluation.checkpoint.fraction == 1 else wording.share(evaluation.checkpoint.fraction),
        *_took(part),
        f"{memory:,.0f} MB" if memory else "",
    ]


def needs(parts: Sequence[ModelSection]) -> list[list[str]]:
    """What each model of a board scores by the share of the data that it saw; empty where all saw all of them."""
    learned = {part.view.recipe: part.view.learned for part in parts}
    shares = sorted({share for found in learned.values() for share in found})
    if len(shares) < 2:
        return []
    lines = [[name, *(_known(found.get(share)) for share in shares)] for name, found in learned.items() if found]
    return [["Model", *map(wording.share, shares)], *lines]


def beside(parts: Sequence[ModelSection], sections: Sequence[ModelSection]) -> list[list[str]]:
    """A board's models beside those of `sections` that a score of another task asks the same of, on the same data.

    So classifiers stand beside generators, by what a classifier knows that learned from their samples alone. Empty
    where there are none.
    """
    primary, data = _judged(parts[0]).primary, _judged(parts[0]).checkpoint.dataset.digest
    others = [part for part in sections if _judged(part).checkpoint.dataset.digest == data]
    asked = [(part, score) for part in others if (score := _beside(part, primary))]
    if not asked:
        return []
    lines = [[part.view.recipe, part.headline_label, _known(part.headline), *_took(part)] for part in parts]
    lines += [
        [part.view.recipe, wording.meaning(score.name).label, _known(score), *_took(part)] for part, score in asked
    ]
    first, score = asked[0]
    words, real = wording.meaning(score.name), _judged(first).score(score.name, "real")
    if real:
        lines.append([wording.subject("real"), f"{words.label}, {words.protocol}", _known(real), "", "", ""])
    return [[*BESIDE], *lines]


def _judged(part: ModelSection) -> Evaluation:
    return part.view.version.evaluation


def _beside(part: ModelSection, primary: str) -> Score | None:
    """The model's score that may be read beside that one."""
    asked = wording.meaning(primary).kind.name
    own = (score for score in _judged(part).scores if score.subject == "model")
    return next((score for score in own if asked and wording.meaning(score.name).kind.beside == asked), None)


def _took(part: ModelSection) -> tuple[str, str, str]:
    """Parameters, compute and seconds, in words."""
    cost = part.view.version.evaluation.checkpoint.cost
    return *wording.size(cost), wording.duration(cost.seconds)


def _known(score: Score | None) -> str:
    if score is None:
        return ""
    value, low, high = (wording.value(score.name, number) for number in (score.value, score.low, score.high))
    return f"{value} ({low} to {high})"
