"""An entry's source under other names, token by token: comments, spaces and all else stay as they were written."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from pathlib import Path

TEMPLATE = "template"
"""What the templates of `genfoundry new` call themselves."""


def renamed(source: str, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """The source with other names, and with other texts where a literal is that text and nothing more."""
    lines = source.splitlines(keepends=True)
    for token in reversed([*tokenize.generate_tokens(io.StringIO(source).readline)]):
        if (new := _said_anew(token, names, texts)) is not None:
            (row, start), (_, end) = token.start, token.end
            lines[row - 1] = lines[row - 1][:start] + new + lines[row - 1][end:]
    return "".join(lines)


def _said_anew(token: tokenize.TokenInfo, names: Mapping[str, str], texts: Mapping[str, str]) -> str | None:
    if token.type == tokenize.NAME:
        return names.get(token.string)
    if token.type != tokenize.STRING or token.start[0] != token.end[0]:
        return None
    try:
        said = ast.literal_eval(token.string)
    except (ValueError, SyntaxError):  # it is formatted
        return None
    return f'"{texts[said]}"' if isinstance(said, str) and said in texts else None


def rehomed(source: str, module: str, old: str, new: str) -> str:
    """The source of `module` as it has to import from a copy: what named the module `old`, or one below it, names
    `new`; what was imported relatively from elsewhere is imported by its whole name."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            home = module.split(".")[: -node.level]
            if not f"{'.'.join(home)}.".startswith(f"{old}."):
                whole = ".".join([*home, *([node.module] if node.module else [])])
                lines[node.lineno - 1] = re.sub(r"from\s+\.+[\w.]*", f"from {whole}", lines[node.lineno - 1], count=1)
    return re.sub(rf"\b{re.escape(old)}\b(?=[.\s])", new, "".join(lines))


def main_class(source: str) -> str:
    """The class of a file that is the entry: the one with a `Config`, `view` or else the only one; empty for none."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    telling = [node for node in classes if {"Config", "view"} & {*_defined(node)}]
    found = telling or (classes if len(classes) == 1 else [])
    return found[0].name if found else ""


def _defined(node: ast.ClassDef) -> list[str]:
    """The names of the classes that are nested in a class, and of what it sets."""
    targets = [target for child in node.body if isinstance(child, ast.Assign) for target in child.targets]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names + [child.name for child in node.body if isinstance(child, ast.ClassDef)]


def class_name(name: str, source: str) -> str:
    """What the class of an entry is called: `my_ddpm` is `MyDdpm`, unless something else in its file is."""
    new = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return f"{new}Entry" if re.search(rf"\b{new}\b", source) else new


def files_of(entry: Path) -> dict[str, Path]:
    """The files of an entry by their path within it; of a single file by the empty one."""
    if entry.is_file():
        return {"": entry}
    return {str(path.relative_to(entry)): path for path in sorted(entry.rglob("*.py"))}
