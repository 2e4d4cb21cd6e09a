"""Registered names: one per recipe and dataset, so that no two of a project share one.

In a project with a slug the parts are joined by what stands inside none of them: `acme--mlp`, and on another dataset
than its own `acme--mlp--fashion`. So two projects on one registry share none either. In a project without one:

A recipe on its own dataset is registered under its name, on another one as `<recipe>-<dataset>`. Both parts may hold
dashes, so `mlp` on a set named `fashion` would be `mlp-fashion`, which is a recipe, and `a` on `b-c` what `a-b` on `c`
is. Which of two that were there before keeps the name can't be decided here; so the second is never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.project.mark import JOINT
from genfoundry.project.places import settings
from genfoundry.project.root import data_dir

Homes = Mapping[str, str]
"""Every recipe by name, with the dataset that it was written for."""


class RecipeOnDataset(NamedTuple):
    """A recipe on a dataset."""

    recipe: str
    dataset: str

    def __str__(self) -> str:
        return f"recipe '{self.recipe}' on '{self.dataset}'"


def registered(pair: RecipeOnDataset, home: str) -> str:
    """The registered model of a recipe on a dataset, where the recipe was written for `home`.

    Raises:
        UserError: a part holds what joins the parts.
    """
    if slug := settings().slug:
        parts = (slug, pair.recipe, *((pair.dataset,) if pair.dataset != home else ()))
        if bad := next((part for part in parts if JOINT in part), None):
            raise UserError(
                f"'{bad}' can't be part of a registered name: '{JOINT}' joins the parts of one.",
                remedy=f"rename it, as in {re.sub('-{2,}', '-', bad)}",
            )
        return JOINT.join(parts)
    return named_without_slug(pair, home)


def named_without_slug(pair: RecipeOnDataset, home: str) -> str:
    """The registered model in a project without a slug, as all projects were before there were marks."""
    return pair.recipe if pair.dataset == home else f"{pair.recipe}-{pair.dataset}"


def here(recorded: Iterable[str] = ()) -> set[str]:
    """The datasets of the project: the catalogue's, those in `data/`, and what `data.dvc` is known to record."""
    return {*catalog.names("datasets"), *(path.parent.name for path in data_dir().glob("*/card.json")), *recorded}


def holder(pair: RecipeOnDataset, homes: Homes, datasets: Iterable[str]) -> RecipeOnDataset | None:
    """Another recipe and dataset that would be registered under the same name, if there are such."""
    if settings().slug:
        return None
    name = registered(pair, homes.get(pair.recipe, ""))
    found = (other for other in _readings(name, homes, set(datasets)) if other != pair)
    return min(found, key=lambda other: (other.recipe != name, other), default=None)


def _readings(name: str, homes: Homes, datasets: set[str]) -> Iterator[RecipeOnDataset]:
    """Every recipe and dataset whose registered name that is."""
    for recipe, home in homes.items():
        if recipe == name:
            yield RecipeOnDataset(recipe, home)
        dataset = name.removeprefix(f"{recipe}-")
        if dataset != name and dataset != home and dataset in datasets:
            yield RecipeOnDataset(recipe, dataset)


def ensure_own_name(pair: RecipeOnDataset, homes: Homes, datasets: Iterable[str]) -> None:
    """See that a recipe, on a dataset that is not its own, has a registered name to itself.

    Raises:
        UserError: another recipe and dataset have it; says which.
    """
    datasets = set(datasets)
    if (other := holder(pair, homes, datasets)) is None:
        return
    raise UserError(
        f"The {pair} would be registered as '{registered(pair, homes.get(pair.recipe, ''))}', which is the {other}.",
        expected="a registered name for each recipe and dataset",
        remedy=_way_out(pair, other, homes, datasets),
    )


def _way_out(pair: RecipeOnDataset, other: RecipeOnDataset, homes: Homes, datasets: set[str]) -> str:
    if other == (other.recipe, pair.dataset) and homes[other.recipe] == pair.dataset:
        return f"genfoundry run {other.recipe}   (it was written for '{pair.dataset}')"
    if pair.dataset not in catalog.names("datasets"):
        name = free_name(pair.dataset, homes, datasets)
        return f"genfoundry data add PATH --name {name}, then: genfoundry run {pair.recipe} --data {name}"
    tries = (f"{word}-{pair.recipe}" for word in ("my", "our", "another"))
    copied = next(
        name for name in tries if not holder(RecipeOnDataset(name, pair.dataset), {**homes, name: ""}, datasets)
    )
    return f"genfoundry new recipe {copied} --from {pair.recipe}, then: genfoundry run {copied} --data {pair.dataset}"


def ensure_free(dataset: str, homes: Homes, datasets: Iterable[str]) -> None:
    """See that with a new dataset of this name no two recipes and datasets share a registered name.

    Raises:
        UserError: some would; names them, and a name that is free.
    """
    if settings().slug and JOINT in dataset:
        raise UserError(
            f"A dataset can't be named '{dataset}' here: '{JOINT}' joins the parts of a registered name.",
            remedy=f"choose another name, as in --name {re.sub('-{2,}', '-', dataset)}",
        )
    known = {*datasets} - {dataset}
    if taken := _taken(dataset, homes, known):
        pair, other = taken
        raise UserError(
            f"A dataset can't be named '{dataset}' here: the {pair} would be registered as "
            f"'{registered(pair, homes[pair.recipe])}', which is the {other}.",
            expected="a registered name for each recipe and dataset",
            remedy=f"choose another name, as in --name {free_name(dataset, homes, known)}",
        )


def _taken(dataset: str, homes: Homes, datasets: set[str]) -> tuple[RecipeOnDataset, RecipeOnDataset] | None:
    """The first recipe for which a dataset of that name would be another's, and whose."""
    for recipe, home in sorted(homes.items()):
        pair = RecipeOnDataset(recipe, dataset)
        if dataset != home and (other := holder(pair, homes, {*datasets, dataset})):
            return pair, other
    return None


def free_name(dataset: str, homes: Homes, datasets: Iterable[str]) -> str:
    """A name like that one under which nothing would be shared."""
    known = {*datasets}
    tries = (f"my-{dataset}", *(f"{dataset}-{number}" for number in range(2, 1000)))
    return next(name for name in tries if name not in known and not _taken(name, homes, known))
