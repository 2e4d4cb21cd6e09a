"""A folder is a catalogue: every module or folder of it is an entry, and nothing else lists them.

An entry that is a folder is kept part by part, each part a module that is imported when it is asked for.

Names and descriptions are read from the source, so that listing what exists imports no torch and takes milliseconds.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast

from pydantic import BaseModel

from genfoundry.errors import UserError, closest
from genfoundry.project import sources
from genfoundry.project.gathering import WHAT, gathered, overrides, unusable
from genfoundry.project.places import PACKAGE, SHIPPED, Place, importable


class NotInstalled(UserError):  # noqa: N818, the user reads its sentence
    """An entry of a distribution, or of a project, that is not here."""


class Entry(BaseModel, frozen=True):
    """What the source of an entry says of it, without importing it."""

    name: str
    title: str
    docstring: str
    attributes: dict[str, object]
    config: dict[str, str]
    methods: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """What a family reads of the rows that it makes examples for, beside their number."""
        return tuple(self.attributes.get("conditions", ()))  # pyright: ignore[reportArgumentType]


def folder(package: str) -> Path:
    """The folder of `genfoundry.<package>`."""
    return PACKAGE / package


def places(package: str) -> Mapping[str, Place]:
    """Every entry of a group (`models`) by its full name: the shipped ones, the project's own, those of installed
    distributions. Nothing is imported.

    Raises:
        UserError: the mark of the project does not hold.
    """
    return gathered(package)[0]


def conflicts(package: str) -> list[str]:
    """Which entries are left out because their name is another's, a sentence each."""
    return gathered(package)[1]


def names(package: str) -> list[str]:
    """The full names of all entries: bare for the shipped ones, with an origin for all others (`acme:ddpm`)."""
    return sorted(places(package))


def bare(name: str) -> str:
    """A full name without its origin."""
    return name.rpartition(":")[2]


def full_name(package: str, written: str) -> str:
    """The one name of an entry that somebody wrote, bare or in full.

    A bare name means the entry that alone has it, or the project's own where the mark says that it stands for the
    shipped one (`override = ["models/dcgan"]`).

    Raises:
        UserError: there is none (names the closest), or more than one, of which none is said to stand for the others.
    """
    known = places(package)
    exact = [name for name, place in known.items() if written in (place.with_origin, name if ":" in name else "")]
    alike = exact or [name for name, place in known.items() if place.name == written]
    if not alike:
        raise UserError(f"There is no {WHAT.get(package, package)} '{written}'; {closest(written, known)}")
    own = [name for name in alike if known[name].own]
    if len(alike) == 1:
        return alike[0]
    if own and overrides(package, written):
        return own[0]
    said = [known[name].with_origin for name in alike]
    let = f', or let yours stand for it: override = ["{package}/{written}"] in the project\'s mark' if own else ""
    raise UserError(
        f"'{written}' is the {WHAT.get(package, package)} {' and '.join(said)}.",
        expected="the one that is meant, in full",
        remedy=f"write {' or '.join(said)}{let}",
    )


def is_settled(package: str, written: str) -> bool:
    """Whether a name needs no origin: one entry has it, or none, or the project's own stands for the shipped one."""
    alike = [place for place in places(package).values() if place.name == written]
    return len(alike) < 2 or overrides(package, written)


def place_of(package: str, name: str) -> Place:
    """Where an entry lies, by its full name.

    Raises:
        UserError: no such entry; names the closest one.
        NotInstalled: it is of a distribution that is not installed.
    """
    if (found := places(package).get(name)) is None:
        _ensure_origin(package, name)
        raise UserError(f"There is no {WHAT.get(package, package)} '{name}'; {closest(name, names(package))}")
    return found


def _ensure_origin(package: str, name: str) -> None:
    """See that whose an entry was is here: what was registered by it stays, and can't be loaded without.

    Raises:
        NotInstalled: it is not; says whose it was.
    """
    origin, _, _ = name.rpartition(":")
    if origin and origin not in {place.origin for place in places(package).values()}:
        raise NotInstalled(
            f"There is no {WHAT.get(package, package)} '{name}'; it belongs to '{origin}', which is neither this "
            "project nor an installed distribution.",
            remedy=f"pip install {origin}   (or run this in its project)",
        )


def module_name(package: str, name: str, part: str = "") -> str:
    """The module of one entry, or of one part of an entry that is a folder; one of a single file is its every part.

    Raises:
        UserError: no such entry; names the closest one.
    """
    place = place_of(package, name)
    return f"{place.module}.{part}" if part and place.path and place.path.is_dir() else place.module


