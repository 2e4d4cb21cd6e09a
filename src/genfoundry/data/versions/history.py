"""An earlier version of a dataset, out of DVC's cache or remote.

DVC knows `data/` as a whole, so what an earlier dataset was stands in an earlier listing of `data/`: one that the cache
still holds, or one that git's history of `data.dvc` names.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from genfoundry.data.building import kept, place
from genfoundry.data.versions import dvc
from genfoundry.dataset import digest_of, verify
from genfoundry.errors import UserError
from genfoundry.project.root import project_root, state_dir
from genfoundry.records import DatasetVersion

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB
    from dvc_data.hashfile.hash_info import HashInfo

Files = dict[str, str]  # md5 by the path below the dataset's folder


def recall(name: str, digest: str) -> DatasetVersion:
    """Have an earlier version of a dataset on this machine; `genfoundry.dataset.open_version` finds it again.

    Raises:
        UserError: neither the cache nor the remote holds it whole.
    """
    folder = state_dir("datasets") / digest
    if version := kept(folder, digest):
        return version
    place(folder, lambda empty: _copied(name, digest, empty))
    return verify(folder, digest).version


def was_recorded(name: str, digest: str) -> bool:
    """Whether `data.dvc` recorded this version of a dataset once, by what the cache, the remote and git can tell."""
    with dvc.opened("fetch --all-commits") as repository:
        return any(digest_of(files) == digest for files in _listed(name, list(stores(repository))))


def _copied(name: str, digest: str, folder: Path) -> DatasetVersion:
    if not dvc.is_repository():
        raise UserError(f"Version {digest} of '{name}' is gone: {project_root()} is not under DVC.", remedy="dvc init")
    with dvc.opened("fetch --all-commits") as repository:
        known = list(stores(repository))
        files = next((files for files in _listed(name, known) if digest_of(files) == digest), None)
        lacking = [path for path, md5 in (files or {}).items() if not _get(md5, folder / path, known)]
    if not files or lacking:
        what = f"'s {', '.join(sorted(lacking))}" if lacking else "'"
        raise UserError(
            f"Version {digest} of '{name}{what} is neither in DVC's cache nor, by a data.dvc of git's history, "
            "in its remote.",
            remedy="dvc fetch --all-commits",
        )
    return verify(folder, digest).version


def stores(repository: Repo) -> Iterator[HashFileDB]:
    """The cache, then the remote where there is one."""
    yield repository.cache.local
    if repository.config["core"].get("remote"):
        yield repository.cloud.get_remote_odb()


def rows(repository: Repo, md5: str) -> dict[tuple[str, ...], HashInfo]:
    """What a listing of `data/` holds, by the path below it; fetched from the remote where the cache lacks it.

    Raises:
        UserError: it is in neither.
    """
    from dvc_data.hashfile.hash_info import HashInfo  # comes with DVC
    from dvc_data.hashfile.tree import Tree

    store = next((store for store in stores(repository) if store.exists(md5)), None)
    if store is None:
        raise UserError(
            f"The listing {md5} of data.dvc is in no cache and no remote.",
            expected="what was recorded, where it can be fetched from",
            remedy="dvc push where it was recorded, then give the command again here",
        )
    return {key: info for key, _, info in Tree.load(store, HashInfo("md5", md5)) if info}


def _listed(name: str, stores: list[HashFileDB]) -> Iterator[Files]:
    """What `data/<name>` held in every listing of `data/` that can be had."""
    from dvc_data.hashfile.hash_info import HashInfo  # comes with DVC
    from dvc_data.hashfile.tree import Tree

    cached = (path.parent.name + path.name for path in Path(stores[0].path).glob("??/*.dir"))
    for md5 in dict.fromkeys([*cached, *_committed()]):
        store = next((store for store in stores if store.exists(md5)), None)
        if store is not None:
            rows = Tree.load(store, HashInfo("md5", md5))
            yield {"/".join(key[1:]): str(info.value) for key, _, info in rows if key[0] == name and info}


def _committed() -> Iterator[str]:
    """The listings that git's history of `data.dvc` names, newest first; none outside a checkout."""
    git = ["git", "-C", str(project_root())]
    asked = subprocess.run([*git, "log", "--format=%H", "--", "data.dvc"], capture_output=True, text=True, check=False)
    for revision in asked.stdout.split():
        shown = subprocess.run([*git, "show", f"{revision}:data.dvc"], capture_output=True, text=True, check=False)
        document = yaml.safe_load(shown.stdout) if shown.returncode == 0 else None
        yield from (str(out["md5"]) for out in (document or {}).get("outs", []) if "md5" in out)


def _get(md5: str, to: Path, stores: list[HashFileDB]) -> bool:
    """Copy an object to its place; False where no store has it."""
    store = next((store for store in stores if store.exists(md5)), None)
    if store is None:
        return False
    to.parent.mkdir(parents=True, exist_ok=True)
    with store.fs.open(store.oid_to_path(md5), "rb") as source, to.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return True
