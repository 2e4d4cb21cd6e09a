"""What a project begins with beside its mark. A step is given what the mark says, and plans files."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from .changes import Beginning, Change, Step, new, with_lines

EXAMPLE = "first"
IGNORED = ["/.genfoundry/", "/data", "__pycache__/"]
LOCAL = "local"


def package(begun: Beginning) -> list[Change]:
    """The project's own package, in which a file is an entry; its folders come with their first entries."""
    if not (name := begun.mark.package):
        return []
    folders = [begun.root / name, begun.root / "src" / name]
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    if folder.is_dir() and any(folder.glob("*.py")):
        return [Change(folder / "__init__.py", None, "the package is there")]
    about = (
        f'"""Entries of {begun.name}\'s own. A file in models/, metrics/, datasets/, kinds/ or tasks/ here is one."""\n'
    )
    return [new(folder / "__init__.py", about, "your own package: genfoundry new family NAME writes the first entry")]


def recipe(begun: Beginning) -> list[Change]:
    """One recipe on embedded data, where the project has none."""
    folder = begun.root / begun.mark.recipes
    if folder.is_dir() and any(folder.glob("*.yaml")):
        return [Change(folder, None, "it holds recipes")]
    text = (
        "# A recipe of your own: it begins from a shipped one, and says what differs. To run it: "
        f"genfoundry run {EXAMPLE}\n"
        "from: mlp\n"
        "title: The first recipe, small handwritten digits\n"
        "dataset: {name: digits}\n"
        "training: {max_steps: 400}\n"
    )
    return [new(folder / f"{EXAMPLE}.yaml", text, "a recipe on data that are embedded")]


def ignored(begun: Beginning) -> list[Change]:
    """State and data stay out of git; DVC keeps the data, and git what `data.dvc` says of them."""
    return [with_lines(begun.root / ".gitignore", IGNORED, "state and data stay out of git")]


def versioned(begun: Beginning) -> list[Change]:
    """DVC's own files, as `dvc init` makes them, with a remote that is a folder beside the repository."""
    here = begun.root / ".dvc"
    return [
        _config(begun, here / "config"),
        new(here / ".gitignore", "/config.local\n/tmp\n/cache\n", "DVC"),
        with_lines(begun.root / ".dvcignore", ["# A build in progress", "/data/.building-*"], "DVC"),
    ]


def _config(begun: Beginning, path: Path) -> Change:
    top = begun.repository
    beside = (top or begun.root).parent / f"{begun.name}-dvc-remote"
    address = os.path.relpath(beside, path.parent)
    why = f"DVC, with the remote {beside}, a folder of this machine: no colleague has it"
    remote = f"['remote \"{LOCAL}\"']\n    url = {address}\n    verify = true"
    if path.is_file():
        return _with_remote(path, remote, why)
    head = (
        f"# The remote is a folder of this machine, outside git (paths here are relative to .dvc/).\n"
        f"# One that colleagues reach, too: dvc remote modify {LOCAL} url PATH_OR_URL\n"
    )
    scm = "" if top else "    no_scm = true\n"
    core = (
        f"[core]\n    remote = {LOCAL}\n{scm}    analytics = false\n    check_update = false\n    autostage = false\n"
    )
    return Change(path, f"{head}{core}{remote}\n".encode(), why)


def _with_remote(path: Path, remote: str, why: str) -> Change:
    """A configuration of DVC's that names no remote, with one; one that names any stays as it is."""
    text = path.read_text(encoding="utf-8", errors="replace")
    known = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        known.read_string(text)
    except configparser.Error:
        return Change(path, None, "it is there")
    if any(section.strip("'").startswith("remote ") for section in known.sections()):
        return Change(path, None, "DVC has a remote")
    start = "" if not text or text.endswith("\n") else "\n"
    core = f"    remote = {LOCAL}\n"
    if "[core]" in text:
        head, _, rest = text.partition("[core]")
        text = f"{head}[core]\n{core.rstrip()}{rest}"
    else:
        text = f"{text}{start}[core]\n{core}"
    text += "" if text.endswith("\n") else "\n"
    return Change(path, f"{text}{remote}\n".encode(), why, added=True)


STEPS: tuple[Step, ...] = (package, recipe, ignored, versioned)