def source(package: str, name: str, part: str = "") -> Path:
    """The file of one entry, or of one of its parts; see `module_name`.

    Raises:
        UserError: no such entry, or it is a folder without that part.
    """
    place = place_of(package, name)
    if place.path is None:
        raise UserError(
            f"The {WHAT.get(package, package)} '{name}' is {place.module}, and there is no such module.",
            remedy=f"reinstall {place.origin}, whose entry point it is, or uninstall it",
        )
    path = place.path / f"{part or '__init__'}.py" if place.path.is_dir() else place.path
    if not path.is_file():
        raise UserError(f"The {WHAT.get(package, package)} '{name}' has no part '{part}'.", expected=f"a file {path}")
    return path


def part(package: str, name: str, part: str = "") -> ModuleType:
    """Import one part of an entry: `part("kinds", "image", "rows")`.

    Raises:
        UserError: see `source`; or it is not ours, and does not import (names its file and line).
    """
    path, home = source(package, name, part), module_name(package, name, part)
    if home.startswith(f"{SHIPPED}."):
        return importlib.import_module(home)
    importable()
    try:
        return importlib.import_module(home)
    except (Exception, SystemExit) as error:
        raise sources.BrokenEntry(
            f"{path}, the {WHAT.get(package, package)} '{name}', does not import: {sources.words(error, path)}.",
            remedy="correct it there; genfoundry check tries it",
        ) from error


def module(package: str, name: str) -> ModuleType:
    """Import one entry."""
    return part(package, name)


def parts(package: str, name: str) -> list[str]:
    """The parts of an entry that is a folder."""
    place = place_of(package, name)
    return sorted(info.name for info in pkgutil.iter_modules([str(place.path)])) if place.path else []


def constants(package: str, name: str, part: str) -> dict[str, object]:
    """What a part of an entry that is a folder sets to literals, read from its source."""
    return sources.constants(sources.tree_of(source(package, name, part)).body)


def capabilities() -> dict[str, str]:
    """The methods by which a family can do more than learn, and what each is called: see `model.CAPABILITIES`."""
    return cast(dict[str, str], sources.constants(sources.tree_of(folder("model.py")).body)["CAPABILITIES"])


T = TypeVar("T")


def load(package: str, name: str, promise: type[T]) -> type[T]:
    """The one class in an entry's file that keeps `promise`."""
    home = module(package, name)
    found = [
        value
        for value in vars(home).values()
        if inspect.isclass(value) and issubclass(value, promise) and value.__module__ == home.__name__
    ]
    if len(found) != 1:
        raise sources.BrokenEntry(
            f"{home.__file__} holds {len(found)} classes of type {promise.__name__}"
            f"{': ' if found else ''}{', '.join(each.__name__ for each in found)}.",
            expected="one: a file is one entry",
        )
    return found[0]


def describe(package: str, name: str) -> Entry:
    """Read an entry's source: its docstring, its class's constants and methods, its Config's fields.

    Raises:
        sources.BrokenEntry: it does not parse; names its file and line.
    """
    place, path = place_of(package, name), source(package, name)
    return _described_once(name, path) if place.origin == SHIPPED else _described(name, path)


def _described(name: str, path: Path) -> Entry:
    tree = sources.tree_of(path)
    docstring = ast.get_docstring(tree) or ""
    main = next((node for node in tree.body if isinstance(node, ast.ClassDef) and sources.inner(node, "Config")), None)
    lineage = sources.lineage(path, main.name) if main else []
    bodies = [node.body for node in lineage] or [tree.body]
    return Entry(
        name=name,
        title=docstring.partition("\n")[0],
        docstring=docstring,
        attributes={key: value for body in bodies for key, value in sources.constants(body).items()},
        config={key: value for node in lineage for key, value in sources.fields(sources.inner(node, "Config")).items()},
        methods=tuple(
            node.name
            for body in bodies
            for node in body
            if isinstance(node, ast.FunctionDef) and not sources.is_promise(node)
        ),
    )


_described_once = functools.cache(_described)  # what is shipped stays as it is, however long a process lives


def readable(package: str) -> tuple[list[Entry], list[str]]:
    """Every entry whose source can be read, and of all others why not, a sentence each."""
    found: list[Entry] = []
    broken = [*conflicts(package), *unusable(package).values()]
    for name in names(package):
        try:
            found.append(describe(package, name))
        except UserError as error:
            broken.append(str(error))
    return found, broken
