"""The listing of `data/` that `data.dvc` names, among DVC's own objects: to record one dataset is to change its part.

A clone may hold neither the files of the other datasets nor the listing. Then the listing alone is fetched, or made
again from what lies in `data/`; the files of the others are never needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genfoundry.files import file_digest
from genfoundry.project.root import data_dir

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

NOTHING = {"md5": "d751713988987e9331980363e24189ce.dir", "size": 0, "nfiles": 0, "hash": "md5", "path": "data"}
"""What DVC writes of an empty folder `data`."""


def out(tree: Tree) -> dict[str, Any]:
    """What `data.dvc` says of a listing, without its size."""
    return {"md5": tree.oid, "nfiles": len(tree), "hash": "md5", "path": "data"}


def at_hand(repository: Repo) -> bool:
    """Whether DVC's cache holds the listing; it is fetched from the remote where only that has it."""
    return all(out.get_dir_cache() is not None for out in repository.find_outs_by_path(str(data_dir())))


def keep(repository: Repo, tree: Tree) -> None:
    """Put a listing into DVC's cache."""
    put(repository.cache.local, tree)


def put(store: HashFileDB, tree: Tree) -> None:
    """Put a listing among the objects of a store."""
    store.add(tree.path, tree.fs, tree.oid, hardlink=False)  # pyright: ignore[reportArgumentType] it was digested


def store(repository: Repo, name: str) -> None:
    """Put the files of a dataset into DVC's cache, or fail: its own `add` of a part goes on without them.

    Raises:
        OSError: a file could not be copied.
    """
    from dvc_objects.fs.local import LocalFileSystem  # comes with DVC

    files = [str(path) for path in (data_dir() / name).rglob("*") if path.is_file()]
    repository.cache.local.add(files, LocalFileSystem(), [file_digest(Path(path), "md5") for path in files])


def with_rows(rows: Mapping[tuple[str, ...], HashInfo]) -> Tree:
    """The listing that holds these rows, by their paths below `data/`."""
    from dvc_data.hashfile.meta import Meta  # comes with DVC
    from dvc_data.hashfile.tree import Tree

    tree = Tree()
    for key, info in sorted(rows.items()):
        tree.add(key, Meta(), info)
    tree.digest()
    return tree


def of(names: list[str]) -> Tree:
    """The listing of these datasets as they lie in `data/`."""
    from dvc_data.hashfile.hash_info import HashInfo  # comes with DVC
    from dvc_data.hashfile.meta import Meta
    from dvc_data.hashfile.tree import Tree

    tree = Tree()
    for path in sorted(path for name in names for path in (data_dir() / name).rglob("*") if path.is_file()):
        tree.add(path.relative_to(data_dir()).parts, Meta(), HashInfo("md5", file_digest(path, "md5")))
    tree.digest()
    return tree
