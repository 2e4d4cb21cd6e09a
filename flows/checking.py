"""Which entries a user wants tried, and each one tried: recipes as well as what the catalogue holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from genfoundry import catalog
from genfoundry.contracts import entries as contracts
from genfoundry.errors import UserError, closest
from genfoundry.project.sources import BrokenEntry

from . import recipes

RECIPES = "recipes"


class Entry(NamedTuple):
    """An entry by its group and full name; `wrong` says what is wrong with a file, `path`, that can't be one."""

    group: str
    name: str
    wrong: str = ""
    path: Path | None = None

    @property
    def label(self) -> str:
        """As a user may write it."""
        return f"{self.group}/{self.name}"


def entries(written: Iterable[str] = (), everything: bool = False) -> Iterator[Entry]:
    """The entries that somebody names, else the project's own; with `everything` those of distributions as well.

    Raises:
        UserError: nothing has such a name.
    """
    if written := [*written]:
        for word in written:
            yield from _named(word)
        return
    for group in contracts.CONTRACTS:
        yield from (Entry(group, name) for name in contracts.of_others(group, installed=everything))
        yield from (Entry(group, path.name, sentence, path) for path, sentence in catalog.unusable(group).items())
    for name, files in sorted(recipes.files().files.items()):
        if any(file.own or (everything and file.path.parent != recipes.FOLDER) for file in files):
            yield Entry(RECIPES, name)


def _named(word: str) -> Iterator[Entry]:
    group, _, name = word.rpartition("/")
    groups = [group] if group else [*contracts.CONTRACTS, RECIPES]
    found = [Entry(each, full) for each in groups if (full := _full_name(each, name, sure=bool(group)))]
    if not found:
        known = {name for each in contracts.CONTRACTS for name in catalog.names(each)} | {*recipes.names()}
        raise UserError(f"There is no entry '{word}'; {closest(word, known)}")
    yield from found


def _full_name(group: str, name: str, *, sure: bool) -> str:
    """The full name of an entry of a group; empty where it has none of that name, unless it is `sure` to be there."""
    if group == RECIPES:
        return name if name in recipes.names() else ""
    if group not in contracts.CONTRACTS:
        raise UserError(f"There is no group '{group}'; {closest(group, [*contracts.CONTRACTS, RECIPES])}")
    if not sure and name not in {each for full in catalog.names(group) for each in (full, catalog.bare(full))}:
        return ""
    return catalog.full_name(group, name)


def file_of(entry: Entry) -> Path | None:
    """The file that stands for an entry: of a folder the one that says what it is."""
    if entry.path or entry.group == RECIPES:
        return entry.path or recipes.files().find(entry.name).path
    path = catalog.place_of(entry.group, entry.name).path
    return path if path is None or path.is_file() else path / SAYING.get(entry.group, "__init__.py")


SAYING = {"kinds": "spec.py", "tasks": "about.py"}


def check(entry: Entry) -> str:
    """Try one; says in words what was tried.

    Raises:
        UserError: what is wrong with it, a sentence that names its file.
    """
    if entry.wrong:
        raise BrokenEntry(entry.wrong)
    if entry.group != RECIPES:
        return contracts.check(entry.group, entry.name)
    found = recipes.load(entry.name)
    return f"loads: the family {found.model.family} on {found.dataset.name}, registered as {found.registered_name}"
