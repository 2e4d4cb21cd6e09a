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
from genfoundry.recipe import EvaluationPlan, Validation
from genfoundry.records import Checkpoint, DatasetVersion

PACKAGE = catalog.folder(".")


def validation_key(dataset: DatasetVersion, policy: Validation) -> str:
    """sha256 of all that decides what the validation finds."""
    sources = [catalog.folder("stages/validate.py"), *catalog.folder("suites").glob("*.py")]
    return digest([dataset.digest, policy.model_dump(), code(sources)])


def run_key(family: str, settings: dict[str, Any], training: dict[str, Any], dataset: DatasetVersion) -> str:
    """sha256 of all that decides the weights: the sections that training reads, the data, the code, the libraries."""
    return digest(
        {
            "family": family,
            "settings": settings,
            "training": training,
            "dataset": dataset.digest,
            "code": code([catalog.folder("trainer.py"), catalog.source("models", family)]),
            "torch": version("torch").partition("+")[0],
            "lightning": version("pytorch-lightning"),
        }
    )


def evaluation_key(checkpoint: Checkpoint, plan: EvaluationPlan, extractor: Checkpoint | None) -> str:
    """sha256 of all that decides the scores: the weights, the evaluation's section, and the code of all that judges."""
    sources = [path for folder in ("judges", "metrics") for path in catalog.folder(folder).glob("*.py")]
    sources += [catalog.source("models", side.family) for side in (checkpoint, extractor) if side]
    weights = [side and side.weights_digest for side in (checkpoint, extractor)]
    return digest([*weights, checkpoint.dataset.digest, plan.model_dump(), code(sources)])


def code(sources: Iterable[Path]) -> str:
    """sha256 over these sources of the package and all of the package that they import, however deep."""
    found: dict[str, str] = {}
    waiting = list(sources)
    while waiting:
        path = waiting.pop()
        name = path.relative_to(PACKAGE).as_posix()
        if name not in found:
            found[name] = file_digest(path)
            waiting += _imported(path.read_bytes())
    return digest(found)


@cache
def _imported(source: bytes) -> list[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = [name.split(".")[1:] for name in names if name.startswith("genfoundry.")]
    places = [PACKAGE.joinpath(*part) for part in parts]
    return [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
