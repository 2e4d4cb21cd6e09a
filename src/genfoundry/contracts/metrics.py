"""The contract of metrics: what a source says is what it computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genfoundry import catalog
from genfoundry.contracts.promise import hold
from genfoundry.metric import Metric, ScoreKind, declared, kind_of, kinds_of

ROWS, WIDTH = 48, 4


def check(name: str, folder: Path) -> str:
    """Read what a metric declares, and compute it of made-up sides where its view is one that is known here.

    Raises:
        BrokenPromise: it does not keep what metrics promise.
        UserError: it can't be imported, or declares a score by another meaning than somebody else.
    """
    path, loaded = catalog.source("metrics", name), catalog.load("metrics", name, Metric)
    said = declared(path)
    view = getattr(loaded, "view", "")
    hold(said.scores, "It declares no SCORES.", "SCORES = (ScoreKind(…),) in its file")
    hold(
        said.scores == kinds_of(loaded), f"SCORES is {kinds_of(loaded)} at last.", f"as its source reads: {said.scores}"
    )
    hold(
        view and said.views == (view,), f"Its view is {view!r}; the source says {said.views}.", "view = '…', a literal"
    )
    for score in said.scores:
        check_words(score)
    if (sides := sides_of(view)) is None:
        return f"declares {_names(said.scores)}; its view '{view}' belongs to a judge"
    check_values(said.scores, loaded.score(*sides), len(sides[0]))
    return f"computes {_names(said.scores)}"


def _names(scores: tuple[ScoreKind, ...]) -> str:
    return ", ".join(score.name for score in scores)


def check_words(score: ScoreKind) -> None:
    """A score says what it asks, and which way is better."""
    where = f"ScoreKind '{score.name}'"
    hold(score.label, f"{where} has no label.", "what the field calls it")
    hold(score.question.endswith((".", "?")), f"{where} asks {score.question!r}.", "a sentence, with its end")
    hold(score.better in ("higher", "lower"), f"{where}: better = {score.better!r}.", "'higher' or 'lower'")
    hold(score.limits[0] < score.limits[1], f"{where} ranges over {score.limits}.", "low < high")
    hold(kind_of(score.name) == score, f"{where} is read as {kind_of(score.name)}.", "a name that is its own")


def check_values(scores: tuple[ScoreKind, ...], found: Any, rows: int) -> None:
    """What was computed has the names that are declared, each a number or one for each row."""
    hold(isinstance(found, Mapping), f"score gave {type(found).__name__}.", "a dict of scores by name")
    known = {score.name: score for score in scores}
    for name, value in found.items():
        hold(name in known, f"score gave '{name}', which SCORES does not declare.", f"one of {', '.join(known)}")
        values = np.asarray(value, float)
        hold(
            values.shape in ((), (rows,)), f"score gave {name} of shape {values.shape}.", "a float, or one for each row"
        )
        low, high = known[name].limits
        inside = np.isnan(values) | ((values >= low - 1e-9) & (values <= high + 1e-9))
        hold(
            inside.all(),
            f"score gave {name} of {np.nanmin(values):.4g} to {np.nanmax(values):.4g}.",
            f"between {low} and {high}, as its ScoreKind says",
        )


def sides_of(view: str) -> tuple[np.ndarray, ...] | None:
    """Made-up sides of a view of `genfoundry.metric.Metric`; None of one that a judge has for itself."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, WIDTH)), rng.normal(size=(ROWS, WIDTH)) + 0.5
    labels, images = rng.integers(0, 2, ROWS), rng.uniform(-1, 1, (ROWS, 1, 8, 8))
    made: dict[str, tuple[np.ndarray, ...]] = {
        "features": rows,
        "deciding": rows,
        "training": (*rows, rng.normal(size=(ROWS, WIDTH))),
        "images": (images, np.clip(images + rng.normal(0, 0.1, images.shape), -1, 1)),
        "classes": (labels, rng.dirichlet((1, 1), ROWS)),
        "anomaly": (labels, rng.normal(size=ROWS)),
    }
    return made.get(view)
