"""Data for Python users: `genfoundry.data`."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..intake import take_in
from .entering import enter

if TYPE_CHECKING:
    from genfoundry.records import DatasetVersion
    from genfoundry.stages.ingest import Intake


def add(
    path: str | Path,
    name: str,
    *,
    kind: str = "",
    licence: str = "not stated",
    consent: str = "not stated",
    title: str = "",
    max_bad_fraction: float = 0.01,
    force: bool = False,
    **options: Any,
) -> Intake:
    """Take in files of one's own, hold them against their card, and have DVC record them; they are never changed.

    Args:
        path: a folder of images, or a CSV or Parquet file of series or of a table.
        kind: of the data, where `path` does not tell.
        options: of the kind, as `genfoundry data add --help` lists them: `target="churned"`, `paired="./low"`.

    Raises:
        UserError: the files can't be taken in; says what is wrong, where, and what to do.
    """
    enter()
    taken = take_in(
        Path(path), name, kind=kind, licence=licence, consent=consent, title=title, max_bad_fraction=max_bad_fraction,
        force=force, **options,
    )  # fmt: skip
    for sentence in taken.warnings:
        _say(sentence)
    return taken.intake


def _say(sentence: str) -> None:
    from genfoundry.data import sealed

    sealed.say(sentence)


def list() -> builtins.list[dict[str, Any]]:  # noqa: A001, as the command is called
    """Every dataset of the catalogue and of the project: name, kind, state, digest, counts, title."""
    enter()
    from genfoundry.stages import ingest

    return ingest.status()


def build(name: str, *, force: bool = False) -> DatasetVersion:
    """Build a dataset of the catalogue; what is there and whole is kept.

    Args:
        force: build it again, and record what came of it.

    Raises:
        UserError: there is none of that name, or its source is missing.
    """
    enter()
    from genfoundry.stages import ingest

    return ingest.build(name, force=force)
