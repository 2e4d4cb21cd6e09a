"""Fetch: the bytes of a dataset, on this machine, proved to be the version that the record names. Reads only."""

from __future__ import annotations

import logging

from genfoundry import catalog
from genfoundry.data.building import build_folder, embedded, kept
from genfoundry.data.versions import bringing, dvc, leaving
from genfoundry.dataset import verify
from genfoundry.errors import UserError, closest
from genfoundry.project.root import data_dir, state_path
from genfoundry.records import DatasetVersion

log = logging.getLogger(__name__)


def fetch_dataset(name: str) -> DatasetVersion:
    """Have a dataset on this machine: from `data/`, else built from an installed package, else from DVC.

    Every file is hashed, whichever way it came. `genfoundry.dataset.open_version` finds it again.

    Raises:
        UserError: a file differs (names it), there is no such dataset (names the closest), it can't be had, or it was
            withdrawn (says why).
    """
    version = _fetched(name)
    if reason := leaving.withdrawn(version.digest):
        raise UserError(
            f"The data of '{name}' at version {version.digest} were withdrawn: {reason}.",
            expected="a version that may be used",
            remedy=f"genfoundry data add PATH --name {name}   (without them; genfoundry data remove {name} takes these "
            "out of data/)",
        )
    return version


def _fetched(name: str) -> DatasetVersion:
    folder, wanted = data_dir() / name, dvc.recorded().get(name)
    known = catalog.names("datasets")
    if folder.is_dir():
        return _compared(verify(folder).version, wanted)
    if name in known and embedded(name):
        return _compared(build_folder(name), wanted)
    if wanted:
        return _from_dvc(name, wanted)
    if name in known:
        return build_folder(name)
    everything = {*known, *dvc.recorded(), *dvc.present()}
    raise UserError(
        f"There is no dataset '{name}'; {closest(name, everything)}",
        remedy=f"genfoundry data add PATH --name {name}   (genfoundry data list shows what there is)",
    )


def _from_dvc(name: str, wanted: str) -> DatasetVersion:
    folder = state_path("datasets") / wanted
    if version := kept(folder, wanted):
        return version
    try:
        return bringing.bring(name, wanted, folder)
    except UserError:
        if name not in catalog.names("datasets"):
            raise
        return _compared(build_folder(name), wanted)


def _compared(version: DatasetVersion, wanted: str | None) -> DatasetVersion:
    if sentence := dvc.difference(version, wanted):
        log.warning(sentence)
    return version
