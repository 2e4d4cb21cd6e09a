"""Where entries of the catalogue lie: in the package, in the project's own package, in installed distributions.

Nothing here imports an entry, or a package that holds one: names and files are told from folders and from the metadata
of distributions. `importable` lets the import system find the own package by its name, once an entry of it is used.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from genfoundry.errors import UserError
from genfoundry.project import mark
from genfoundry.project.looks import looked
from genfoundry.project.mark import Mark
from genfoundry.project.markers import file_of as mark_of
from genfoundry.project.root import NoProject, source_root

SHIPPED = "genfoundry"
"""The origin of what the package itself holds."""

PACKAGE = Path(__file__).parents[1]

RESERVED = frozenset({SHIPPED, "genfoundry_flows", "flows", "recipes", "datasets", "models"})


class Place(NamedTuple):
    """One entry: whose it is, its name, its module, and the file, or folder, that holds it; None where there is none.

    `own` says that it lies in the project; all else but the shipped ones is an installed distribution's. `alone` says
    that no other entry of its group may have the name, which therefore stands without an origin.
    """

    origin: str
    name: str
    module: str
    path: Path | None
    own: bool = False
    alone: bool = False

    @property
    def full(self) -> str:
        """Its one name: bare where it is shipped or alone, else with its origin, as in `acme:ddpm`."""
        return self.name if self.alone or self.origin == SHIPPED else self.with_origin

    @property
    def with_origin(self) -> str:
        """Its name and whose it is, as people may always write it."""
        return f"{self.origin}:{self.name}"


class Package(NamedTuple):
    """The project's own package: its name, the folder that it is, and the origin that its entries carry."""

    name: str
    folder: Path
    origin: str


def in_package(group: str, folder: Path) -> list[Place]:
    """The shipped entries of a group, as `models`."""
    return [Place(SHIPPED, name, f"{SHIPPED}.{group}.{name}", path) for name, path in _modules(folder)]


def in_project(group: str, own: Package | None) -> list[Place]:
    """The entries of a project's own package."""
    if own is None:
        return []
    found = _modules(own.folder / group)
    return [Place(own.origin, name, f"{own.name}.{group}.{name}", path, own=True) for name, path in found]


def unusable(group: str) -> list[Path]:
    """Files of the own package's group that can't be entries, since nothing could import them by their name."""
    if (own := own_package()) is None:
        return []
    found = (path for path in (own.folder / group).glob("*.py") if path.stem != "__init__")
    return sorted(path for path in found if not path.stem.isidentifier())


def _modules(folder: Path) -> tuple[tuple[str, Path], ...]:
    """The modules and packages of a folder by name, each with its file or its folder."""
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@cache
def _listed(folder: Path, changed: int) -> tuple[tuple[str, Path], ...]:
    """Listed once in a process, until an entry comes or goes; `_layers.py` is a helper of entries, and none itself."""
    found = ((info.name, folder / info.name, info.ispkg) for info in pkgutil.iter_modules([str(folder)]))
    entries = (each for each in found if each[0].isidentifier() and not each[0].startswith("_"))
    return tuple(sorted((name, path if is_package else path.with_suffix(".py")) for name, path, is_package in entries))


@cache
def _points() -> tuple[EntryPoint, ...]:
    """Every entry point of ours; the metadata of all distributions are read once in a process."""
    found = entry_points()
    ours = (group for group in found.groups if group.startswith(f"{SHIPPED}."))
    return tuple(point for group in ours for point in found.select(group=group))


def offering() -> set[str]:
    """The packages of installed distributions that offer entries: what they hold belongs to the keys of what reaches
    it, as the project's own package does."""
    return {point.value.partition(".")[0].partition(":")[0] for point in _points()}


@cache
def in_distributions(group: str) -> tuple[Place, ...]:
    """What installed distributions offer under the entry points `genfoundry.<group>`, by their metadata alone.

    One that is listed twice, as an editable installation may be, is there once.
    """
    found = {
        (point.name, point.value): Place(
            _origin(point.dist.name if point.dist else ""), point.name, point.value, file_of(point.value)
        )
        for point in _points()
        if point.group == f"{SHIPPED}.{group}"
    }
    return tuple(sorted(found.values(), key=lambda place: place.full))


