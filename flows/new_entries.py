"""Writes what a project's own entry begins with: a template, or the source of another entry under a name of its own."""

from __future__ import annotations

import re
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genfoundry import catalog
from genfoundry.data import registered_names
from genfoundry.data.building import embedded
from genfoundry.dataset import declared_kind
from genfoundry.errors import UserError
from genfoundry.metric import declared
from genfoundry.project import gathering, markers, places, recipe_files
from genfoundry.project.places import Package
from genfoundry.project.root import source_root
from genfoundry.project.sources import BrokenEntry

from . import recipes, rewriting
from .begin import names

TEMPLATES = Path(__file__).with_name("templates")
GROUPS = {"family": "models", **{what: f"{what}s" for what in ("metric", "dataset", "kind", "task")}}
RECIPE = "recipe"


class Written(NamedTuple):
    """The files of a new entry, what its full name is, and what the user should know of it."""

    files: list[Path]
    full: str
    note: str = ""


class Parent(NamedTuple):
    """What an entry begins from: its bare name, its module, its file or folder."""

    name: str
    module: str
    path: Path

    @property
    def is_template(self) -> bool:
        return self.name == rewriting.TEMPLATE


def write_entry(what: str, written: str, parent: str = "") -> Written:
    """Write `<package>/<group>/<name>.py`, or a folder of a kind or a task; nothing that is there is touched.

    Args:
        what: a key of `GROUPS`.
        written: the name of the new entry.
        parent: the entry whose source it begins with; a template where it is empty.

    Raises:
        UserError: here is no project with a package of its own, the name can't be had, or there is no such parent.
    """
    group, package = GROUPS[what], _own_package()
    name = written.replace("-", "_") if group == "datasets" else written
    _ensure_name(what, name)
    origin = _parent(what, group, parent)
    bare = written.replace("_", "-") if group == "datasets" else name
    full = bare if group in gathering.ALONE else f"{package.origin}:{name}"
    texts = _sources(group, name, full, origin, f"{package.name}.{group}.{name}")
    home = package.folder / group / name
    _ensure_free(what, group, full, home)
    paths = {home / part if part else home.with_suffix(".py"): text for part, text in texts.items()}
    note = f"The shipped {what} '{name}' stays: yours is '{full}'." if name in catalog.names(group) else ""
    return Written([_write(path, text) for path, text in paths.items()], full, note)


