"""Registered versions as Markdown tables, over training seeds: what goes into the docs comes from the store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev

from genfoundry.metric import MODEL, score_kinds, subjects
from genfoundry.records import ModelVersion, Score
from genfoundry.report import wording
from genfoundry.report.leaderboard import groups
from genfoundry.report.markdown import table
from genfoundry.statistics.interval import Estimate

COST = ("verdict", "training", "parameters", "compute per sample")


def as_markdown(versions: Sequence[ModelVersion]) -> str:
    """One table per dataset version and deciding score; a recipe's seeds in one line, and the baselines below.

    Trials on a part of the budget are left out, but for recipes of which there is nothing else.
    """
    whole = {version.name for version in versions if not version.on_trial}
    shown = [version for version in versions if not version.on_trial or version.name not in whole]
    return "\n".join(line for group in groups(shown) for line in _table(group))


def _table(group: Sequence[ModelVersion]) -> Iterator[str]:
    evaluation = group[0].evaluation
    dataset, words = evaluation.checkpoint.dataset, wording.meaning(evaluation.primary)
    recipes = _by_recipe(group)
    shown = [version for seeds in recipes.values() for version in seeds]
    columns = _columns(shown)
    yield f"### {dataset.name}: `{evaluation.primary}`\n"
    yield f"{words.label}, {words.protocol}; data {dataset.digest[:12]}.\n"
    rows = [row for name, seeds in recipes.items() for row in _rows(name, seeds, list(columns))]
    rows += [[wording.subject(subject), "", *cells] for subject, cells in _shared(shown, list(columns))]
    titles = ["recipe", "seeds", *columns.values(), *COST]
    yield table(titles, (cells + [""] * (len(titles) - len(cells)) for cells in rows))
    yield ""


def _columns(versions: Sequence[ModelVersion]) -> dict[str, str]:
    """The scores to show and their titles: the deciding one, its like in other views, and the headlines."""
    primary = versions[0].evaluation.primary
    first, order = wording.meaning(primary).kind, {name: place for place, name in enumerate(score_kinds())}
    names = {s.name: wording.meaning(s.name) for v in versions for s in v.evaluation.scores if s.subject == "model"}
    chosen = [name for name in names if (kind := names[name].kind) == first or kind.headline]
    chosen.sort(key=lambda name: (name != primary, names[name].kind != first, order.get(names[name].kind.name, 0)))
    found: dict[str, str] = {}
    for name in chosen:
        label, view = names[name].label, names[name].protocol.partition(", ")[0]
        found[name] = f"{label}, {view}" if label in found.values() else label
    return found


def _rows(title: str, seeds: Sequence[ModelVersion], names: Sequence[str]) -> Iterator[list[str]]:
    """What a recipe came to, and below it what it is compared with that is its own, such as another prior."""
    costs = [version.evaluation.checkpoint.cost for version in seeds]
    yield [
        f"**{title}**",
        str(len(seeds)),
        *_cells(seeds, "model", names),
        ", ".join(sorted({version.decision for version in seeds})),
        wording.duration(fmean(cost.seconds for cost in costs)),
        *wording.size(costs[0]),
    ]
    for subject in _subjects(seeds[0]):
        if subject not in subjects():
            yield [f"{title}, {wording.subject(subject)}", "", *_cells(seeds, subject, names)]


def _shared(group: Sequence[ModelVersion], names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Floors and baselines, which are the same for every recipe."""
    first = {subject: version for version in reversed(group) for subject in _subjects(version)}
    for subject in subjects():
        if subject in first and subject != MODEL:
            yield subject, _cells([first[subject]], subject, names)


def _subjects(version: ModelVersion) -> list[str]:
    return [score.subject for score in version.evaluation.scores if score.name == version.evaluation.primary]


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


def _cells(versions: Sequence[ModelVersion], subject: str, names: Sequence[str]) -> list[str]:
    found = [[score for v in versions if (score := v.evaluation.score(name, subject))] for name in names]
    return [_cell(name, _estimate(scores)) if scores else "" for name, scores in zip(names, found, strict=True)]


def _estimate(scores: Sequence[Score]) -> Estimate:
    """One seed: the interval of its judging. More: their mean and Student's 95 % interval; a share's is in [0, 1]."""
    values = [score.value for score in scores]
    if len(values) == 1 or not all(map(math.isfinite, values)):
        return Estimate(values[0], scores[0].low, scores[0].high)
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    low, high = fmean(values) - half, fmean(values) + half
    if wording.meaning(scores[0].name).kind.share:
        low, high = max(0.0, low), min(1.0, high)
    return Estimate(fmean(values), low, high)


def _cell(name: str, found: Estimate) -> str:
    low, value, high = (wording.value(name, amount) for amount in (found.low, found.value, found.high))
    return value if low == high else f"{value} [{low}, {high}]"
