"""The leaderboard in the terminal: who stands beside whom, what is said, and that it fits."""

from __future__ import annotations

import io
import json
import math

from rich.console import Console

from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.records import Checkpoint, Cost, DatasetVersion, Decision, Evaluation, ModelVersion, Score
from genfoundry.report.leaderboard import as_json, groups, leaderboard

FD = "fd_domain-1a2b3c4d_1k"


def version(recipe: str, value: float, decision: Decision = "PROMOTE", digest: str = "a.dir", skipped: bool = False):
    data = DatasetVersion(
        name="mnist-5k", kind="image", digest=digest, spec=ImageSpec(channels=1, height=28, width=28, num_classes=10)
    )
    checkpoint = Checkpoint(
        recipe=recipe, family="gan", run_key="k", run_id="r", weights_digest="w", dataset=data, seed=0,
        cost=Cost(seconds=104.3), skipped=skipped,
    )  # fmt: skip
    scores = (
        Score(name=FD, value=value, low=value * 0.9, high=value * 1.1, higher_is_better=False),
        Score(name=FD, subject="noise", value=1900, low=1850, high=1950, higher_is_better=False),
    )
    evaluation = Evaluation(checkpoint=checkpoint, primary=FD, scores=scores, protocol={})
    alias = "champion" if decision == "PROMOTE" else None
    return ModelVersion(
        name=recipe, version=3, run_id="r", decision=decision, reasons=(), alias=alias, evaluation=evaluation
    )


def printed(versions: list[ModelVersion], width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(leaderboard(versions))
    return out.getvalue()


def test_the_best_comes_first_and_what_is_not_finite_last() -> None:
    found = groups([version("b", 2.0), version("lost", math.nan), version("a", 1.0)])
    assert [[v.name for v in group] for group in found] == [["a", "b", "lost"]]


def test_another_version_of_the_data_is_another_table() -> None:
    assert len(groups([version("a", 1.0), version("b", 1.0, digest="b.dir")])) == 2


def test_all_is_said_without_colour_in_80_columns() -> None:
    text = printed(
        [version("dcgan-small-and-fast", 0.61), version("vae", 40.0, "HOLD", skipped=True), version("g", 9, "REJECT")]
    )
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    for words in ("dcgan-small", "0.610", "0.549", "PROMOTE", "champion", "HOLD", "REJECT", "SKIPPED", "1 min 44 s",
                  "noise: 3,100× better", "lower is better", "mnist-5k"):  # fmt: skip
        assert words in text, words


def test_markup_in_a_name_is_text() -> None:
    assert "[red]x[/red]" in printed([version("[red]x[/red]", 1.0)])


def test_nothing_ran() -> None:
    assert printed([]).strip() == ""
    assert json.loads(as_json([])) == []


def test_json_is_strict_and_ranked() -> None:
    rows = json.loads(as_json([version("lost", math.nan), version("a", 1.0)]), parse_constant=lambda word: 1 / 0)
    assert [(row["rank"], row["recipe"], row["decision"], row["alias"]) for row in rows] == [
        (1, "a", "PROMOTE", "champion"), (2, "lost", "PROMOTE", "champion"),
    ]  # fmt: skip
    assert rows[1]["scores"][0]["value"] is None
    assert rows[0]["scores"][0]["low"] == 0.9
