"""One model's section of the page, as plain values for the template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from genfoundry import task
from genfoundry.records import Cost, Reason, Score
from genfoundry.report import charts, drawn, media, wording
from genfoundry.report import score_marks as scored
from genfoundry.report.view import RunView

MOST_CURVES = 12


class ModelSection(NamedTuple):
    """Everything that one model's part of the page shows."""

    anchor: str
    view: RunView
    headline: Score | None
    headline_text: str
    headline_interval: str
    headline_label: str
    standing: list[str]
    reasons: list[Reason]
    looked_at: list[drawn.Group]
    measured: list[drawn.Group]
    snapshots: list[media.Image]
    curves: list[charts.Plot]
    strips: list[scored.Strip]
    more_strips: list[scored.Strip]
    facts: list[tuple[str, str]]
    settings: list[tuple[str, str]]
    protocol: list[tuple[str, str]]
    load: str
    limits: str
    reused: bool


def section(view: RunView, anchor: str) -> ModelSection:
    """Lay out one model."""
    evaluation = view.version.evaluation
    best = evaluation.score(evaluation.primary)
    strips, shown = scored.strips(evaluation.scores, evaluation.primary), drawn.groups(view.exhibits, view.files)
    return ModelSection(
        anchor=anchor,
        view=view,
        headline=best,
        headline_text=wording.value(best.name, best.value) if best else "no score",
        headline_interval=wording.interval(best) if best else "",
        headline_label=wording.meaning(evaluation.primary).label,
        standing=wording.standing(evaluation),
        reasons=sorted(view.version.reasons, key=lambda reason: reason.passed),
        looked_at=[group for group in shown if group.form in drawn.LOOKED_AT],
        measured=[group for group in shown if group.form not in drawn.LOOKED_AT],
        snapshots=media.snapshots(view.snapshots, view.recipe),
        curves=[
            charts.curve(name, points)
            for name, points in sorted(view.curves.items(), key=lambda item: not item[0].startswith("train/"))[
                :MOST_CURVES
            ]
            if points
        ],
        strips=[strip for strip in strips if _telling(strip.name, evaluation.primary)],
        more_strips=[strip for strip in strips if not _telling(strip.name, evaluation.primary)],
        facts=facts(evaluation.checkpoint.cost),
        settings=list(flat(view.settings)),
        protocol=list(flat(evaluation.protocol)),
        load=loading(view.version.name, view.version.version),
        limits=judged.limits if (judged := task.find(task.name_of(evaluation))) else "",
        reused=view.version.skipped or evaluation.checkpoint.skipped,
    )


def _telling(name: str, primary: str) -> bool:
    """Whether a score is shown at once; the others wait behind a fold."""
    return name == primary or wording.meaning(name).kind.headline


def facts(cost: Cost) -> list[tuple[str, str]]:
    """What the training took, in words; unknown amounts are left out."""
    rows = (
        ("Training time", wording.duration(cost.seconds), cost.seconds),
        ("Steps", f"{cost.steps:,}", cost.steps),
        ("Examples seen", f"{cost.examples:,}", cost.examples),
        ("Parameters", wording.quantity(cost.parameters), cost.parameters),
        ("Compute per sample", wording.quantity(cost.flops_per_sample, "FLOP"), cost.flops_per_sample),
        ("Peak memory", f"{cost.peak_memory_mb:,.0f} MB", cost.peak_memory_mb),
        ("Device", cost.device, cost.device),
        ("Precision", cost.precision, cost.precision),
    )
    return [(label, text) for label, text, known in rows if known]


def flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as dotted keys and JSON values."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, default=str)


def loading(name: str, version: int) -> str:
    """The line that loads a registered version."""
    return f"genfoundry.load({json.dumps(f'{name}/{version}')})"
