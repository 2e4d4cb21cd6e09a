"""The only door to DVC. `data.dvc` at the project's root tracks `data/`, and its `meta` names each dataset's digest.

DVC writes only here, and only for `stages/ingest.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from genfoundry.dataset import read_card, remake, verify, version_of
from genfoundry.errors import UserError
from genfoundry.files import data_dir, disk_full, means_full, megabytes, project_root, publish
from genfoundry.intake.building import build_folder, embedded, is_sealed, place, writing_data
from genfoundry.records import DatasetVersion

if TYPE_CHECKING:
    from dvc.repo import Repo


def is_repository() -> bool:
    """Whether the project is under DVC at all."""
    return (project_root() / ".dvc" / "config").is_file()


def data_file() -> Path:
    """`data.dvc`."""
    return project_root() / "data.dvc"


def _document() -> dict:
    try:
        document = yaml.safe_load(data_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{data_file()} is not YAML: {error}", remedy="git checkout data.dvc") from None
    return document if isinstance(document, dict) else {}


def recorded() -> dict[str, str]:
    """The digest of each dataset that `data.dvc` records."""
    meta = _document().get("meta")
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
    """Track `data/` with DVC, write every dataset's digest into `data.dvc`, and push to the remote if there is one.

    Returns a sentence for the user: how the version is kept. A version that is recorded already costs nothing.

    Raises:
        UserError: a recorded dataset is not in `data/` and can't be brought; another was changed; DVC refused.
    """
    if not is_repository():
        return (
            f"'{version.name}' is known by its digest only: {project_root()} is not under DVC. "
            "To version it: dvc init (--no-scm without git), then genfoundry data build or add again."
        )
    if recorded().get(version.name) == version.digest:
        return f"'{version.name}' is recorded in data.dvc."
    _complete(version.name)
    with writing_data():
        digests = {name: _whole(name) for name in present()}
        with opened("add data") as repository:
            repository.add(str(data_dir()))  # pyright: ignore[reportCallIssue, reportArgumentType]
        document = _document()
        document["meta"] = {**(document.get("meta") or {}), "datasets": digests}
        publish(data_file(), yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return push(version.name)


def push(name: str) -> str:
    """Copy what `data.dvc` tracks to the remote; says in a sentence what came of it, and never fails."""
    kept = f"'{name}' is recorded in data.dvc and kept in DVC's cache"
    try:
        with opened("push data.dvc") as repository:
            repository.push([str(data_file())])  # pyright: ignore[reportCallIssue, reportArgumentType]
    except UserError as error:
        return f"{kept}, but was not pushed: {error.found} To push it later: dvc push   (remotes: dvc remote list)"
    return f"{kept} and its remote. To share it: git add data.dvc && git commit"


def not_pushed() -> list[str]:
    """What `data.dvc` names and the remote does not hold: paths below the project's root, by name only.

    Raises:
        UserError: there is no remote, or it can't be asked.
    """
    with opened("remote list") as repository:
        from dvc_data.hashfile.hash_info import HashInfo  # comes with DVC
        from dvc_data.hashfile.tree import Tree

        store, lacking = repository.cloud.get_remote_odb(), []
        for out in _document().get("outs", []):
            if not store.exists(out["md5"]):
                lacking.append(out["path"])
                continue
            listing = Tree.load(store, HashInfo("md5", out["md5"]))
            paths = {info.value: "/".join((out["path"], *key)) for key, _, info in listing if info}
            there = set(store.oids_exist(list(paths)))
            lacking += sorted(path for digest, path in paths.items() if digest not in there)
    return lacking


def _complete(name: str) -> None:
    """Have every other recorded dataset in `data/`, so that adding the folder forgets none."""
    for other, digest in recorded().items():
        if other == name or is_sealed(data_dir() / other):
            continue
        if _embedded(other):
            build_folder(other)
        else:
            with writing_data():
                bring(other, digest, data_dir() / other)


def _embedded(name: str) -> bool:
    try:
        return embedded(name)
    except UserError:
        return False


def _whole(name: str) -> str:
    folder = data_dir() / name
    verify(folder)
    return version_of(folder, read_card(folder)).digest


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
    except Exception as error:  # DVC raises whatever its storage raises
        if means_full(error, data_dir()):
            size = sum(path.stat().st_size for path in data_dir().rglob("*") if path.is_file())
            raise disk_full(project_root() / ".dvc", f"up to {megabytes(size)}") from error
        said = f"{error} ({error.__cause__})" if error.__cause__ else str(error) or type(error).__name__
        raise UserError(f"dvc {doing} failed: {said}", remedy=f"dvc {doing} -v   (tells more)") from error


def bring(name: str, digest: str, destination: Path) -> DatasetVersion:
    """Copy the recorded version of a dataset out of DVC's cache or remote to `destination`, and hash it again.

    Raises:
        UserError: it can't be had, or what came is not what was recorded (names the file).
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    return place(destination, lambda folder: _copy(name, digest, folder))


def _copy(name: str, digest: str, folder: Path) -> DatasetVersion:
    from dvc.api import DVCFileSystem  # takes half a second

    try:
        system = DVCFileSystem(str(project_root()))
        for path in system.find(f"data/{name}"):
            system.get_file(path, str(folder / Path(path).name))
    except Exception as error:  # DVC raises whatever its storage raises
        raise _not_had(name, digest, f"{type(error).__name__}: {error}") from error
    if not any(folder.iterdir()):
        raise _not_had(name, digest, "data.dvc's own listing is in no cache and no remote")
    try:
        card = verify(folder, digest)
    except UserError as error:
        found = error.found.replace(str(folder), f"data/{name}")
        raise UserError(
            f"What DVC holds of '{name}' is damaged: {found}",
            expected=error.expected,
            remedy="push it again from a checkout that has it whole (dvc push), then: rm -r .dvc/cache && dvc pull",
        ) from None
    return version_of(folder, card)


def _not_had(name: str, digest: str, why: str) -> UserError:
    return UserError(
        f"'{name}' at version {digest} is recorded in data.dvc but could not be had from DVC: {why}",
        remedy="dvc pull   (remotes: dvc remote list; a new place: dvc remote modify local url PATH)",
    )
