"""What `make install` installs, without asking a resolver but for torch."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def test_every_dependency_and_what_it_needs_is_pinned_to_a_version_that_it_allows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    wanted = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["dev"])]
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
