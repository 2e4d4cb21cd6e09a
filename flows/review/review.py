"""Reviews a change: finds what it touches, runs that before and after, lets the gate compare, gathers the page."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Collection, Mapping, Sequence
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
from genfoundry.project.root import data_dir, project_root
from genfoundry.recipe import Recipe
from genfoundry.review import affected
from genfoundry.review.affected import Change, RecipeIndex, Selection, Touched
from genfoundry.review.compare import DataChange, RecipeComparison, Review, Side, compare
from genfoundry.review.page import MOST_CHARACTERS, render
from genfoundry.review.picture import PictureFile, picture

from .. import recipes as recipe_files
from .revisions import Revisions, changed_files, checked_out, recorded_data, revisions, tried

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
    change = _change(found)
    home = RecipeIndex(
        recipe_files.FOLDER.resolve(),
        recipes,
        FLOW_SOURCES,
        found.checkout / "constraints.txt",
    )
    unable = {name: why for name in recipes if (why := _unable(name, overrides))}
    selection = _selected(request, affected.touched(change, home), home, unable)
    code = any(path.is_relative_to(PACKAGE) for path in change.files)  # a family may have another key now
    broken = {name: why for name, why in broken.items() if code or home.folder / f"{name}.yaml" in change.files}
    idle = request.dry or not selection.run
    compared = [] if idle else _compared(found, selection.run, request, overrides)
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
        removed=tuple(sorted(p.stem for p in change.files if p.parent == home.folder and not p.exists())),
        unable=unable,
        broken=broken,
    )


def _loaded() -> tuple[dict[str, Recipe], dict[str, str]]:
    """Every recipe that parses; and why the others don't."""
    recipes, broken = {}, {}
    for name in recipe_files.names():
        try:
            recipes[name] = recipe_files.load(name)
        except UserError as error:
            broken[name] = str(error)
    return recipes, broken


def _change(found: Revisions) -> Change:
    before, after = recorded_data(found), dvc.recorded()
    moved = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return Change(changed_files(found), frozenset(moved))


def _selected(request: ReviewRequest, found: list[Touched], home: RecipeIndex, unable: Collection[str]) -> Selection:
    if request.recipes:
        for name in request.recipes:
            recipe_files.load(name)
        why = {each.recipe: each for each in found}
        asked = [why.get(name, Touched(name, ("asked for",), ())) for name in dict.fromkeys(request.recipes)]
        return Selection(tuple(asked), tuple(each for each in found if each.recipe not in request.recipes), ())
    candidates = list(home.recipes) if request.all_touched else recipe_files.DEFAULT
    return affected.select(found, home, candidates, [name for name in home.recipes if name not in unable])


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
    found: Revisions, run: Sequence[Touched], request: ReviewRequest, overrides: Mapping[str, Any]
) -> list[RecipeComparison]:
    names, root = [each.recipe for each in run], project_root()
    options = ["--budget", request.budget, *(part for each in request.assignments for part in ("--set", each))]
    options += ["--jobs", str(request.jobs)] if request.jobs else []
    _say(f"After: {found.head[:12]}, {', '.join(names)}")
    after = tried(found.checkout, root, names, options)
    with checked_out(found) as tree:
        _say(f"Before: {found.base[:12]}, {', '.join(names)}")
        before = tried(tree, root, names, options)
    return [_compare(each, before[each.recipe], after[each.recipe], overrides) for each in run]


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
