"""The identity of what a stage makes: same key, same result.

A key holds everything that decides the result: the settings and the data that are read, and the bytes of every source
that runs. Which sources run is read from their imports, without importing them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genfoundry import catalog
from genfoundry.files import digest, file_digest
from genfoundry.metric import run_in
from genfoundry.recipe import EvaluationPlan, Validation
from genfoundry.records import Checkpoint, DatasetVersion

PACKAGE = catalog.folder(".")


def validation_key(dataset: DatasetVersion, policy: Validation) -> str:
    """sha256 of all that decides what the validation finds."""
    sources = [catalog.folder("stages/validate.py"), *catalog.folder("kinds").glob("*/suite*.py")]
    return digest([dataset.digest, policy.model_dump(), code(sources)])


def run_key(family: str, settings: dict[str, Any], training: dict[str, Any], dataset: DatasetVersion) -> str:
    """sha256 of all that decides the weights: the sections that training reads, the data, the code, the libraries."""
    return digest(
        {
            "family": family,
            "settings": settings,
            "training": training,
            "dataset": dataset.digest,
            "code": code([catalog.folder("training/trainer.py"), catalog.source("models", family)]),
            "torch": version("torch").partition("+")[0],
            "lightning": version("pytorch-lightning"),
        }
    )


def evaluation_key(checkpoint: Checkpoint, plan: EvaluationPlan, extractor: Checkpoint | None) -> str:
    """sha256 of all that decides the scores: the weights, the evaluation's section, and the code that judges them."""
    judge = judge_of(checkpoint.family, plan)
    sources = [judge, *(catalog.source("metrics", name) for name in run_in(judge.parent.name))]
    sources += [catalog.source("models", side.family) for side in (checkpoint, extractor) if side]
    weights = [side and side.weights_digest for side in (checkpoint, extractor)]
    return digest([*weights, checkpoint.dataset.digest, plan.model_dump(), code(sources)])


def judge_of(family: str, plan: EvaluationPlan) -> Path:
    """The judge of a family's task, or of the task that the recipe asks for."""
    task = plan.task or catalog.describe("models", family).attributes["task"]
    return catalog.folder("tasks") / str(task) / "judge.py"


def code(sources: Iterable[Path]) -> str:
    """sha256 over these sources of the package and all of the package that they import, however deep."""
    return digest({path.relative_to(PACKAGE).as_posix(): file_digest(path) for path in reach(sources)})


def reach(sources: Iterable[Path]) -> set[Path]:
    """These sources, and every file of the package or beside them that they import, however deep."""
    found: set[Path] = set()
    waiting = list(sources)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path.read_bytes(), path.parent)
    return found


@cache
def _imported(source: bytes, folder: Path) -> list[Path]:
    """The files that a source in `folder` imports, from the package or relative to itself."""
    places: set[Path] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            places |= {place for alias in node.names if (place := _place(alias.name))}
        elif isinstance(node, ast.ImportFrom):
            home = (folder, *folder.parents)[node.level - 1] if node.level else None
            names = [node.module or "", *(f"{node.module or ''}.{alias.name}" for alias in node.names)]
            places |= {place for name in names if (place := _place(name, home))}
    return [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]


def _place(name: str, home: Path | None = None) -> Path | None:
    """Where a dotted name lies: below `home`, else in the package; None where it is someone else's."""
    parts = [part for part in name.split(".") if part]
    if home is None and parts[:1] == ["genfoundry"]:
        home, parts = PACKAGE, parts[1:]
    return home.joinpath(*parts) if home and parts else None
