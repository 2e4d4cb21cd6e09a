"""Synthesis: synthetic rows of a table, by their utility, their resemblance to real rows, and privacy.

Beside the model stand the training rows themselves (`real`), the same replayed by a generator (`copy`), and three
baselines that are made from them. Every subject goes through the same code. `real` and `copy` are the same rows, so
they share every score but those of privacy: there `real` is one half of the training rows, whose members are looked for
in the other half, as if they were a generator's that never saw it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from genfoundry.dataset import Dataset
from genfoundry.exhibit import Exhibit
from genfoundry.gate import CLASS_SHARE, REAL_CLASS_SHARE
from genfoundry.judging.features import Extractor
from genfoundry.kinds.table.spec import TableSpec
from genfoundry.metrics.membership import FALSE_POSITIVES
from genfoundry.metrics.record_copies import NEAR
from genfoundry.model import Model
from genfoundry.records import Score
from genfoundry.statistics.interval import size_name
from genfoundry.stopping import until_interrupted
from genfoundry.task import Judgement
from genfoundry.tasks.synthesis import baselines, exhibits, privacy, resemblance, utility
from genfoundry.tasks.synthesis.about import Plan
from genfoundry.tasks.synthesis.boosting import SETTINGS
from genfoundry.tasks.synthesis.tables import Draws, RealTable, generated, read, subsample

MOST = 20_000  # rows of one draw where a recipe says nothing, and of the training and test rows that they stand beside
WITH_TARGET, WITHOUT = f"{utility.REPLACED}_{utility.PRIMARY}", "two_sample_auroc"  # the score that decides


class Sizes(NamedTuple):
    """What the names of scores say of their protocol: draws and rows of one, of each side where two are compared."""

    taught: str
    compared: str


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified table; nothing is written into `out`.

    The deciding score is the AUPRC of the target's rare class by predictors that learned from synthetic rows alone;
    where the table has no target, how well a classifier tells synthetic rows from real ones.
    """
    model.eval()
    whole = read(dataset.folder, cast(TableSpec, model.spec))
    count, seeds = plan.num_rows or min(len(whole.train), MOST), [plan.seed + number for number in range(plan.seeds)]
    real = whole._replace(train=subsample(whole.train, MOST, plan.seed), test=subsample(whole.test, MOST, plan.seed))
    subjects = [generated(model, dataset.folder, count, seeds), *_floors(real, count, plan)]
    sizes = Sizes(*(f"s{plan.seeds}_{size_name(size)}" for size in (count, min(count, len(real.test)))))
    scores = [*_resemblance_scores(real, subjects, sizes, plan.seed)]
    if real.target is not None:
        scores += _utility_scores(real, subjects, seeds, sizes, plan.seed)
    attacks, privacy_scores = _privacy_scores(whole, subjects, plan.seed)
    scores += privacy_scores
    primary = f"{WITHOUT}_{sizes.compared}" if real.target is None else f"{WITH_TARGET}_{sizes.taught}"
    details = {} if real.target is None else _class_shares(real, subjects[0])
    shown = tuple(_exhibits(real, subjects[0], scores, attacks, sizes))
    protocol = _protocol(whole, real, count, plan)
    return Judgement(primary, tuple(scores), protocol, details, (baselines.TRIVIAL,), shown)


def _floors(real: RealTable, count: int, plan: Plan) -> list[Draws]:
    """The training rows, as many as are generated where there are as many, and what the baselines make of them."""
    made = [
        baselines.draws(name, real, count, plan.seeds, plan.seed) for name in until_interrupted(baselines.BASELINES)
    ]
    return [Draws("real", [subsample(real.train, count, plan.seed)]), *made]


def _resemblance_scores(real: RealTable, subjects: list[Draws], sizes: Sizes, seed: int) -> Iterator[Score]:
    for draws in subjects:
        yield from _also_as_copy(resemblance.scores(real, draws, sizes.compared, seed))


