"""Which genfoundry a revision of a project names, and an environment for the base where that is not the installed one.

The environment is a folder of packages that come before the installed ones, kept below `.genfoundry/environments/`: the
named genfoundry, and of what it needs only that which the present environment has in no fitting version.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from filelock import FileLock
from packaging.requirements import InvalidRequirement, Requirement

from genfoundry import __version__
from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.project.root import state_dir

from .revisions import Revisions, git, text_at_base

NAME = "genfoundry"
LOCKS, PLAIN, DECLARED = ("uv.lock", "poetry.lock", "pylock.toml"), "requirements*.txt", "pyproject.toml"
LAST_CHARACTERS = 600  # of what an installer said


class Named(NamedTuple):
    """What the two revisions say of genfoundry; None where one says nothing."""

    before: Requirement | None
    after: Requirement | None

    @property
    def change(self) -> str:
        """A few words where the base needs another genfoundry than the installed one; else empty."""
        if self.before is None or self.before == self.after or _satisfied(self.before):
            return ""
        return f"genfoundry {_words(self.before)} → {_words(self.after) or __version__}"


def named(found: Revisions) -> Named:
    """What the two revisions of a project say, in its folder or at the top of the repository.

    Raises:
        UserError: they differ, and the installed genfoundry is not the one that the present revision names.
    """
    said = Named(_requirement(_texts_at_base(found)), _requirement(_texts(found)))
    after = said.after
    if after is None or after == said.before or after.url or _satisfied(after):
        return said
    raise UserError(
        f"The project names genfoundry {_words(after)}, and {__version__} is installed.",
        expected=f"the one that it names, since the base names another ({_words(said.before) or 'none'})",
        remedy=f"pip install '{after}'   (or what your project is installed by, as in uv sync)",
    )


def _satisfied(wanted: Requirement) -> bool:
    return not wanted.url and wanted.specifier.contains(__version__, prereleases=True)


def _words(wanted: Requirement | None) -> str:
    return "" if wanted is None else wanted.url or str(wanted.specifier) or "of any version"


def _texts(found: Revisions) -> Iterator[tuple[str, str]]:
    for folder in dict.fromkeys((found.project, found.checkout)):
        names = {path.name for path in folder.iterdir()}
        for name in _ordered(names):
            yield name, (folder / name).read_text(encoding="utf-8", errors="replace")


def _texts_at_base(found: Revisions) -> Iterator[tuple[str, str]]:
    up = "../" * len(found.below.parts)
    for folder, way in {found.project: "", found.checkout: up}.items():
        try:
            names = git(folder, "ls-tree", "--name-only", "-z", found.base).split("\0")
        except UserError:  # the base had no such folder
            continue
        for name in _ordered(set(names)):
            yield name, text_at_base(found, way + name)


def _ordered(names: set[str]) -> list[str]:
    """Those that may name genfoundry: what says one version comes before what says a range."""
    plain = sorted(name for name in names if PurePath(name).match(PLAIN))
    return [name for name in (*LOCKS, *plain, DECLARED) if name in names]


def _requirement(texts: Iterable[tuple[str, str]]) -> Requirement | None:
    for name, text in texts:
        try:
            found = _lines(text) if name.endswith(".txt") else _tables(tomllib.loads(text))
        except tomllib.TOMLDecodeError:
            continue
        for written in found:
            try:
                wanted = Requirement(written)
            except InvalidRequirement:
                continue
            if wanted.name.lower() == NAME and (wanted.url or wanted.specifier):
                return wanted
    return None


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield line.partition(" #")[0].partition(" --")[0].rstrip("\\ ")


def _tables(document: dict[str, Any]) -> Iterator[str]:
    """What a lock file or `pyproject.toml` requires, as far as it may be genfoundry."""
    for package in (*document.get("package", ()), *document.get("packages", ())):
        if package.get("name") == NAME:
            yield _locked(package)
    project, tool = document.get("project", {}), document.get("tool", {})
    groups = [project.get("dependencies", ()), *project.get("optional-dependencies", {}).values()]
    for group in (*groups, *document.get("dependency-groups", {}).values()):
        yield from (each for each in group if isinstance(each, str))
    yield NAME + str(tool.get(NAME, {}).get("requires", ""))


def _locked(package: dict[str, Any]) -> str:
    """What a lock file says of a package, as a requirement: where it comes from, else its version."""
    source = package.get("source", {})
    if source.get("git"):
        return f"{NAME} @ git+{source['git']}"
    if source.get("url"):
        return f"{NAME} @ {source['url']}"
    return f"{NAME}=={package.get('version')}"


def environment(wanted: Requirement) -> Path:
    """A folder with that genfoundry, made once and kept.

    Raises:
        UserError: it can't be had; holds the installer's own words.
    """
    exact = next((each.version for each in wanted.specifier if each.operator == "=="), None)
    folder = state_dir("environments") / f"{NAME}-{exact or digest(str(wanted))[:12]}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "genfoundry_flows").is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                made = Path(scratch) / "packages"
                _install(made, "--no-deps", str(wanted))
                if lacking := _lacking(made):
                    _install(made, *lacking)
                made.rename(folder)
    return folder


def _install(folder: Path, *arguments: str) -> None:
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    else:
        raise UserError(
            f"The base needs {arguments[-1]}, and there is neither pip nor uv to make it an environment.",
            remedy=f"{sys.executable} -m ensurepip",
        )
    done = subprocess.run([*command, "--target", str(folder), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            f"The base needs {arguments[-1]}, which could not be installed beside the installed {__version__}: "
            f"{done.stderr.strip()[-LAST_CHARACTERS:]}",
            expected="an index, or a folder of wheels (PIP_FIND_LINKS), that has it",
            remedy="genfoundry ci --base REVISION   (one that names the installed release)",
        )


def _lacking(folder: Path) -> list[str]:
    """What the genfoundry in a folder requires and the present environment has in no fitting version."""
    found = next(each for each in distributions(path=[str(folder)]) if _is_ours(each))
    needed = [Requirement(each) for each in found.requires or ()]
    return [str(each) for each in needed if (not each.marker or each.marker.evaluate({"extra": ""})) and not _has(each)]


def _is_ours(found: Distribution) -> bool:
    return found.metadata["Name"].lower() == NAME


def _has(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False
