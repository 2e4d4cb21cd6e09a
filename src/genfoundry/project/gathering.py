"""All entries of a group, whoever they are of, and which of them may have its name."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from genfoundry.project import places
from genfoundry.project.looks import looked
from genfoundry.project.places import Place, in_distributions, in_package, in_project, settings
from genfoundry.project.places import unusable as unusable_files

WHAT = {"models": "family", "metrics": "metric", "datasets": "dataset", "kinds": "kind of data", "tasks": "task"}

ALONE = ("datasets", "kinds", "tasks")
"""Groups whose entries' names stand in data, code and folders, without an origin: no two entries may share one."""


def gathered(package: str) -> tuple[Mapping[str, Place], list[str]]:
    """The entries of a group by their full names, and why others are left out, a sentence each."""
    return looked(package, functools.partial(_gathered, package))


def _gathered(package: str) -> tuple[Mapping[str, Place], list[str]]:
    project = places.home()
    own, override = (places.package_of(*project), project[1].override) if project else (None, ())
    shipped = in_package(package, places.PACKAGE / package)
    return _named(package, (*shipped, *in_project(package, own), *in_distributions(package)), override)


@functools.cache
def _named(
    package: str, everything: tuple[Place, ...], override: tuple[str, ...]
) -> tuple[Mapping[str, Place], list[str]]:
    """Put together once in a process, until an entry comes or goes, or the mark says otherwise."""
    found: dict[str, Place] = {}
    left_out: list[str] = []
    for place in map(functools.partial(_as_written, package), everything):
        other = found.setdefault(place.full, place)
        if other != place and place.own and f"{package}/{place.name}" in override:
            found[place.full] = place
        elif other != place:
            left_out.append(_same_name(package, other, place))
    return found, left_out


def _as_written(package: str, place: Place) -> Place:
    """An entry by the name that a user writes: `mnist-5k` for `mnist_5k.py`."""
    name = place.name.replace("_", "-") if package == "datasets" else place.name
    return place._replace(name=name, alone=package in ALONE)


def overrides(package: str, name: str) -> bool:
    """Whether the mark says that the project's own entry stands for all others of its name."""
    return f"{package}/{name}" in settings().override


def _same_name(package: str, first: Place, second: Place) -> str:
    what = WHAT.get(package, package)
    remedy = f"rename {second.path}"
    if second.own:
        remedy += f', or let it stand for the other: override = ["{package}/{second.name}"] in the project\'s mark'
    other = first.with_origin if first.origin != second.origin else f"{first.with_origin} ({first.module})"
    return f"{second.with_origin} is left out: {other} is a {what} of that name. Remedy: {remedy}"


def unusable(package: str) -> dict[Path, str]:
    """Files of the project's own package that can't be entries for their name, each with a sentence."""
    return {
        path: f"{path} can't be a {WHAT.get(package, package)}: '{path.stem}' is no name that can be imported.\n"
        f"Remedy: mv '{path}' '{path.with_stem(re.sub(_NO_WORD, '_', path.stem))}'"
        for path in unusable_files(package)
    }


_NO_WORD = r"\W|^(?=\d)"