def _utility_scores(
    real: RealTable, subjects: list[Draws], seeds: list[int], sizes: Sizes, seed: int
) -> Iterator[Score]:
    taught = next(draws.tables[0] for draws in subjects if draws.subject == "real")
    task = utility.DownstreamTask(real, taught, seeds)
    for draws in subjects:
        made = None if draws.subject == "real" else draws
        yield from _also_as_copy(utility.scores(task, draws.subject, made, sizes.taught, seed))


def _also_as_copy(scores: Iterator[Score]) -> Iterator[Score]:
    for score in scores:
        yield score
        if score.subject == "real":
            yield score.model_copy(update={"subject": "copy"})


def _privacy_scores(
    whole: RealTable, subjects: list[Draws], seed: int
) -> tuple[dict[str, dict[str, np.ndarray]], list[Score]]:
    """What each attack finds by each subject's rows, and the scores of all."""
    order = np.random.default_rng(seed).permutation(len(whole.train))
    half = len(order) // 2
    posing = Draws("real", [subsample(whole.train[order[:half]], privacy.MOST_SYNTHETIC, seed)])
    unseen = privacy.PrivacyAudit(whole.train[order[half:]], whole, seed)
    seen = privacy.PrivacyAudit(whole.train, whole, seed)
    copied = [Draws("copy", draws.tables) for draws in subjects if draws.subject == "real"]
    held = [(seen, draws) for draws in subjects if draws.subject != "real"]
    attacks, scores = {}, []
    for audit, draws in until_interrupted([*held, (unseen, posing), *((seen, draws) for draws in copied)]):
        found = audit.attack(draws) if draws.sound else None
        scores += audit.scores(draws, found)
        if found is not None:
            attacks[draws.subject] = audit.by_attack(found)
    return attacks, scores


def _class_shares(real: RealTable, made: Draws) -> dict[str, list[float]]:
    """The share of each class of the target, of the model's rows and of the training rows."""
    sides = {REAL_CLASS_SHARE: real.train} | ({CLASS_SHARE: np.concatenate(made.tables)} if made.sound else {})
    return {name: _shares(table[:, cast(int, real.target)], len(real.spec.classes)) for name, table in sides.items()}


def _shares(codes: np.ndarray, classes: int) -> list[float]:
    known = codes[~np.isnan(codes)].astype(int)
    return (np.bincount(known, minlength=classes) / max(len(known), 1)).tolist()


def _exhibits(
    real: RealTable, made: Draws, scores: list[Score], attacks: dict[str, dict[str, np.ndarray]], sizes: Sizes
) -> Iterator[Exhibit]:
    if real.target is not None:
        yield exhibits.utility_table(scores, sizes.taught, f"{real.spec.target} = {real.spec.positive}")
    yield exhibits.attack_table(attacks)
    if made.sound:
        as_many = subsample(made.tables[0], len(real.test), 0)  # Cramér's V of few rows is larger
        yield from exhibits.column_bars(real, as_many)
        yield exhibits.association_matrix(real, as_many)
        yield exhibits.row_table(real, made.tables[0])


def _protocol(whole: RealTable, real: RealTable, count: int, plan: Plan) -> dict[str, str | int | float]:
    cut = f", of {len(whole.train):,} and {len(whole.test):,}" if len(real.train) < len(whole.train) else ""
    return {
        "rows": count,
        "seeds": plan.seeds,
        "seed": plan.seed,
        "real": f"{len(real.train):,} training rows, {len(real.test):,} test rows{cut}",
        "cap": f"{MOST:,} rows of each side; copies are looked for among all rows",
        "predictor": f"{SETTINGS}; a fifth of its rows chooses the threshold",
        "two samples": f"the same predictor, {resemblance.FOLDS} folds, as many rows of each side",
        "membership": f"the worst of {', '.join(privacy.ATTACKS)}; true positives at {FALSE_POSITIVES:.0%} false ones; "
        "`copy` is what a generator that replays the training rows comes to",
        "near copies": f"within {NEAR} of the distance between real neighbours, beyond what held-out rows explain",
        "interval": "95 %: over half-samples and over seeds; Wilson for rates",
    }
