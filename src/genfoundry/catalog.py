"""A folder is a catalogue: every module or folder of it is an entry, and nothing else lists them.

An entry that is a folder is kept part by part, each part a module that is imported when it is asked for.

Names and descriptions are read from the source, so that listing what exists imports no torch and takes milliseconds.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast

from pydantic import BaseModel

from genfoundry.errors import UserError, closest

WHAT = {"models": "family", "metrics": "metric", "datasets": "dataset", "kinds": "kind of data", "tasks": "task"}


_ONE_AT_A_TIME = threading.Lock()


def parse(source: bytes | str) -> ast.Module:
    """The syntax tree of a source; one at a time, since Python 3.11 fails now and then where two threads parse at once
    (SystemError: AST constructor recursion depth mismatch)."""
    with _ONE_AT_A_TIME:
        return ast.parse(source)


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
    return Path(__file__).parent / package


def names(package: str) -> list[str]:
    """The entries of `genfoundry.<package>`, as a user writes them (`mnist-5k` for `mnist_5k.py`)."""
    found = (info.name for info in pkgutil.iter_modules([str(folder(package))]))
    return sorted(name.replace("_", "-") if package == "datasets" else name for name in found)


def module_name(package: str, name: str, part: str = "") -> str:
    """The module of one entry, or of one part of an entry that is a folder; one of a single file is its every part.

    Raises:
        UserError: no such entry; names the closest one.
    """
    if name not in names(package):
        raise UserError(f"There is no {WHAT.get(package, package)} '{name}'; {closest(name, names(package))}")
    stem = name.replace("-", "_")
    return ".".join(["genfoundry", package, stem, *([part] if part and (folder(package) / stem).is_dir() else [])])


def source(package: str, name: str, part: str = "") -> Path:
    """The file of one entry, or of one of its parts; see `module_name`.

    Raises:
        UserError: no such entry, or it is a folder without that part.
    """
    path = folder("").joinpath(*module_name(package, name, part).split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not path.is_file():
        raise UserError(f"The {WHAT.get(package, package)} '{name}' has no part '{part}'.", expected=f"a file {path}")
    return path


def part(package: str, name: str, part: str = "") -> ModuleType:
    """Import one part of an entry: `part("kinds", "image", "rows")`.

    Raises:
        UserError: see `source`.
    """
    source(package, name, part)
    return importlib.import_module(module_name(package, name, part))


def module(package: str, name: str) -> ModuleType:
    """Import one entry."""
    return part(package, name)


def parts(package: str, name: str) -> list[str]:
    """The parts of an entry that is a folder."""
    return sorted(info.name for info in pkgutil.iter_modules([str(folder(package) / name.replace("-", "_"))]))


def constants(package: str, name: str, part: str) -> dict[str, object]:
    """What a part of an entry that is a folder sets to literals, read from its source."""
    return _constants(_tree(source(package, name, part).read_bytes()).body)


def capabilities() -> dict[str, str]:
    """The methods by which a family can do more than learn, and what each is called: see `model.CAPABILITIES`."""
    return cast(dict[str, str], _constants(_tree(folder("model.py").read_bytes()).body)["CAPABILITIES"])


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
        raise TypeError(f"{home.__file__} holds {len(found)} classes of type {promise.__name__}; expected one")
    return found[0]


@cache
def describe(package: str, name: str) -> Entry:
    """Read an entry's source: its docstring, its class's constants and methods, its Config's fields."""
    tree = _tree(source(package, name).read_bytes())
    docstring = ast.get_docstring(tree) or ""
    main = next((node for node in tree.body if isinstance(node, ast.ClassDef) and _inner(node, "Config")), None)
    lineage = _lineage(source(package, name), main.name) if main else []
    bodies = [node.body for node in lineage] or [tree.body]
    return Entry(
        name=name,
        title=docstring.partition("\n")[0],
        docstring=docstring,
        attributes={key: value for body in bodies for key, value in _constants(body).items()},
        config={key: value for node in lineage for key, value in _fields(_inner(node, "Config")).items()},
        methods=tuple(
            node.name for body in bodies for node in body if isinstance(node, ast.FunctionDef) and not _is_promise(node)
        ),
    )


@cache
def _tree(source: bytes) -> ast.Module:
    """Parsed once in a process: the file of a shared parent class is read for each of its families."""
    return parse(source)


def _lineage(path: Path, name: str) -> list[ast.ClassDef]:
    """A file's class behind those of its bases that are in it or in other files of ours, the oldest first."""
    tree = _tree(path.read_bytes())
    here = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    homes = dict.fromkeys(here, path) | {
        alias.name: folder("").parent / f"{node.module.replace('.', '/')}.py"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("genfoundry.")
        for alias in node.names
    }
    bases = (base.value if isinstance(base, ast.Subscript) else base for base in here[name].bases)
    names = [base.id for base in bases if isinstance(base, ast.Name) and base.id in homes]
    return [older for base in names for older in _lineage(homes[base], base)] + [here[name]]


def _inner(node: ast.ClassDef, name: str) -> ast.ClassDef | None:
    return next((child for child in node.body if isinstance(child, ast.ClassDef) and child.name == name), None)


def _is_promise(method: ast.FunctionDef) -> bool:
    """Whether all that a method does is to raise NotImplementedError: it is what others promise to do."""
    body = method.body[1:] if ast.get_docstring(method) is not None else method.body
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _constants(body: list[ast.stmt]) -> dict[str, object]:
    found = {}
    for node in body:
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            try:
                found[target.id] = ast.literal_eval(value)
            except ValueError:
                continue
    return found


def _fields(config: ast.ClassDef | None) -> dict[str, str]:
    nodes = config.body if config else []
    return {
        node.target.id: ast.unparse(node.annotation)
        for node in nodes
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
