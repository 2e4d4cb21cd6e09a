"""The leaderboard in the terminal, and as JSON: only scores of one dataset version and one protocol stand together."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genfoundry.records import ModelVersion, Score
from genfoundry.report import wording

STYLES = {"PROMOTE": "green", "HOLD": "yellow", "REJECT": "red"}
SIGNS = {"PROMOTE": "✓", "HOLD": "◦", "REJECT": "✕"}


def leaderboard(versions: Sequence[ModelVersion]) -> Group:
    """One table for each dataset version and primary score, the best model on top; 80 columns are enough.

    Nothing is said by colour alone.
    """
    return Group(*(part for group in groups(versions) for part in _board(group)))


def groups(versions: Sequence[ModelVersion]) -> list[list[ModelVersion]]:
    """Versions that may be compared, each group from the best score to the worst; scores that are not finite last."""
    found: dict[tuple[str, str], list[ModelVersion]] = {}
    for version in versions:
        evaluation = version.evaluation
        found.setdefault((evaluation.checkpoint.dataset.digest, evaluation.primary), []).append(version)
    return [sorted(group, key=lambda version: wording.merit(_primary(version))) for group in found.values()]


def _primary(version: ModelVersion) -> Score | None:
    return version.evaluation.score(version.evaluation.primary)


def _board(group: Sequence[ModelVersion]) -> list[RenderableType]:
    evaluation, score = group[0].evaluation, _primary(group[0])
    words = wording.meaning(evaluation.primary)
    way = f", {wording.direction(score.higher_is_better)}" if score else ""
    protocol = f" ({words.protocol})" if words.protocol else ""
    heading = Text.assemble((evaluation.checkpoint.dataset.name, "bold"), f"  {words.label}{way}")
    table = Table(box=box.SIMPLE_HEAD, expand=False, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Recipe", overflow="fold", max_width=18)
    table.add_column("Score", no_wrap=True)
    table.add_column("Stands", overflow="fold", min_width=20)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Training", justify="right", no_wrap=True)
    for version in group:
        table.add_row(*_cells(version))
    return [heading, Text(f"{evaluation.primary}{protocol}", style="dim"), Padding(table, (1, 0, 1, 2))]


def _cells(version: ModelVersion) -> tuple[Text, Text, Text, Text, Text]:
    checkpoint, score = version.evaluation.checkpoint, _primary(version)
    alias = f"\n{version.alias}" if version.alias else ""
    value = wording.value(score.name, score.value) if score else "no score"
    recipe = Text.assemble((checkpoint.recipe, "bold"), (f"\n{checkpoint.family} v{version.version}", "dim"))
    standing = "\n".join(wording.standing(version.evaluation, without=("copy",), terse=True))
    seconds = wording.duration(checkpoint.cost.seconds)
    return (
        recipe,
        Text.assemble((value, "bold"), (f"\n{wording.interval(score)}" if score else "", "dim")),
        Text(standing),
        Text.assemble((f"{SIGNS[version.decision]} {version.decision}", STYLES[version.decision]), alias),
        Text.assemble(seconds, ("\nSKIPPED", "dim") if version.skipped or checkpoint.skipped else ""),
    )


def as_json(versions: Sequence[ModelVersion]) -> str:
    """The same as a JSON list, best first within a group; a number that is not finite is null."""
    rows = [_row(version, rank) for group in groups(versions) for rank, version in enumerate(group, 1)]
    return json.dumps(rows, indent=1, allow_nan=False)


def _row(version: ModelVersion, rank: int) -> dict[str, object]:
    evaluation, checkpoint = version.evaluation, version.evaluation.checkpoint
    return {
        "rank": rank,
        "recipe": checkpoint.recipe,
        "family": checkpoint.family,
        "dataset": checkpoint.dataset.name,
        "dataset_digest": checkpoint.dataset.digest,
        "model": version.name,
        "version": version.version,
        "alias": version.alias,
        "decision": version.decision,
        "reasons": [reason.model_dump() for reason in version.reasons],
        "primary": evaluation.primary,
        "scores": [_finite(score) for score in evaluation.scores],
        "seconds": _number(checkpoint.cost.seconds),
        "skipped": version.skipped or checkpoint.skipped,
        "run_id": version.run_id,
    }


def _finite(score: Score) -> dict[str, object]:
    return {key: _number(value) if isinstance(value, float) else value for key, value in score.model_dump().items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
