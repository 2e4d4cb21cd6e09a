"""What every metric promises, and what the scores of metrics and judges are called.

A metric is one file of `metrics/`: a class that computes, and `SCORES`, the words of what it computes. What a judge
computes itself it declares as `SCORES` in `tasks/<task>/scores.py`, with the words of the baselines beside it as
`SUBJECTS`. All of these are literals and are read from the sources: no report imports torch to know what a score is
called, and a metric that is added is told of everywhere.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.project import sources

MODEL = "model"


class ScoreKind(NamedTuple):
    """What a score is called and how it is read. All is said by literals.

    `name`      the start of the score's name; its protocol follows (`fd` of `fd_domain-1a2b3c4d_1k`)
    `label`     what the field calls it
    `question`  what it asks or answers, one sentence for people
    `better`    which way is better
    `low, high` the ends of the range that the quantity can have, None for none; with both it is drawn on all of it
    `per_cent`  whether it reads best in per cent
    `headline`  whether it is shown at once, and in the tables of a fleet; others wait behind a fold
    `interval`  how a judge that runs all metrics of a view lays its interval: by the spread of the score, as a `count`
                of examples (a share; Wilson), or as a `z` statistic, whose deviation is one
    `beside`    the name of another score that asks the same of another task's models on the same data
    """

    name: str
    label: str
    question: str
    better: Literal["higher", "lower"]
    low: float | None = None
    high: float | None = None
    per_cent: bool = False
    headline: bool = False
    interval: Literal["spread", "count", "z"] = "spread"
    beside: str = ""

    @property
    def higher_is_better(self) -> bool:
        """As a `Score` has it."""
        return self.better == "higher"

    @property
    def limits(self) -> tuple[float, float]:
        """The range, infinite where it has no end."""
        low, high = self.low, self.high
        return (float("-inf") if low is None else low, float("inf") if high is None else high)

    @property
    def share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return self.limits == (0, 1)


class Metric:
    """Computes scores of what a judge gives it, in one of these views (`real` first, both float unless said otherwise):

    `features`   (N, D) of held-out real and (M, D) of generated examples, in every space of features
    `deciding`   the same, in the space that decides alone
    `training`   (T, D) of the training examples and (M, D) of generated ones, and (N, D) of held-out ones
    `images`     (N, C, H, W) in [-1, 1], row by row: an image and its reconstruction
    `classes`    labels int (N,) and class probabilities (N, K)
    `anomaly`    labels int (N,), 1 for an anomaly, and (N,) anomaly scores
    `forecast`   see `metrics/forecast.py`

    The judge of generation runs every metric of the first four; a judge of another task may have views of its own.
    """

    view: ClassVar[str]

    @staticmethod
    def score(*sides: Any, **options: Any) -> dict[str, Any]:
        """By bare name (`fd`) a float, or in the view `images` (N,), one for each row; NaN where nothing is known.

        The judge adds the protocol to the names. Floors and models are scored by the same code.
        """
        raise NotImplementedError


class Declared(NamedTuple):
    """What a source says: its scores, the words of subjects, its metrics' views, and those that a judge offers."""

    scores: tuple[ScoreKind, ...] = ()
    subjects: dict[str, str] = {}
    views: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


def of_view(view: str) -> list[type[Metric]]:
    """Every metric of that view, imported."""
    return [catalog.load("metrics", name, Metric) for name in _names_of_view(view)]


def kinds_of(metric: type[Metric]) -> tuple[ScoreKind, ...]:
    """What a metric may return, in the order of its file."""
    return sys.modules[metric.__module__].SCORES


def run_in(task: str) -> list[str]:
    """The metrics that the judge of a task runs because it offers their view: a part of what decides its scores.

    A judge offers the `VIEWS` of `tasks/<task>/scores.py`; what it imports by name is not told here.
    """
    path = _scores_of(task)
    return _names_of_view(*declared(path).offers) if path else []


def _names_of_view(*views: str) -> list[str]:
    return [name for name, (_, said) in _readable().items() if {*said.views} & {*views}]


def _readable() -> dict[str, tuple[Path, Declared]]:
    """What each metric declares, and where, the shipped ones first; one whose source can't be read is told of once, and
    left out."""
    found: dict[str, tuple[Path, Declared]] = {}
    for name in sorted(catalog.names("metrics"), key=lambda name: ":" in name):
        try:
            path = catalog.source("metrics", name)
            found[name] = path, declared(path)
        except UserError as error:
            sources.tell_once(str(error))
    return found


