"""The identity of a training: same key, same weights."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from genfoundry import catalog
from genfoundry.files import digest, file_digest
from genfoundry.records import DatasetVersion

LOOP = ("adversarial", "batch", "layers", "losses", "loop", "mixture", "model", "schedule", "snapshot", "trainer")


def code_fingerprint(family: str, kind: str) -> str:
    """sha256 over the sources that a training of this family runs."""
    sources = [catalog.source("models", family)]
    sources += [catalog.folder(f"{name}.py") for name in (*LOOP, f"kinds/{kind}")]
    return digest([(path.stem, file_digest(path)) for path in sources])


def run_key(family: str, settings: dict[str, Any], training: dict[str, Any], dataset: DatasetVersion) -> str:
    """sha256 of all that decides the weights: the sections that training reads, the data, the code, the libraries."""
    return digest(
        {
            "family": family,
            "settings": settings,
            "training": training,
            "dataset": dataset.digest,
            "code": code_fingerprint(family, dataset.kind),
            "torch": version("torch").partition("+")[0],
            "lightning": version("pytorch-lightning"),
        }
    )
