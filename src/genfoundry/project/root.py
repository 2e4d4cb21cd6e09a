"""Where a project begins, and what lies where in it. Everything asks here; nothing else reads the working folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.project.markers import FILES, is_marked

ROOT_MARKERS = ("data.dvc", ".dvc", ".git", ".genfoundry")
ROOT, SOURCES = "GENFOUNDRY_ROOT", "GENFOUNDRY_SOURCES"  # variables of the environment


class NoProject(UserError):  # noqa: N818, the user reads its sentence
    """There is no project here, and none is made by asking."""


def project_root() -> Path:
    """The project that holds the working directory: the nearest folder upwards, of the same file system, with a mark;
    without any, the nearest that has one of `ROOT_MARKERS`, as projects had before there were marks.

    `GENFOUNDRY_ROOT`, which `genfoundry --project` sets, overrides the search.

    Raises:
        NoProject: no folder upwards is one. Nothing is made.
        UserError: what marks it is the home folder, which would make a project of all that lies in it.
    """
    if given := os.environ.get(ROOT):
        return Path(given).resolve()
    folders = list(_upwards(os.getcwd()))
    if marked := next((folder for folder in folders if is_marked(folder)), None):
        return _no_home(Path(marked))
    for folder in map(Path, folders):
        if any(_marks(folder / marker) for marker in ROOT_MARKERS):
            return folder
    raise NoProject(
        f"{folders[0]} is in no project.",
        expected=f"a folder with a mark ({' or '.join(FILES)}), or with {', '.join(ROOT_MARKERS[:-1])} or "
        f"{ROOT_MARKERS[-1]}, here or above",
        remedy="cd into your project, or name its folder by --project or GENFOUNDRY_ROOT; "
        "to begin a new one here: genfoundry init",
    )


def _upwards(here: str) -> Iterator[str]:
    """A folder and those above it, as far as its file system reaches."""
    yield here
    while not os.path.ismount(here):
        here = os.path.dirname(here)
        yield here


def _no_home(folder: Path) -> Path:
    if folder != Path.home().resolve():
        return folder
    raise UserError(
        f"{folder}, your home folder, is marked as a project, and all that lies in it would belong to it.",
        expected=f"a mark ({' or '.join(FILES)}) in a folder of its own",
        remedy="move the mark into the folder of your project, or name another project by --project",
    )


def standing_root() -> Path:
    """The project's root, for whoever begins: a command, a flow.

    Raises:
        NoProject: there is none, or `GENFOUNDRY_ROOT` names no folder.
    """
    root = project_root()
    if not root.is_dir():
        raise NoProject(
            f"GENFOUNDRY_ROOT is {root}, which is {'no folder' if root.exists() else 'not there'}.",
            expected="the folder of a project; a mistyped one is never made",
            remedy="correct GENFOUNDRY_ROOT, or unset it to use the project that holds the working directory",
        )
    return root


def source_root() -> Path:
    """The folder of the project's mark, recipes and own package: its root, but for the older of two revisions that
    `genfoundry ci` compares, whose sources lie elsewhere than its data and state (`GENFOUNDRY_SOURCES`)."""
    return Path(os.environ.get(SOURCES) or project_root())


def _marks(path: Path) -> bool:
    """Whether it marks a project; earlier releases left an empty `.genfoundry/prefect` wherever they were started."""
    if path.name != ".genfoundry":
        return path.exists()
    try:
        left_over = [entry.name for entry in path.iterdir()] == ["prefect"] and not any((path / "prefect").iterdir())
    except OSError:
        return path.is_dir()
    return not left_over


def data_dir() -> Path:
    """The folder that DVC versions: one sub-folder per dataset."""
    return project_root() / "data"


def state_path(*parts: str) -> Path:
    """A path below `.genfoundry/`, there or not: for whoever only reads."""
    return project_root().joinpath(".genfoundry", *parts)


def state_dir(*parts: str) -> Path:
    """A folder below `.genfoundry/`, made when it is asked for. Losing it loses history, never data."""
    folder = state_path(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
