"""The recorded version of a dataset, out of DVC's cache or remote."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from genfoundry.data.building import place
from genfoundry.dataset import CARD_FILE, Card, read_card, verify
from genfoundry.errors import UserError
from genfoundry.project.root import project_root, state_dir, state_path
from genfoundry.records import DatasetVersion

SCP = re.compile(r"^[^/\\:]+@[^/:]+:")  # an address as git's


def bring(name: str, digest: str, destination: Path) -> DatasetVersion:
    """Copy the recorded version of a dataset out of DVC's cache or remote to `destination`, and hash it again.

    Raises:
        UserError: it can't be had, or what came is not what was recorded (names the file).
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    return place(destination, lambda folder: _copy(name, digest, folder))


def take_out(name: str, digest: str, folder: Path, only: tuple[str, ...] = ()) -> None:
    """Copy the recorded files of a dataset into `folder`, all of them or `only` those of these names; unproved.

    Raises:
        UserError: DVC can't have them.
    """
    from dvc.api import DVCFileSystem  # takes half a second

    try:
        system = DVCFileSystem(str(project_root()))
        for path in system.find(f"data/{name}"):
            if not only or Path(path).name in only:
                system.get_file(path, str(folder / Path(path).name))
    except Exception as error:  # DVC raises whatever its storage raises
        raise _not_had(name, digest, f"{type(error).__name__}: {error}") from error
    if not any(folder.iterdir()):
        raise _not_had(name, digest, "data.dvc's own listing is in no cache and no remote")


def _copy(name: str, digest: str, folder: Path) -> DatasetVersion:
    take_out(name, digest, folder)
    try:
        return verify(folder, digest).version
    except UserError as error:
        found = error.found.replace(str(folder), f"data/{name}")
        raise UserError(
            f"What DVC holds of '{name}' is damaged: {found}",
            expected=error.expected,
            remedy="push it again from a checkout that has it whole (dvc push), then: rm -r .dvc/cache && dvc pull",
        ) from None


def card(name: str, digest: str) -> Card:
    """The card of a recorded version that is not on this machine, without its rows; fetched once.

    Raises:
        UserError: it can't be had.
    """
    for folder in (state_path("datasets", digest), state_path("cards", digest)):
        if (folder / CARD_FILE).is_file():
            return read_card(folder)
    with tempfile.TemporaryDirectory(dir=state_dir("cards")) as scratch:
        take_out(name, digest, Path(scratch), only=(CARD_FILE,))
        found = read_card(Path(scratch))
        (state_dir("cards", digest) / CARD_FILE).write_bytes((Path(scratch) / CARD_FILE).read_bytes())
    return found


def remote_folder() -> tuple[str, str] | None:
    """The name and the folder of DVC's remote, where that is a folder of a machine and no address that others reach."""
    from dvc.config import Config  # takes half a second

    found = Config(str(project_root() / ".dvc"))
    name = found["core"].get("remote")
    url = str((found["remote"].get(name) or {}).get("url", "")) if name else ""
    return (str(name), url) if url and "://" not in url and not SCP.match(url) else None


def _not_had(name: str, digest: str, why: str) -> UserError:
    if where := _unreachable():
        return UserError(
            f"'{name}' at version {digest} is recorded in data.dvc, and this machine has no copy of it: {where}",
            expected="a remote that this machine reaches",
            remedy="dvc remote add --default --force shared URL_OR_FOLDER, then: dvc pull   (whoever has the data: dvc "
            "push to it first)",
        )
    return UserError(
        f"'{name}' at version {digest} is recorded in data.dvc but could not be had from DVC: {why}",
        remedy="dvc pull   (remotes: dvc remote list; a new place: dvc remote modify local url PATH)",
    )


def _unreachable() -> str:
    """Why nothing can come from the remote, where there is none, or only a folder of another machine."""
    from dvc.config import Config

    if not Config(str(project_root() / ".dvc"))["core"].get("remote"):
        return "the project names no remote of DVC."
    found = remote_folder()
    if found is None or Path(found[1]).is_dir():
        return ""
    return f"its remote '{found[0]}' is {found[1]}, a folder of the machine where it was recorded."
