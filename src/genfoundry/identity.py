"""The identity of what a stage makes: same key, same result.

A key holds everything that decides the result: the settings and the data that are read, and what every module that
runs means, which is its syntax tree without docstrings and comments. So neither wording nor the folder of the checkout
changes a key, and changed code does. Which modules run is read from their imports, without importing them; those that
are asked for by name while the code runs are listed in the four functions `…_modules`.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from genfoundry import catalog
from genfoundry.data.policy import Validation
from genfoundry.files import digest
from genfoundry.metric import run_in
from genfoundry.project import places, sources
from genfoundry.records import Checkpoint, DatasetVersion
from genfoundry.task import Plan

PACKAGE = catalog.folder(".")
FLAG = "TYPE_CHECKING"  # False wherever code runs
DOORS = ("genfoundry", "genfoundry.data")  # what these two run opens the wiring to Python users; no stage passes there
FINDING = tuple(
    f"genfoundry.project.{name}" for name in ("gathering", "looks", "mark", "markers", "places", "recipe_files", "root")
)
"""What finds a project, its entries and its recipes decides no result: what is found is part of the key itself."""

UNREAD = frozenset((*DOORS, *FINDING))
UNSAID = ("ctx", "kind")  # fields of a node that follow from its place, or tell how a text was quoted


def validation_key(dataset: DatasetVersion, policy: Validation) -> str:
    """sha256 of all that decides what the validation finds."""
    return digest([dataset.digest, policy.model_dump(), code_digest(validation_modules(dataset.kind))])


def run_key(family: str, settings: dict[str, Any], training: dict[str, Any], dataset: DatasetVersion) -> str:
    """sha256 of all that decides the weights: the sections that training reads, the data, the code, the libraries."""
    return key_of(run_parts(family, settings, training, dataset))


def run_parts(
    family: str, settings: dict[str, Any], training: dict[str, Any], dataset: DatasetVersion
) -> dict[str, Any]:
    """What a run's key is made of, each by its name; `code` is the meaning of every module by the module's."""
    return {
        "family": family,
        "settings": settings,
        "training": training,
        "dataset": dataset.digest,
        "code": meanings(training_modules(family, dataset.kind)),
        "torch": version("torch").partition("+")[0],
        "lightning": version("pytorch-lightning"),
    }


def key_of(parts: Mapping[str, Any]) -> str:
    """The run key that these parts make."""
    return digest({**parts, "code": digest(parts["code"])})


def evaluation_key(checkpoint: Checkpoint, plan: Plan, extractor: Checkpoint | None) -> str:
    """sha256 of all that decides the scores: the weights, the evaluation's section, and the code that judges them."""
    sides = [side for side in (checkpoint, extractor) if side]
    modules = [catalog.module_name("models", side.family) for side in sides]
    modules += judging_modules(task_of(checkpoint.family, plan), checkpoint.dataset.kind)
    weights = [side and side.weights_digest for side in (checkpoint, extractor)]
    return digest([*weights, checkpoint.dataset.digest, plan.model_dump(), code_digest(modules)])


def training_modules(family: str, kind: str) -> list[str]:
    """What the training process runs: itself, the family, and how a kind of data describes and opens its rows."""
    return [
        "genfoundry.training.trainer",
        catalog.module_name("models", family),
        *_parts_of_kind(kind, "spec", "storage", "rows"),
    ]


def validation_modules(kind: str) -> list[str]:
    """What a validation runs: the stage, and the suite of a kind of data."""
    return ["genfoundry.stages.validate", *_parts_of_kind(kind, "spec", "suite")]


def judging_modules(task: str, kind: str) -> list[str]:
    """What an evaluation runs beside the families of its models: the task's judge, its part for a kind of data and
    what it declares of its scores where it has them, the metrics that it runs because of their view, and how rows are
    opened."""
    parts = ["judge", *({kind, "scores"} & {*catalog.parts("tasks", task)})]
    modules = [catalog.module_name("tasks", task, part) for part in parts]
    modules += [catalog.module_name("metrics", name) for name in run_in(task)]
    return [*modules, *_parts_of_kind(kind, "spec", "storage", "rows")]


def watching_modules(kind: str) -> list[str]:
    """What a look at a change runs beside the validation: the stage, and how a kind of data measures drift."""
    return ["genfoundry.stages.watch", *_parts_of_kind(kind, "spec", "drift")]


def _parts_of_kind(kind: str, *parts: str) -> list[str]:
    return [catalog.module_name("kinds", kind, part) for part in parts]


def task_of(family: str, plan: Plan) -> str:
    """The task of a family, or the one that the recipe asks for."""
    return plan.task or str(catalog.describe("models", family).attributes["task"])


def code_digest(modules: Iterable[str]) -> str:
    """sha256 over the `meanings` of these modules."""
    return digest(meanings(modules))


def meanings(modules: Iterable[str]) -> dict[str, str]:
    """What these modules and all of their packages that they import mean, however deep, each by its name.

    A module that runs nothing, as an `__init__.py` with a docstring alone, is left out.
    """
    found = _reached(modules, {})
    return {name: source.meaning for name, (_, source) in found.items() if source.meaning}


