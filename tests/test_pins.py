"""What `make install` installs, without asking a resolver but for torch."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OWN = {"genfoundry", "genfoundry_flows"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def imported() -> dict[str, str]:
    """The top-level packages that our code imports, wherever in a file, each with one of the files."""
    found = {}
    for path in (path for folder in ("src", "flows") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            found |= {module.partition(".")[0]: path.relative_to(ROOT).as_posix() for module in modules}
    return found


def test_every_package_that_is_imported_is_declared():
    """What comes along with another package today may stay away tomorrow."""
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    origin = packages_distributions()
    foreign = {name: path for name, path in imported().items() if name not in {*sys.stdlib_module_names, *OWN}}
    assert len(foreign) > 20
    missing = {
        f"{name}, imported in {path}"
        for name, path in foreign.items()
        if not {canonicalize_name(one) for one in origin.get(name, ())} & declared
    }
    assert missing == set()


def test_every_dependency_and_what_it_needs_is_pinned_to_a_version_that_it_allows():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    wanted = [Requirement(line) for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"])]
    seen: set[tuple[str, str]] = set()
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        assert name in pinned, f"{one} is not in constraints.txt"
        assert one.specifier.contains(pinned[name], prereleases=True), f"{one}, but {pinned[name]} is pinned"
        for extra in {(name, extra) for extra in ("", *one.extras)} - seen:
            seen.add(extra)
            needs = map(Requirement, distribution(name).requires or [])
            if name == "torch":  # builds for an accelerator need libraries of their own, which pip is left to find
                needs = [need for need in needs if canonicalize_name(need.name) in pinned]
            wanted += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra[1]})]
