"""What a source says, without importing it.

Names and descriptions are read from syntax trees, so that listing what exists imports no torch, runs nobody's code and
takes milliseconds.
"""

from __future__ import annotations

import ast
import sys
import threading
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.project.places import PACKAGE, SHIPPED, file_of, offering

_ONE_AT_A_TIME = threading.Lock()


def parse(source: bytes | str) -> ast.Module:
    """The syntax tree of a source; one at a time, since Python 3.11 fails now and then where two threads parse at once
    (SystemError: AST constructor recursion depth mismatch)."""
    with _ONE_AT_A_TIME:
        return ast.parse(source)


class BrokenEntry(UserError):  # noqa: N818, the user reads its sentence
    """A file of the user's, or of a distribution's, that is no entry. All others go on without it."""


@cache
def tell_once(sentence: str) -> None:
    """Say on stderr, once in a process, what is left out, so that the rest goes on."""
    sys.stderr.write(f"Left out: {sentence}\n")


def words(error: BaseException, path: Path) -> str:
    """What went wrong, and in which line of a file, where it is known."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), None)
    said = str(error)
    if isinstance(error, SyntaxError):
        line, said = error.lineno, error.msg
    return f"{type(error).__name__}: {said}" + (f" (line {line})" if line else "")


@cache
def _tree(source: bytes) -> ast.Module:
    """Parsed once in a process: the file of a shared parent class is read for each of its families."""
    return parse(source)


def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file, parsed once in a process.

    Raises:
        BrokenEntry: it does not parse, or can't be read; names the line.
    """
    try:
        return _tree(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise BrokenEntry(f"{path} does not parse: {words(error, path)}.", remedy="correct it there") from None
    except OSError as error:
        raise BrokenEntry(f"{path} can't be read: {error.strerror}.") from None


def lineage(path: Path, name: str) -> list[ast.ClassDef]:
    """A file's class behind those of its bases that are in it or in other files of the same packages, oldest first."""
    tree = tree_of(path)
    here = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    homes = dict.fromkeys(here, path) | {
        alias.name: home
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (home := _home(node, path)) is not None
        for alias in node.names
    }
    bases = (base.value if isinstance(base, ast.Subscript) else base for base in here[name].bases)
    names = [base.id for base in bases if isinstance(base, ast.Name) and base.id in homes]
    return [older for base in names for older in lineage(homes[base], base)] + [here[name]]


def _home(node: ast.ImportFrom, path: Path) -> Path | None:
    """The file that an import names, where it is one of the package, or lies beside or above the file that imports."""
    parts = (node.module or "").split(".")
    if node.level:
        found = path.parents[node.level - 1].joinpath(*parts)
    elif parts[0] == SHIPPED:
        found = PACKAGE.joinpath(*parts[1:])
    else:
        above = (parent for parent in path.parents if parent.name == parts[0])
        if (top := next(above, None)) is None and (top := _offered(parts[0])) is None:
            return None
        found = top.joinpath(*parts[1:])
    found = found / "__init__.py" if found.is_dir() else found.with_suffix(".py")
    return found if found.is_file() else None


def _offered(package: str) -> Path | None:
    """The folder of a package whose distribution offers entries."""
    return file_of(package) if package in offering() else None


def inner(node: ast.ClassDef, name: str) -> ast.ClassDef | None:
    return next((child for child in node.body if isinstance(child, ast.ClassDef) and child.name == name), None)


def is_promise(method: ast.FunctionDef) -> bool:
    """Whether all that a method does is to raise NotImplementedError: it is what others promise to do."""
    body = method.body[1:] if ast.get_docstring(method) is not None else method.body
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def constants(body: list[ast.stmt]) -> dict[str, object]:
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


def keywords(tree: ast.Module, name: str) -> dict[str, object]:
    """The literal keywords of the call that a module assigns to a name: `CARD = Card(kind="image")`."""
    found = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) and any(getattr(target, "id", "") == name for target in targets):
            for word in value.keywords:
                with suppress(ValueError):
                    found[word.arg or ""] = ast.literal_eval(word.value)
    return found


def fields(config: ast.ClassDef | None) -> dict[str, str]:
    nodes = config.body if config else []
    return {
        node.target.id: ast.unparse(node.annotation)
        for node in nodes
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
