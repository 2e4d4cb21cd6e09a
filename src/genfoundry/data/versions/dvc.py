"""The only door to DVC. `data.dvc` at the project's root tracks `data/`, and its `meta` names each dataset's digest.

DVC writes only here, and only for `stages/ingest.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from genfoundry.data.building import build_folder, embedded, is_sealed, writing_data
from genfoundry.data.versions import bringing, listed
from genfoundry.dataset import folder_digest, remake, verify
from genfoundry.errors import UserError
from genfoundry.files import disk_full, is_disk_full, megabytes, size_of, write_atomic
from genfoundry.project.root import data_dir, project_root
from genfoundry.records import DatasetVersion

if TYPE_CHECKING:
    from dvc.repo import Repo


UNMERGED = ("<<<<<<< ", ">>>>>>> ")  # what git writes into a file that it could not merge


def is_repository() -> bool:
    """Whether the project is under DVC at all."""
    return (project_root() / ".dvc" / "config").is_file()


def data_file() -> Path:
    """`data.dvc`."""
    return project_root() / "data.dvc"


def document() -> dict:
    """What `data.dvc` says; empty where there is none.

    Raises:
        UserError: it is no YAML, or holds a merge that git could not finish.
    """
    try:
        text = data_file().read_text(encoding="utf-8")
        if is_unmerged(text):
            raise UserError(
                f"{data_file()} holds both sides of a merge that git could not finish.",
                expected="the datasets of both",
                remedy="genfoundry data merge",
            )
        found = yaml.safe_load(text)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{data_file()} is not YAML: {error}", remedy="git checkout data.dvc") from None
    return found if isinstance(found, dict) else {}


def is_unmerged(text: str) -> bool:
    """Whether a file holds both sides of a merge that git did not finish."""
    return any(line.startswith(UNMERGED) for line in text.splitlines())


def recorded() -> dict[str, str]:
    """The digest of each dataset that `data.dvc` records."""
    meta = document().get("meta")
    datasets = meta.get("datasets") if isinstance(meta, dict) else None
    return {str(name): str(value) for name, value in datasets.items()} if isinstance(datasets, dict) else {}


def kept(name: str) -> str | None:
    """The digest of the version of a dataset that DVC keeps a copy of."""
    return recorded().get(name) if is_repository() else None


def present() -> list[str]:
    """The datasets that lie in `data/`."""
    return sorted(folder.name for folder in data_dir().glob("[!.]*") if is_sealed(folder))


def difference(version: DatasetVersion, wanted: str | None) -> str:
    """A sentence where a version is not the one that `data.dvc` records, else nothing."""
    if wanted is None or version.digest == wanted:
        return ""
    return (
        f"data/{version.name} is at version {version.digest}, but data.dvc records {wanted}. "
        f"To get that one: dvc checkout data.dvc. To record this one: {remake(version.name)}"
    )


def record(version: DatasetVersion) -> str:
    """Track one dataset of `data/` with DVC, write its digest into `data.dvc`, and push to the remote if there is one.

    Every other dataset stays as `data.dvc` records it, whatever lies in `data/` of it. Returns a sentence for the
    user: how the version is kept. A version that is recorded already costs nothing.

    Raises:
        UserError: the dataset was changed since; what `data.dvc` lists can't be had (see `prepare`); DVC refused.
    """
    if not is_repository():
        return (
            f"'{version.name}' is known by its digest only: {project_root()} is not under DVC. "
            "To version it: dvc init (--no-scm without git), then genfoundry data build or add again."
        )
    if recorded().get(version.name) == version.digest:
        return f"'{version.name}' is recorded in data.dvc."
    prepare()
    with writing_data():
        verify(data_dir() / version.name, version.digest)
        with opened(f"add data/{version.name}") as repository:
            listed.store(repository, version.name)
            if not document().get("outs"):
                _begin(repository)
            repository.add(str(data_dir() / version.name))  # pyright: ignore[reportCallIssue, reportArgumentType]
        digests = {**recorded(), version.name: version.digest}
        said = document()
        write({**said, "meta": {**(said.get("meta") or {}), "datasets": dict(sorted(digests.items()))}})
    return push(version.name)


def _begin(repository: Repo) -> None:
    """Let `data.dvc` track `data/` with nothing in it yet, so that the first dataset is added as every later one."""
    listed.keep(repository, listed.of([]))
    write({**document(), "outs": [listed.NOTHING]})


def write(said: dict) -> None:
    """Let `data.dvc` say this."""
    write_atomic(data_file(), yaml.safe_dump(said, sort_keys=False, allow_unicode=True))


def prepare() -> None:
    """Have what `record` needs of the other datasets before the work begins: the listing that `data.dvc` names.

    Where neither cache nor remote has it, it is made again from `data/`, and what the installed packages carry is
    built for that.

    Raises:
        UserError: `data/` does not hold what the listing must say; names the datasets.
    """
    if not is_repository() or not document().get("outs"):
        return
    with opened("fetch data.dvc") as repository:
        if listed.at_hand(repository):
            return
    for name in recorded():
        if not is_sealed(data_dir() / name) and _embedded(name):
            build_folder(name)
    tree, wanted = listed.of([name for name in recorded() if is_sealed(data_dir() / name)]), document()["outs"][0]
    if tree.oid != wanted.get("md5"):
        raise _unlisted(str(wanted.get("md5")))
    with opened("fetch data.dvc") as repository:
        listed.keep(repository, tree)


def _unlisted(md5: str) -> UserError:
    there = {name: folder_digest(data_dir() / name) for name in present()}
    lacking = [
        f"data/{name} is {f'at {there[name]}' if name in there else 'not there'}, data.dvc records {digest}"
        for name, digest in recorded().items()
        if there.get(name) != digest
    ]
    return UserError(
        f"data.dvc names a listing of data/ ({md5}) that is in no cache and no remote, and it can't be made again: "
        f"{'; '.join(lacking) or 'data/ holds other files'}.",
        expected="the listing, since to record one dataset without it would lose the others",
        remedy="dvc pull   (remotes: dvc remote list; a new place: dvc remote modify local url PATH), or, where nobody "
        "has those versions any more, record what lies in data/ instead: dvc commit --force data.dvc",
    )


def push(name: str) -> str:
    """Copy what `data.dvc` tracks to the remote; says in a sentence what came of it, and never fails."""
    kept = f"'{name}' is recorded in data.dvc and kept in DVC's cache"
    try:
        with opened("push data.dvc") as repository:
            repository.push([str(data_file())])  # pyright: ignore[reportCallIssue, reportArgumentType]
    except UserError as error:
        return f"{kept}, but was not pushed: {error.found} To push it later: dvc push   (remotes: dvc remote list)"
    share = "To share it: git add data.dvc && git commit"
    if (found := bringing.remote_folder()) is None:
        return f"{kept} and its remote. {share}"
    remote, folder = found
    return (
        f"{kept} and its remote '{remote}', a folder of this machine ({folder}): nobody who does not reach that folder "
        f"can pull it; a place for all: dvc remote modify {remote} url URL && dvc push. {share}"
    )


def not_pushed() -> list[str]:
    """What `data.dvc` names and the remote does not hold: paths below the project's root, by name only.

    Raises:
        UserError: there is no remote, or it can't be asked.
    """
    with opened("remote list") as repository:
        from dvc_data.hashfile.hash_info import HashInfo  # comes with DVC
        from dvc_data.hashfile.tree import Tree

        store, lacking = repository.cloud.get_remote_odb(), []
        for out in document().get("outs", []):
            if not store.exists(out["md5"]):
                lacking.append(out["path"])
                continue
            listing = Tree.load(store, HashInfo("md5", out["md5"]))
            paths = {info.value: "/".join((out["path"], *key)) for key, _, info in listing if info}
            there = set(store.oids_exist(list(paths)))
            lacking += sorted(path for digest, path in paths.items() if digest not in there)
    return lacking


def _embedded(name: str) -> bool:
    try:
        return embedded(name)
    except UserError:
        return False


@contextmanager
def opened(doing: str) -> Iterator[Repo]:
    """DVC's repository, which waits for whoever holds its lock.

    Raises:
        UserError: DVC failed; holds its own words.
    """
    from dvc.repo import Repo  # takes half a second

    try:
        with Repo(str(project_root()), _wait_for_lock=True) as repository:
            repository.scm_context.quiet = True  # its hint would go to stdout
            yield repository
    except UserError:
        raise
    except Exception as error:  # DVC raises whatever its storage raises
        if is_disk_full(error, data_dir()):
            raise disk_full(project_root() / ".dvc", f"up to {megabytes(size_of(data_dir()))}") from error
        said = f"{error} ({error.__cause__})" if error.__cause__ else str(error) or type(error).__name__
        raise UserError(f"dvc {doing} failed: {said}", remedy=f"dvc {doing} -v   (tells more)") from error
