"""Reviews a change: finds what it touches, runs that before and after, lets the gate compare, gathers the page."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import click

from genfoundry import tracking
from genfoundry.data.building import embedded, is_sealed
from genfoundry.data.versions import dvc, history
from genfoundry.dataset import card_of, folder_digest, read_card
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.identity import PACKAGE
from genfoundry.project.places import own_package
from genfoundry.project.recipe_files import own_folder
from genfoundry.project.root import data_dir
from genfoundry.recipe import Recipe, lineage
from genfoundry.review import affected
from genfoundry.review.affected import Change, RecipeIndex, Selection, Touched
from genfoundry.review.compare import DataChange, RecipeComparison, Review, Side, compare
from genfoundry.review.page import MOST_CHARACTERS, render
from genfoundry.review.picture import PictureFile, picture

from .. import recipes as recipe_files
from . import releases, sides
from .revisions import Revisions, changed_files, checked_out, recorded_data, revisions

FLOW_SOURCES = ("genfoundry_flows.pipeline", "genfoundry_flows.fleet")
MOST_PICTURES = 700_000  # bytes inside a page


class ReviewRequest(NamedTuple):
    """What a user asks for: see `genfoundry ci --help`."""

    against: str
    budget: str = "ci"
    assignments: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    all_touched: bool = False
    jobs: int | None = None
    dry: bool = False


def review(request: ReviewRequest, overrides: Mapping[str, Any]) -> Review:
    """Run what the change touches on both sides, and let the gate compare.

    Raises:
        UserError: there is nothing to compare with (see `revisions`), or an unknown recipe was asked for.
    """
    found = revisions(request.against)
    recipes, broken = _loaded()
    named = releases.Named(None, None) if found.ours else releases.named(found)
    change, home = _change(found, named), _index(found, recipes)
    unable = {name: why for name in recipes if (why := _unable(name, overrides))}
    selection = _selected(request, affected.touched(change, home), home, unable)
    idle = request.dry or not selection.run
    compared = [] if idle else _compared(found, named, selection.run, request, overrides)
    return Review(
        against=request.against,
        base=found.base[:12],
        head=found.head[:12],
        uncommitted=found.uncommitted,
        asked=bool(request.recipes),
        protocol=_protocol(request.budget, overrides),
        compared=tuple(compared),
        selection=selection,
        data=tuple(_data_change(name, found) for name in sorted(change.datasets)),
        removed=tuple(sorted(p.stem for p in change.files if p.parent == _recipes_of(found) and not p.exists())),
        unable=unable,
        broken=_broken_by(change, broken),
    )


def _index(found: Revisions, recipes: dict[str, Recipe]) -> RecipeIndex:
    known, flows = recipe_files.files(), recipe_files.FOLDER.parent.resolve()
    files = {name: tuple(path.resolve() for path in lineage(known.homes()[name], known)) for name in recipes}
    return RecipeIndex(files, recipes, FLOW_SOURCES, flows, found.checkout / "constraints.txt" if found.ours else None)


def _recipes_of(found: Revisions) -> Path | None:
    """The folder in which the repository keeps recipes."""
    return recipe_files.FOLDER.resolve() if found.ours else own_folder()


def _broken_by(change: Change, broken: dict[str, str]) -> dict[str, str]:
    """The recipes that do not parse, without those that the change has no part in."""
    own, known = own_package(), recipe_files.files()
    homes = [PACKAGE, *([own.folder] if own else [])]
    code = change.release or any(path.is_relative_to(home) for path in change.files for home in homes)
    files = {name: {path.resolve() for path in lineage(known.homes()[name], known)} for name in broken}
    return {name: why for name, why in broken.items() if code or files[name] & change.files}


def _loaded() -> tuple[dict[str, Recipe], dict[str, str]]:
    """Every recipe that parses; and why the others don't."""
    recipes, broken = {}, {}
    for name in recipe_files.names():
        try:
            recipes[name] = recipe_files.load(name)
        except UserError as error:
            broken[name] = str(error)
    return recipes, broken


def _change(found: Revisions, named: releases.Named) -> Change:
    before, after = recorded_data(found), dvc.recorded()
    moved = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return Change(changed_files(found), frozenset(moved), named.change)


def _selected(request: ReviewRequest, found: list[Touched], home: RecipeIndex, unable: Collection[str]) -> Selection:
    if request.recipes:
        for name in request.recipes:
            recipe_files.load(name)
        why = {each.recipe: each for each in found}
        asked = [why.get(name, Touched(name, ("asked for",), ())) for name in dict.fromkeys(request.recipes)]
        return Selection(tuple(asked), tuple(each for each in found if each.recipe not in request.recipes), ())
    candidates = list(home.recipes) if request.all_touched else _standing_for_all(home)
    return affected.select(found, home, candidates, [name for name in home.recipes if name not in unable])


