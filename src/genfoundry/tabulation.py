"""Registered versions as Markdown tables, over training seeds: what goes into the docs comes from the store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev

from genfoundry.interval import Estimate
from genfoundry.leaderboard import groups
from genfoundry.records import ModelVersion, Score
from genfoundry.report import wording

BESIDE = (  # what stands beside the deciding score, where there is one, by the start of its name
    "confidence_ratio",
    "recall",
    "label_accuracy",
    "classification_accuracy",
    "bits_per_dim",
    "elbo_bits_per_dim",
    "psnr",
    "psnr_y",
    "ssim_y",
    "ece",
    "relative_crps",
    "mase",
    "tpr_at_fpr5",
    "false_positive_rate",
)


def as_markdown(versions: Sequence[ModelVersion]) -> str:
    """One table a dataset version and deciding score; a recipe's seeds in one line, and the baselines below.

    Trials on a part of the budget are left out, but for recipes of which there is nothing else.
    """
    whole = {version.name for version in versions if not version.on_trial}
    shown = [version for version in versions if not version.on_trial or version.name not in whole]
    return "\n".join(line for group in groups(shown) for line in _table(group))


def _table(group: Sequence[ModelVersion]) -> Iterator[str]:
    evaluation = group[0].evaluation
    dataset, first = evaluation.checkpoint.dataset, wording.meaning(evaluation.primary)
    recipes = _by_recipe(group)
    present = {wording.meaning(score.name).start for version in group for score in version.evaluation.scores}
    beside = [start for start in BESIDE if start in present and start != first.start]
    yield f"### {dataset.name}: `{evaluation.primary}`\n"
    yield f"{first.label}, {first.protocol}; data {dataset.digest[:12]}.\n"
    titles = ["recipe", "seeds", first.label, *(wording.MEANINGS[start][0] for start in beside), "verdict", "training"]
    yield f"| {' | '.join(titles)} |"
    yield "|" + "---|" * len(titles)
    for name, seeds in recipes.items():
        cells = [_over_seeds(seeds, start) for start in (first.start, *beside)]
        verdicts = ", ".join(sorted({version.decision for version in seeds}))
        seconds = fmean(version.evaluation.checkpoint.cost.seconds for version in seeds)
        yield f"| **{name}** | {len(seeds)} | {' | '.join(cells)} | {verdicts} | {wording.duration(seconds)} |"
    for score in evaluation.scores:
        if score.name == evaluation.primary and score.subject != "model":
            blank = " | ".join([""] * (len(beside) + 2))
            yield f"| {_subject(score, group[0])} | | {_cell(score.name, _estimate([score]))} | {blank} |"
    yield ""


def _by_recipe(group: Sequence[ModelVersion]) -> dict[str, list[ModelVersion]]:
    """The newest version of each recipe, share of the data and seed; the best recipe first.

    Of a recipe whose settings were changed since, the versions of the earlier settings are left out.
    """
    newest: dict[tuple[str, int], ModelVersion] = {}
    variant: dict[str, str] = {}
    for version in sorted(group, key=lambda version: version.version):
        newest[_titled(version), version.evaluation.checkpoint.seed] = version
        variant[_titled(version)] = version.evaluation.checkpoint.variant
    found: dict[str, list[ModelVersion]] = {}
    for version in group:
        title, checkpoint = _titled(version), version.evaluation.checkpoint
        if newest[title, checkpoint.seed] is version and checkpoint.variant == variant[title]:
            found.setdefault(title, []).append(version)
    return found


def _titled(version: ModelVersion) -> str:
    fraction = version.evaluation.checkpoint.fraction
    return version.name if fraction == 1 else f"{version.name}, {wording.share(fraction)} of the data"


def _over_seeds(versions: Sequence[ModelVersion], start: str) -> str:
    found = [s for version in versions for s in version.evaluation.scores if s.subject == "model"]
    scores = [score for score in found if wording.meaning(score.name).start == start]
    scores = [score for score in scores if score.name == scores[0].name]
    return _cell(scores[0].name, _estimate(scores)) if scores else ""


def _estimate(scores: Sequence[Score]) -> Estimate:
    """One seed: the interval of its judging. More: their mean, and Student's 95 % interval of it."""
    values = [score.value for score in scores]
    if len(values) == 1 or not all(map(math.isfinite, values)):
        return Estimate(values[0], scores[0].low, scores[0].high)
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return Estimate(fmean(values), fmean(values) - half, fmean(values) + half)


def _cell(name: str, found: Estimate) -> str:
    low, value, high = (wording.value(name, amount) for amount in (found.low, found.value, found.high))
    return value if low == high else f"{value} [{low}, {high}]"


def _subject(score: Score, version: ModelVersion) -> str:
    known = score.subject in wording.SUBJECTS
    return wording.subject(score.subject) if known else f"{version.name}, {wording.subject(score.subject)}"
