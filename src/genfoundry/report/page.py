"""The report: one HTML file that shows what ran, how it stands, and why the gate decided as it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from genfoundry.records import Decision, Score, ValidatedDataset
from genfoundry.report import charts, drawn, media, side_by_side, wording
from genfoundry.report import score_marks as scored
from genfoundry.report.scales import Tick
from genfoundry.report.sections import ModelSection, section
from genfoundry.report.view import RunView


class BoardRow(NamedTuple):
    """One model on a leaderboard."""

    rank: int
    section: ModelSection
    preview: media.Image | None
    spark: charts.Plot | None
    marks: list[scored.Mark]
    standing: list[str]
    seconds: str


class Board(NamedTuple):
    """Models whose primary scores may be compared: same data, same protocol."""

    title: str
    label: str
    question: str
    protocol: str
    direction: str
    rows: list[BoardRow]
    ticks: list[Tick]
    log: bool
    legend: list[scored.Mark]
    costs: list[list[str]]
    needs: list[list[str]]
    beside: list[list[str]]


class Data(NamedTuple):
    """One dataset version and how it met its card."""

    anchor: str
    card: Mapping
    validated: ValidatedDataset


@cache
def environment() -> Environment:
    """Templates that escape everything they are given."""
    folder = Path(__file__).parent
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(runs: Sequence[RunView], *, title: str, generated: str, commands: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        runs: in any order; those of one dataset version and one primary score share a leaderboard.
        title: the page's heading.
        generated: when and from what it was made, in words.
        commands: what to type next, by what it does.
    """
    sections = [section(view, f"model-{index}") for index, view in enumerate(runs, 1)]
    boards = _boards(sections)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            generated=generated,
            commands=commands,
            summary=_summary(runs),
            tally=_tally(runs),
            boards=boards,
            sections=[row.section for board in boards for row in board.rows],
            datasets=_datasets(runs),
        )
    )


def _boards(sections: Sequence[ModelSection]) -> list[Board]:
    groups: dict[tuple[str, str], list[ModelSection]] = {}
    for part in sections:
        evaluation = part.view.version.evaluation
        groups.setdefault((evaluation.checkpoint.dataset.digest, evaluation.primary), []).append(part)
    order = sorted(groups.values(), key=lambda parts: (not any(part.looked_at for part in parts), -len(parts)))
    return [_board(parts, side_by_side.beside(parts, sections)) for parts in order]


def _board(parts: Sequence[ModelSection], beside: list[list[str]]) -> Board:
    first = parts[0].view.version.evaluation
    scores = [score for part in parts for score in _primary_scores(part)]
    scale, words = scored.score_scale(first.primary, scores), wording.meaning(first.primary)
    rows = []
    ranked = sorted(parts, key=lambda part: wording.merit(part.headline))
    for rank, part in enumerate(ranked, 1):
        marks = [scored.mark(score, scale) for score in _primary_scores(part)]
        evaluation = part.view.version.evaluation
        standing = wording.standing(evaluation, without=("copy",))
        seconds = wording.duration(evaluation.checkpoint.cost.seconds)
        rows.append(BoardRow(rank, part, *_previews(part), marks, standing, seconds))
    legend = {mark.subject: mark for row in rows for mark in row.marks}
    higher = scores[0].higher_is_better if scores else True
    title = str(parts[0].view.card.get("title") or first.checkpoint.dataset.name)
    return Board(
        title, words.label, words.question, words.protocol, wording.direction(higher), rows,
        scale.ticks(), scale.log, list(legend.values()), side_by_side.costs(ranked), side_by_side.needs(ranked), beside,
    )  # fmt: skip


def _previews(part: ModelSection) -> tuple[media.Image | None, charts.Plot | None]:
    shown = drawn.preview(part.view.exhibits, part.view.files, part.view.recipe)
    return (None, shown) if isinstance(shown, charts.Plot) else (shown, None)


def _primary_scores(part: ModelSection) -> list[Score]:
    evaluation = part.view.version.evaluation
    return [score for score in evaluation.scores if score.name == evaluation.primary]


def _tally(runs: Sequence[RunView]) -> list[tuple[Decision, int]]:
    decisions = [view.version.decision for view in runs]
    order: tuple[Decision, ...] = ("PROMOTE", "HOLD", "REJECT")
    return [(decision, decisions.count(decision)) for decision in order if decision in decisions]


def _summary(runs: Sequence[RunView]) -> str:
    datasets = {view.validation.version.digest for view in runs}
    seconds = sum(view.version.evaluation.checkpoint.cost.seconds for view in runs)
    models = f"{len(runs)} model{'' if len(runs) == 1 else 's'}"
    data = f"{len(datasets)} dataset{'' if len(datasets) == 1 else 's'}"
    return f"{models} on {data}, {wording.duration(seconds)} of training in all."


def _datasets(runs: Sequence[RunView]) -> list[Data]:
    found = {view.validation.version.digest: view for view in runs}
    return [Data(f"data-{index}", view.card, view.validation) for index, view in enumerate(found.values(), 1)]
