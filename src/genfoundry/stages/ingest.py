"""Ingest: data comes in. The catalogue's datasets are built, a user's files are added, and DVC is told of both."""

from __future__ import annotations

import logging

from genfoundry import catalog
from genfoundry.intake import versioning
from genfoundry.intake.building import build_folder, embedded
from genfoundry.records import DatasetVersion

log = logging.getLogger(__name__)


def build(name: str, *, force: bool = False) -> DatasetVersion:
    """Build a dataset of the catalogue into `data/<name>`, byte for byte the same each time, and record it in DVC.

    What is there and whole is kept. A build that differs from what `data.dvc` records is said, and recorded only
    with `force`.

    Raises:
        UserError: no such dataset; the folder was changed (names the file); its source is missing; DVC refused.
    """
    version = build_folder(name, force=force)
    if not force and (sentence := versioning.difference(version, versioning.recorded().get(name))):
        log.warning(sentence)
    else:
        log.log(logging.INFO if versioning.is_repository() else logging.WARNING, versioning.record(version))
    return version


def build_all(names: list[str] | None = None) -> list[DatasetVersion]:
    """Build these datasets, by default every one that comes with the installed packages."""
    chosen = [name for name in catalog.names("datasets") if embedded(name)] if names is None else names
    return [build(name) for name in chosen]
