"""What the report shows of synthetic rows: utility, attacks, columns, associations, and the first rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from genfoundry.exhibit import Bars, Matrix, Table
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.spec import Column
from genfoundry.metric import subject as named
from genfoundry.metrics.marginals import associations, column_distances
from genfoundry.records import Score
from genfoundry.tasks.synthesis.privacy import ATTACKS
from genfoundry.tasks.synthesis.tables import RealTable

COLUMNS, ROWS = 4, 8  # columns that are drawn, rows that are shown
BINS, LEVELS = 10, 12  # of a number; of a category, the rest as one
EMPTY, REST = "(empty)", "(others)"
USEFUL = {
    "tstr_auprc": "AUPRC",
    "tstr_auprc_to_real": "AUPRC over real",
    "tstr_f1": "F1",
    "augmented_auprc": "AUPRC beside real rows",
}


def utility_table(scores: list[Score], size: str, target: str) -> Table:
    """What predictors learn from each subject's rows."""
    by_subject: dict[str, dict[str, Score]] = {}
    for score in scores:
        by_subject.setdefault(score.subject, {})[score.name] = score
    rows = [
        (named(subject), *(_interval(found.get(f"{name}_{size}")) for name in USEFUL))
        for subject, found in by_subject.items()
        if f"tstr_auprc_{size}" in found
    ]
    return Table(
        title=f"Trained on synthetic rows, tested on real ones: {target}",
        caption="AUPRC and F1 of the rare class, with 95 % intervals. `copy` replays training rows.",
        columns=("learned from", *USEFUL.values()),
        rows=tuple(rows),
    )


def _interval(score: Score | None) -> str:
    return "" if score is None else f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


def attack_table(by_subject: Mapping[str, dict[str, np.ndarray]]) -> Table:
    """How well each attack tells members, for each subject: what `PrivacyAudit.by_attack` gives of its rows."""
    rows = [
        (named(subject), attack.replace("_", " "), *(round(float(values[number]), 4) for values in found.values()))
        for subject, found in by_subject.items()
        for number, attack in enumerate(ATTACKS)
    ]
    return Table(
        title="Membership inference",
        caption="What each attack tells of who was in the training set. Not at all: an AUROC of 0.5, and 1 % true "
        "positives. `real` are unseen rows that pose as synthetic ones, `copy` are the training rows themselves.",
        columns=("rows", "attack", "AUROC", "true positives at 1 % false ones"),
        rows=tuple(rows),
    )


def column_bars(real: RealTable, synthetic: np.ndarray) -> Iterator[Bars]:
    """The columns that differ most from the test rows'."""
    distances = column_distances(real.test, synthetic, real.coded)
    for number in np.argsort(-distances, kind="stable")[:COLUMNS]:
        about, sides = real.spec.columns[number], (real.test[:, number], synthetic[:, number])
        labels, (ours, theirs) = _shares(about, *sides)
        yield Bars(
            title=f"Column {about.name}",
            caption=f"Share of rows; distance {distances[number]:.3f}.",
            bars=tuple(zip(labels, ours, strict=True)),
            beside={"synthetic": theirs},
            per_cent=True,
        )


def _shares(
    about: Column, real: np.ndarray, synthetic: np.ndarray
) -> tuple[list[str], tuple[tuple[float, ...], tuple[float, ...]]]:
    """The labels of a column's bins, and each side's share of them."""
    bins = _levels if about.coded else _quantiles
    labels, places = bins(about, real)
    counts = [
        np.bincount(np.where(np.isnan(side), len(labels), places(np.nan_to_num(side))), minlength=len(labels) + 1)
        for side in (real, synthetic)
    ]
    keep = [*range(len(labels))] + [len(labels)] * any(count[-1] for count in counts)
    ours, theirs = (tuple(float(count[place] / count.sum()) for place in keep) for count in counts)
    return [[*labels, EMPTY][place] for place in keep], (ours, theirs)


Places = Callable[[np.ndarray], np.ndarray]  # values (N,) without empty cells → the numbers of their bins


def _levels(about: Column, real: np.ndarray) -> tuple[list[str], Places]:
    shown = list(about.labels[:LEVELS])
    labels = shown + [REST] * (len(about.labels) > LEVELS)
    return labels, lambda codes: np.minimum(codes.astype(int), len(shown))


def _quantiles(about: Column, real: np.ndarray) -> tuple[list[str], Places]:
    known = real[~np.isnan(real)]
    inner = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(1)
    edges = inner[inner > inner.min()] if len(inner) > 1 and inner.min() == known.min() else inner
    said = [_said(edge, about) for edge in edges]
    labels = [f"< {said[0]}", *(f"{a} to {b}" for a, b in pairwise(said)), f"≥ {said[-1]}"]
    return labels, lambda values: np.searchsorted(edges, values, "right")


def _said(value: float, about: Column) -> str:
    return str(np.datetime64(int(value), "D")) if about.type == "date" else f"{value:.4g}"


def association_matrix(real: RealTable, synthetic: np.ndarray) -> Matrix:
    """By how much the association of each two columns is another one than in the test rows."""
    names = tuple(column.name for column in real.spec.columns)
    difference = associations(synthetic, real.coded) - associations(real.test, real.coded)
    return Matrix(
        title="Associations: synthetic less real",
        caption="Of two columns: Pearson's correlation, Cramér's V, or the correlation ratio.",
        rows=names,
        columns=names,
        cells=tuple(tuple(round(float(value), 4) for value in row) for row in difference),
    )


def row_table(real: RealTable, synthetic: np.ndarray) -> Table:
    """The first few rows."""
    coded = real.coded
    cells = storage.Cells(synthetic[:ROWS, ~coded], np.nan_to_num(synthetic[:ROWS, coded], nan=-1).astype(np.int64))
    frame = storage.to_frame(cells, real.spec)
    shown = frame.astype(object).where(frame.notna(), "")
    return Table(
        title="Synthetic rows",
        caption="The first ones of the first draw.",
        columns=tuple(column.name for column in real.spec.columns),
        rows=tuple(tuple(map(_cell, row)) for row in shown.itertuples(index=False)),
    )


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