def _standing_for_all(home: RecipeIndex) -> Collection[str]:
    """The recipes that are run where a part that all share is touched: a project's own, else the default fleet."""
    return [name for name, files in home.files.items() if files[0].parent == own_folder()] or recipe_files.DEFAULT


def _unable(name: str, overrides: Mapping[str, Any]) -> str:
    """Why this machine can't run a recipe; empty where it can, or where the run itself will say why not."""
    try:
        recipe = recipe_files.load(name, dict(overrides))
        data = recipe.dataset.name
        here = data in dvc.recorded() or is_sealed(data_dir() / data) or embedded(data)
    except UserError:
        return ""
    if not here:
        return f"its data are not here (genfoundry data build {data})"
    return "no GPU here" if recipe.training.accelerator == "gpu" and not shutil.which("nvidia-smi") else ""


def _compared(
    found: Revisions,
    named: releases.Named,
    run: Sequence[Touched],
    request: ReviewRequest,
    overrides: Mapping[str, Any],
) -> list[RecipeComparison]:
    names, root = [each.recipe for each in run], found.project
    options = ["--budget", request.budget, *(part for each in request.assignments for part in ("--set", each))]
    options += ["--jobs", str(request.jobs)] if request.jobs else []
    release = releases.environment(named.before) if named.change and named.before else None
    _say(f"After: {found.head[:12]}, {', '.join(names)}")
    with _code(found, found.project) as code:
        after = sides.tried(code, root, names, options)
    with checked_out(found) as tree, _code(found, tree / found.below, release) as code:
        _say(f"Before: {found.base[:12]}{f' ({named.change})' if release else ''}, {', '.join(names)}")
        before = sides.tried(code, root, names, options)
    return [_compare(each, before[each.recipe], after[each.recipe], overrides) for each in run]


def _code(found: Revisions, sources: Path, release: Path | None = None) -> AbstractContextManager[sides.Code]:
    return sides.of_checkout(sources) if found.ours else nullcontext(sides.of_project(sources, release))


def _compare(touched: Touched, before: Side, after: Side, overrides: Mapping[str, Any]) -> RecipeComparison:
    recipe = recipe_files.load(touched.recipe, dict(overrides) if after.evaluation else None)
    champion = tracking.champion(recipe.registered_name) if after.evaluation else None
    return compare(touched, before, after, recipe.gate, champion)


def _say(sentence: str) -> None:
    click.echo(click.style(sentence, bold=True), err=True)


def _protocol(budget: str, overrides: Mapping[str, Any]) -> str:
    parts = [f"{key} = {value}" for key, value in overrides.items() if key != "gate.trial"]
    return f"{budget} ({', '.join(parts) or 'the whole recipe'})"


def _data_change(name: str, found: Revisions) -> DataChange:
    before, after = recorded_data(found).get(name), dvc.recorded().get(name)
    return DataChange(name, before, after, _rows(name, before), _rows(name, after))


def _rows(name: str, digest: str | None) -> dict[str, int] | None:
    """The rows of each split of a dataset's version, where that can be had."""
    if digest is None:
        return None
    folder = data_dir() / name
    try:
        card = read_card(folder) if folder_digest(folder) == digest else card_of(history.recall(name, digest))
        return card.counts
    except UserError:
        return None


def write_page(found: Review, output: Path, embed: bool = False) -> Path:
    """Write the page to `output`, its pictures beside it, and `<stem>-comment.md`: the same without pictures.

    With `embed` the pictures are in the page, as far as a step's summary has room; the others are beside it.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(comment(output), render(found, MOST_CHARACTERS))
    pictures, room = {}, MOST_PICTURES if embed else 0
    for each in found.compared:
        sides = {when: side.evaluation and picture(side.evaluation) for when, side in each.sides.items()}
        inside = {when: shown and _inside(shown) for when, shown in sides.items()}
        if (size := sum(len(address or "") for address in inside.values())) <= room:
            room -= size
        else:
            inside = {when: shown and _beside(shown, output, each.recipe, when) for when, shown in sides.items()}
        if any(inside.values()):
            pictures[each.recipe] = tuple(inside.values())
    return write_atomic(output, render(found._replace(pictures=pictures)))


def _inside(shown: PictureFile) -> str:
    return f"data:{shown.media_type};base64,{base64.b64encode(shown.data).decode()}"


def _beside(shown: PictureFile, output: Path, recipe: str, when: str) -> str:
    return write_atomic(output.with_name(f"{output.stem}-{recipe}-{when}.{shown.suffix}"), shown.data).name


def comment(output: Path) -> Path:
    """Where the page without pictures lies: GitHub shows neither data URIs nor files beside a comment."""
    return output.with_name(f"{output.stem}-comment.md")