def _write(path: Path, text: str) -> Path:
    """Make a file, which is not there, with the rights that a user's own files have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def _own_package() -> Package:
    if (package := places.own_package()) is not None:
        return package
    root = source_root()
    settled = places.settings().slug or root.name
    name, file = names.package_of(names.slug_of(settled), root), markers.file_of(root)
    line = f'package = "{name}"'
    if file is None or file.name == markers.OWN_FILE:
        remedy = f"mkdir -p '{root / name}' && printf '\\n{line}\\n' >> '{root / markers.OWN_FILE}'"
    else:
        remedy = f"mkdir -p '{root / name}', and write {line} below [tool.genfoundry] in {file}"
    raise UserError(
        f"The project '{settled}' ({root}) has no package of its own, where its entries would lie.",
        expected=f"a line as {line} in its mark, {file or root / markers.OWN_FILE}, and that folder",
        remedy=remedy,
    )


def _ensure_name(what: str, name: str) -> None:
    if name.isidentifier() and name.isascii() and not name.startswith("_"):
        return
    tried = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    tried = tried if tried[:1].isalpha() else f"my_{tried}".rstrip("_")
    raise UserError(
        f"A {what} can't be named '{name}': its file is imported by that name.",
        expected="letters, digits and underscores, a letter first",
        remedy=f"genfoundry new {what} {tried}",
    )


def _ensure_free(what: str, group: str, full: str, home: Path) -> None:
    for path in (home, home.with_suffix(".py")):
        if path.exists():
            raise UserError(
                f"{path} is there already, and is not touched.", remedy=f"choose another name for the {what}"
            )
    if (place := catalog.places(group).get(full)) is not None:
        raise UserError(
            f"There is a {what} '{full}' already: {place.path or place.module}.",
            remedy=f"choose another name, as in genfoundry new {what} my_{home.name}",
        )


def _parent(what: str, group: str, parent: str) -> Parent:
    if not parent:
        path = TEMPLATES / what
        return Parent(rewriting.TEMPLATE, "", path if path.is_dir() else path.with_suffix(".py"))
    place = catalog.place_of(group, catalog.full_name(group, parent))
    if place.path is None:
        catalog.source(group, place.full)  # says whose entry point leads to nothing
    assert place.path is not None
    return Parent(place.module.rpartition(".")[2], place.module, place.path)


def _sources(group: str, name: str, full: str, parent: Parent, module: str) -> dict[str, str]:
    """The files of the new entry by their path within it."""
    return {
        part: _source(group, name, full, parent, module, part, path.read_text(encoding="utf-8"))
        for part, path in rewriting.files_of(parent.path).items()
    }


def _source(group: str, name: str, full: str, parent: Parent, module: str, part: str, source: str) -> str:
    """One file of an entry under the names of the new one."""
    if not parent.is_template:
        inner = part.removesuffix(".py").replace("/", ".")
        source = rewriting.rehomed(
            source, f"{parent.module}.{inner}" if inner else parent.module, parent.module, module
        )
    old = rewriting.main_class(source) if group in ("models", "metrics") else ""
    anew = {old: rewriting.class_name(name, source)} if old else {}
    source = rewriting.renamed(source, anew, _texts(group, name, full, parent, part))
    if parent.is_template:
        camel = rewriting.class_name(name, "")
        source = source.replace(rewriting.TEMPLATE.title(), camel).replace(rewriting.TEMPLATE, name)
    return source


def _texts(group: str, name: str, full: str, parent: Parent, part: str) -> dict[str, str]:
    """The literals by which an entry says its own name: a score's is its file's, or begins with it."""
    if group == "metrics":
        scores = [kind.name for kind in declared(parent.path).scores]
        return {score: name if score == parent.name else f"{name}_{score}" for score in scores}
    if group == "datasets":
        return {parent.name.replace("_", "-"): full, parent.name: full}
    if group == "kinds":
        return {parent.name: full} if part == "spec.py" else {}
    return {parent.name: full} if group == "tasks" and not parent.is_template else {}


def write_recipe(name: str, parent: str = "", family: str = "") -> Written:
    """Write `recipes/<name>.yaml`: what differs from `parent`, or a recipe for `family` on data that need no download.

    Raises:
        UserError: the name can't be had, it is there, there is no such recipe or family, or no such data.
    """
    known = recipes.files()
    folder = recipe_files.own_folder() or source_root()
    path = folder / f"{name}{recipe_files.SUFFIX}"
    _ensure_recipe(name, path, known)
    home = registered_names.RecipeOnDataset(name, "")
    registered_names.registered(home, "")  # says what of the name is none
    text = _begun_from(name, known.find(parent)) if parent else _from_nothing(name, family)
    return Written([_write(path, text)], name)


def _ensure_recipe(name: str, path: Path, known: recipe_files.RecipeFiles) -> None:
    from genfoundry.recipe import NAME

    if not re.match(NAME, name):
        tried = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "mine"
        raise UserError(
            f"A recipe can't be named '{name}'.",
            expected="letters, digits, points, dashes and underscores, a letter or digit first, at most 128",
            remedy=f"genfoundry new recipe {tried}",
        )
    if path.exists():
        raise UserError(f"{path} is there already, and is not touched.", remedy="choose another name for the recipe")
    if taken := known.files.get(name):
        raise UserError(
            f"There is a recipe '{name}' already: {taken[0].path}.",
            expected="one recipe a name, since its models are registered under it",
            remedy=f"genfoundry new recipe my-{name} --from {name}",
        )


def _begun_from(name: str, parent: recipe_files.RecipeFile) -> str:
    family = recipes.load(parent.full if parent.origin != places.SHIPPED else parent.name).model.family
    keys = textwrap.wrap(", ".join(catalog.describe("models", family).config), 110)
    lines = [
        f"# {name}: all that {parent.name} says, but for what stands below. Any section may differ, key by key:",
        "# training: {max_steps: 600, seed: 1}",
        "# model: {KEY: VALUE}, where the keys of " + family + " are",
        *(f"#   {line}" for line in keys),
        f"from: {parent.name}",
        f"title: {name}, after {parent.name}",
    ]
    return "\n".join(lines) + "\n"


def _from_nothing(name: str, written: str) -> str:
    family = catalog.full_name("models", written or DEFAULT_FAMILY)
    kind = str(catalog.describe("models", family).attributes.get("kind"))
    dataset = _embedded_of(kind)
    text = (TEMPLATES / "recipe.yaml").read_text(encoding="utf-8")
    for word, said in {"TITLE": name, "DATASET": dataset, "FAMILY": f"'{family}'", "NAME": name}.items():
        text = re.sub(rf"\b{word}\b", said, text)
    return text


DEFAULT_FAMILY = "mlp"
"""Of a recipe that begins from nothing: it trains in seconds."""


def _embedded_of(kind: str) -> str:
    """The first dataset of a kind that needs no download.

    Raises:
        UserError: there is none.
    """
    for name in catalog.names("datasets"):
        with suppress(BrokenEntry):
            if embedded(name) and declared_kind(name) == kind:
                return name
    raise UserError(
        f"There is no dataset of {kind} data that needs no download.",
        remedy="genfoundry new dataset mine, then set its CARD's kind",
    )