def import_closure(modules: Iterable[str], roots: Mapping[str, Path] | None = None) -> dict[str, Path]:
    """The files of these modules and of every module that they import, however deep, by the modules' dotted names.

    Imports inside functions count, for they run, and so do the packages on the way to a module. What stands below
    `if TYPE_CHECKING:` does not.

    Args:
        roots: the folders of packages, by name, that are ours beside this one.

    Raises:
        KeyError: one of `modules` is not there.
    """
    return {name: path for name, (path, _) in _reached(modules, roots or {}).items()}


class Source(NamedTuple):
    """What a source says: `meaning`, the sha256 of what it runs, empty where that is nothing, and what it imports.

    `imports` are absolute dotted names with the packages on their way; the last part of one may be no module.
    """

    meaning: str
    imports: tuple[str, ...]


def _reached(modules: Iterable[str], roots: Mapping[str, Path]) -> dict[str, tuple[Path, Source]]:
    waiting = list(modules)
    ours = _modules({**_homes(waiting), **roots})
    found: dict[str, tuple[Path, Source]] = {}
    while waiting:
        name = waiting.pop()
        if name not in found and name not in UNREAD:
            path = Path(ours[name])
            source = _read(path.read_bytes(), name, path.name == "__init__.py")
            found[name] = path, source
            waiting += [each for each in source.imports if each in ours]
    return found


def _homes(modules: Iterable[str]) -> dict[str, Path]:
    """The folders of this package, of those that these modules are of, and of all that offer entries."""
    tops = {"genfoundry", *places.offering(), *(name.partition(".")[0] for name in modules)}
    return {top: folder for top in tops if (folder := places.top_folder(f"{top}.")) is not None}


def _modules(roots: Mapping[str, Path]) -> dict[str, str]:
    """The file of every module below these folders, by its dotted name."""
    found: dict[str, str] = {}
    for root, top in roots.items():
        for folder, _, files in os.walk(top):
            package = root + folder.removeprefix(str(top)).replace(os.sep, ".")
            for file in files:
                if file.endswith(".py"):
                    stem = file.removesuffix(".py")
                    found[package if stem == "__init__" else f"{package}.{stem}"] = os.path.join(folder, file)
    return found


@cache
def _read(source: bytes, name: str, is_package: bool) -> Source:
    """Parsed once in a process, as long as the bytes are the same."""
    tokens: list[str] = []
    imports: list[str] = []
    for statement in _statements(sources.parse(source).body):
        _tell(statement, tokens, imports)
    meaning = hashlib.sha256("\n".join(tokens).encode()).hexdigest() if tokens else ""
    package = name if is_package else name.rpartition(".")[0]
    ways = (_way(place) for place in (name, *(_absolute(each, package) for each in imports)))
    return Source(meaning, tuple(dict.fromkeys(place for way in ways for place in way)))


def _absolute(name: str, package: str) -> str:
    """A dotted name as a module of `package` imports it; each leading dot but the first goes one package up."""
    rest = name.lstrip(".")
    if (level := len(name) - len(rest)) == 0:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) + 1 - level], *([rest] if rest else [])])


def _way(name: str) -> list[str]:
    """The packages on the way to a dotted name, and the name: `a`, `a.b`, `a.b.c`."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _tell(node: ast.AST, tokens: list[str], imports: list[str]) -> None:
    """Append the tree below a node: types, names of fields and values, none of which differs between Pythons.

    Fields that are empty are left out, so one that a later Python adds changes nothing.
    """
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports += _imported(node)
    tokens.append(type(node).__name__)
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(node, ast.JoinedStr):
            value = [part for part in node.values if not _is_empty(part)]
        if value is None or value == [] or field in UNSAID:
            continue
        tokens.append(field)
        if isinstance(value, ast.AST):
            _tell(value, tokens, imports)
        elif isinstance(value, list):
            _tell_all(value, tokens, imports)
        else:
            tokens.append(ascii(value))
    tokens.append(")")


def _tell_all(values: list[Any], tokens: list[str], imports: list[str]) -> None:
    tokens.append("[")
    for value in _statements(values):
        if isinstance(value, ast.AST):
            _tell(value, tokens, imports)
        else:
            tokens.append(ascii(value))
    tokens.append("]")


def _statements(body: list[Any]) -> Iterator[Any]:
    """A body without what does not run: docstrings, what type checkers alone read, what a package says of itself."""
    for node in body:
        if isinstance(node, ast.If) and _is_flag(node.test):
            yield from _statements(node.orelse)
        elif not _is_wording(node):
            yield node


def _is_flag(test: ast.expr) -> bool:
    return FLAG in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _is_wording(node: Any) -> bool:
    """A text that stands alone, the import of `TYPE_CHECKING`, or the package's version."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names] == [FLAG]
    if isinstance(node, ast.Assign):
        return [getattr(target, "id", "") for target in node.targets] == ["__version__"]
    return isinstance(node, ast.alias) and node.name == FLAG


def _is_empty(part: ast.expr) -> bool:
    """The empty text that Python 3.12 alone puts behind a nested format (`f"{x:{y}}"`)."""
    return isinstance(part, ast.Constant) and part.value == ""


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The dotted names of a statement, each of which may be a module, a package, or a name inside one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    home = "." * node.level + (node.module or "")
    return [home + ("" if home.endswith(".") else ".") + alias.name for alias in node.names]
