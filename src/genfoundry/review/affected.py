"""Which recipes a change touches, and why, by the arrows of the code; and which of them are worth a trial.

A recipe's own are its file, its family's file, and its dataset: whoever changes one wants to see that recipe.
Everything else is shared, and a change to it touches half of the index; there a few recipes stand for the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from genfoundry import catalog
from genfoundry.identity import (
    PACKAGE,
    import_closure,
    judging_modules,
    task_of,
    training_modules,
    validation_modules,
)
from genfoundry.project.places import own_package
from genfoundry.recipe import Recipe


class Change(NamedTuple):
    """What differs between two revisions: files, by absolute path, datasets whose version `data.dvc` moves, and in a
    few words the genfoundry that runs them; empty where that is the same."""

    files: frozenset[Path]
    datasets: frozenset[str]
    release: str = ""


class RecipeIndex(NamedTuple):
    """Where the recipes are, each one's file before those that it begins from, and what runs one: the modules of the
    flow, the folder of these, and the list of pinned libraries where the repository has one."""

    files: Mapping[str, tuple[Path, ...]]
    recipes: Mapping[str, Recipe]
    road: tuple[str, ...]
    flows: Path
    libraries: Path | None = None


class Touched(NamedTuple):
    """A recipe with what touches it: its own parts, and parts that it shares with others. Words, for a page."""

    recipe: str
    own: tuple[str, ...]
    shared: tuple[str, ...]


class Selection(NamedTuple):
    """What is run, what stands in for others and is not run, and what can't be run here."""

    run: tuple[Touched, ...]
    left: tuple[Touched, ...]
    unable: tuple[Touched, ...]


def touched(change: Change, index: RecipeIndex) -> list[Touched]:
    """Every recipe that the change touches, by name."""
    found = [_touched(recipe, change, index) for recipe in index.recipes.values()]
    return sorted(each for each in found if each.own or each.shared)


def _touched(recipe: Recipe, change: Change, index: RecipeIndex) -> Touched:
    own = {**_own(recipe, index)}
    reasons = [f"its {words}" for path, words in own.items() if path in change.files]
    if recipe.dataset.name in change.datasets:
        reasons.append(f"its data, {recipe.dataset.name}")
    shared, seen = [], set(own)
    for words, files in _shared(recipe, index):
        hits = (files & change.files) - seen
        seen |= hits
        shared += [f"{words}: {_shown(path, index)}" for path in sorted(hits)]
    shared += [change.release] if change.release else []
    return Touched(recipe.name, tuple(reasons), tuple(shared))


def _own(recipe: Recipe, index: RecipeIndex) -> dict[Path, str]:
    family, dataset = catalog.source("models", recipe.model.family), recipe.dataset.name
    file, *parents = index.files[recipe.name]
    found = {file: "recipe", family: f"family, {family.name}"}
    found |= {path: f"recipe's parent, {path.name}" for path in parents}
    if dataset in catalog.names("datasets"):
        found[catalog.source("datasets", dataset)] = f"dataset's file, {catalog.source('datasets', dataset).name}"
    return found


def _shared(recipe: Recipe, index: RecipeIndex) -> Iterator[tuple[str, set[Path]]]:
    family, plan = recipe.model.family, recipe.evaluation
    kind = str(catalog.describe("models", family).attributes["kind"])
    yield "training reaches", _files(training_modules(family, kind), index)
    yield "its judge reaches", _files(judging_modules(task_of(family, plan), kind), index)
    if (extractor := index.recipes.get(plan.extractor or "")) and extractor.name != recipe.name:
        yield f"its extractor {extractor.name}", {*_own(extractor, index)}
    yield "its validation reaches", _files(validation_modules(kind), index)
    if recipe.dataset.name in catalog.names("datasets"):
        yield "its dataset reaches", _files([catalog.module_name("datasets", recipe.dataset.name)], index)
    yield "the stages reach", _files(index.road, index)
    if index.libraries:
        yield "the libraries", {index.libraries}


def _files(modules: Iterable[str], index: RecipeIndex) -> set[Path]:
    return {*import_closure(modules, {"genfoundry_flows": index.flows}).values()}


def _shown(path: Path, index: RecipeIndex) -> str:
    own = own_package()
    homes = [home for home in (PACKAGE, index.flows, own and own.folder) if home and path.is_relative_to(home)]
    return path.relative_to(homes[0]).as_posix() if homes else path.name


def select(found: list[Touched], index: RecipeIndex, candidates: Collection[str], able: Collection[str]) -> Selection:
    """Of the touched recipes, those to run: each that is touched in its own parts, and some for the shared ones.

    Args:
        candidates: recipes that stand for all, where a shared part is touched; a task that none of them has is stood
            for by the recipe that bears its family's name, else by the first.
        able: the recipes that this machine can run.
    """
    here = [each for each in found if each.recipe in able]
    chosen = {each.recipe for each in here if each.own}
    shared = [each.recipe for each in here if each.shared and not each.own]
    chosen |= {name for name in candidates if name in shared}
    for name in sorted(shared, key=lambda name: (name != index.recipes[name].model.family.replace("_", "-"), name)):
        if _task(index.recipes[name]) not in {_task(index.recipes[other]) for other in chosen}:
            chosen.add(name)
    return Selection(
        run=tuple(each for each in here if each.recipe in chosen),
        left=tuple(each for each in here if each.recipe not in chosen),
        unable=tuple(each for each in found if each.recipe not in able),
    )


def _task(recipe: Recipe) -> str:
    return task_of(recipe.model.family, recipe.evaluation)