def _origin(distribution: str) -> str:
    """The name of a distribution as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def file_of(module: str) -> Path | None:
    """The file of a module, or the folder of a package, found without importing what is on the way to it."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    for name in rest:  # never by its dotted name, for which Python would want the packages on the way imported
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    if spec is None:
        return None
    if spec.origin is None:  # a folder without an __init__.py
        return next(map(Path, spec.submodule_search_locations or ()), None)
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def home() -> tuple[Path, Mark] | None:
    """The folder of the present project's mark, and what it says; None outside a project."""
    return looked("home", _home)


def _home() -> tuple[Path, Mark] | None:
    try:
        root = source_root()
    except NoProject:
        return None
    return root, mark.read(root)


def settings() -> Mark:
    """What the mark of the present project says; the defaults where there is no project, or no mark."""
    found = home()
    return found[1] if found else Mark()


def own_origin() -> str:
    """What entries of the project carry before their name: its slug, else the name of its package, else `own`."""
    return _origin_of(settings())


def _origin_of(said: Mark) -> str:
    return said.slug or said.package or "own"


def own_package() -> Package | None:
    """The project's own package; None where its mark names none, or outside a project.

    Raises:
        UserError: the name is none that a package of one's own can have, or no such folder is there.
    """
    found = home()
    return package_of(*found) if found else None


def package_of(root: Path, said: Mark) -> Package | None:
    """The own package of a project by what its mark says; see `own_package`."""
    return _package(root, said.package, _origin_of(said)) if said.package else None


@cache
def _package(root: Path, name: str, origin: str) -> Package:
    where = mark_of(root)
    if why := unfit(name):
        raise UserError(
            f"{where}: package = '{name}' {why}.",
            expected="a name of its own, as in 'acme_lab'",
            remedy=f"rename the folder, and say its new name in {where}",
        )
    folders = [root / name, root / "src" / name]
    if (folder := next((folder for folder in folders if folder.is_dir()), None)) is None:
        raise UserError(
            f"{where}: package = '{name}', and there is no such folder.",
            expected=" or ".join(map(str, folders)),
            remedy=f"mkdir '{folders[0]}', or leave the line out",
        )
    if (other := installed(name)) is not None and not _same(other, folder):
        raise UserError(
            f"{where}: package = '{name}' is the name of an installed package too, {other}.",
            expected="a name that nothing else has, so that one import can mean one thing only",
            remedy=f"rename {folder}, and say its new name in {where}",
        )
    return Package(name, folder, origin)


def unfit(name: str) -> str:
    """Why a package of one's own can't have a name, as half a sentence; empty where it can."""
    if not name.isidentifier():
        return "is no name that can be imported"
    if name in sys.stdlib_module_names:
        return "is a module of Python's own library"
    return "is a name that genfoundry needs for itself" if name in RESERVED else ""


def installed(name: str) -> Path | None:
    """The folder of an importable package of that name that is not found by us."""
    for finder in sys.meta_path:
        if isinstance(finder, _OwnPackage) or not hasattr(finder, "find_spec"):
            continue
        spec = finder.find_spec(name, None)
        if spec is not None:
            places = spec.submodule_search_locations
            return Path(next(iter(places), "")) if places else Path(spec.origin or name)
    return None


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


class _OwnPackage(MetaPathFinder):
    """Finds the project's own package by its name alone; nothing else of the project becomes importable."""

    def __init__(self, package: Package) -> None:
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Python's protocol for finders: the package itself; what is below it Python finds by the package's path."""
        if fullname != self.package.name:
            return None
        first = self.package.folder / "__init__.py"
        if first.is_file():
            return importlib.util.spec_from_file_location(
                fullname, first, submodule_search_locations=[str(self.package.folder)]
            )
        found = ModuleSpec(fullname, None, is_package=True)
        found.submodule_search_locations = [str(self.package.folder)]
        return found


def importable() -> None:
    """Let the own package be imported by its name, in this process."""
    if (own := own_package()) is None:
        return
    known = next((finder for finder in sys.meta_path if isinstance(finder, _OwnPackage)), None)
    if known is None:
        sys.meta_path.append(_OwnPackage(own))
    elif known.package != own:
        known.package = own
        for name in [name for name in sys.modules if name == own.name or name.startswith(f"{own.name}.")]:
            del sys.modules[name]


def top_folder(module: str) -> Path | None:
    """The folder of the package that a module of an entry belongs to."""
    top = module.partition(".")[0]
    if top == SHIPPED:
        return PACKAGE
    own = own_package()
    return own.folder if own and own.name == top else file_of(top)