def kind_of(score_name: str) -> ScoreKind | None:
    """The kind whose name is the longest start of a score's name; None where none is."""
    parts = score_name.split("_")
    starts = ("_".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((kind for start in starts if (kind := score_kinds().get(start))), None)


def higher_is_better(score_name: str) -> bool:
    """Which way of a declared score is better.

    Raises:
        LookupError: it is declared nowhere, so nobody could read it.
    """
    return _known(score_name).higher_is_better


def limits_of(score_name: str) -> tuple[float, float]:
    """The range that a declared score can have.

    Raises:
        LookupError: it is declared nowhere.
    """
    return _known(score_name).limits


def _known(score_name: str) -> ScoreKind:
    if (kind := kind_of(score_name)) is None:
        raise LookupError(f"'{score_name}' is in the SCORES of no metric and no task")
    return kind


def subject(name: str) -> str:
    """Whose score it is, in words: `auto_ets` is AutoETS."""
    return subjects().get(name, name.replace("_", " "))


@cache
def score_kinds() -> dict[str, ScoreKind]:
    """All declared kinds by name, those of metrics first.

    Raises:
        UserError: two sources say different things of one name; names both.
    """
    return _united((kind.name, kind, path) for path, said in _sources() for kind in said.scores)


@cache
def subjects() -> dict[str, str]:
    """The words of the model, and of all that models are measured against, by name.

    Raises:
        UserError: as `score_kinds`.
    """
    found = _united((name, words, path) for path, said in _sources() for name, words in said.subjects.items())
    return {MODEL: "this model"} | found


def declared(path: Path) -> Declared:
    """What a source declares, without importing it.

    Raises:
        sources.BrokenEntry: it does not parse, or says it by more than literals.
    """
    return _declared(path, sources.tree_of(path))


@cache
def _declared(path: Path, tree: ast.Module) -> Declared:
    """Read once in a process, as long as the tree is the same."""
    values = dict(_assigned(tree.body))
    views = [value for node in tree.body if isinstance(node, ast.ClassDef) for value in _views(node)]
    try:
        scores = tuple(_kind(node) for node in getattr(values.get("SCORES"), "elts", ()))
        words, offers = (ast.literal_eval(values[name]) if name in values else () for name in ("SUBJECTS", "VIEWS"))
        return Declared(scores, dict(words), tuple(views), tuple(offers))
    except (ValueError, TypeError) as error:
        raise sources.BrokenEntry(
            f"{path} does not say its scores so that they can be read without running it: {error}.",
            expected="SCORES of ScoreKinds of literals, SUBJECTS and VIEWS of literals",
        ) from error


def _sources() -> list[tuple[Path, Declared]]:
    """Everything that declares scores: metrics, then tasks."""
    of_tasks = [path for task in catalog.names("tasks") if (path := _scores_of(task))]
    return [*_readable().values(), *((path, declared(path)) for path in of_tasks)]


def _scores_of(task: str) -> Path | None:
    return catalog.source("tasks", task, "scores") if "scores" in catalog.parts("tasks", task) else None


def _kind(node: ast.expr) -> ScoreKind:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == ScoreKind.__name__):
        raise TypeError(f"line {node.lineno} is no ScoreKind")
    words = {word.arg or "": ast.literal_eval(word.value) for word in node.keywords}
    return ScoreKind(*map(ast.literal_eval, node.args), **words)


def _views(node: ast.ClassDef) -> Iterator[str]:
    for name, value in _assigned(node.body):
        if name == "view" and isinstance(value, ast.Constant):
            yield str(value.value)


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.expr):
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))


def _united(told: Iterable[tuple[str, Any, Path]]) -> dict[str, Any]:
    found: dict[str, tuple[Any, Path]] = {}
    for name, said, path in told:
        other, where = found.setdefault(name, (said, path))
        if other != said:
            raise UserError(
                f"'{name}' is declared twice, differently: in {where} and in {path}.",
                expected="one meaning for a name, by which scores are read and compared",
                remedy=f"give it another name in {path}",
            )
    return {name: said for name, (said, _) in found.items()}
