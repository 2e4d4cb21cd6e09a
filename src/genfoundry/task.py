"""What every task promises. A task is one folder of `tasks/`, kept part by part; each part is imported when asked for.

    about.py      imports neither torch nor a vendor; the words and forms of the task:
                  PURPOSE   what a model is for, for its card; `{noun}` stands for what the data are ("images")
                  LIMITS    what its scores do not say, for the report
                  MAKES     whether it makes something new, which is to be marked as such
                  NEEDS     the methods that a family must have (see `genfoundry.model.CAPABILITIES`)
                  KINDS     the kinds of data that it is for; () for those that it has a part for, or else for any
                  GIVES     the conditions that a family may read in it, where not any
                  Plan      its keys of a recipe's section `evaluation`, a subclass of `Plan` below
                  Wishes    where it MAKES: what a user may ask of `generate`, a subclass of `Wishes` below
                  usage     usage(name, spec) -> str: the line of a model's card that calls `model`, which was loaded,
                            where it is served; it works as it stands
    judge.py      judge(model, dataset, plan, extractor, out) -> Judgement
    predictor.py  Predictor(model) with `predict(data, params)`; signature(model) -> ModelSignature; of tasks that are a
                  family's own
    generate.py   write(model, dataset_version, wishes, origin, out) -> Generated, where it MAKES; sample(model,
                  dataset_version, wishes) -> the same as arrays or a table, for Python users
    <kind>.py     what it does otherwise for a kind of data; may have NEEDS of its own

There is no default for words: a task without them does not load.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self, cast

from pydantic import BaseModel, ConfigDict, Field

from genfoundry import catalog
from genfoundry.catalog import Entry
from genfoundry.errors import UserError
from genfoundry.exhibit import Exhibit
from genfoundry.project import sources
from genfoundry.records import Evaluation, Score, Spec

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from genfoundry.serving.provenance import Provenance

UNKNOWN_USAGE = "answer = model.predict  # a function; the version's signature says what it takes and gives"
WORDS = ("PURPOSE", "LIMITS", "MAKES", "NEEDS", "KINDS", "Plan")


class Plan(BaseModel):
    """How a model is judged: the section `evaluation` of a recipe. A task adds its own keys to these of every task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    extractor: str | None = Field(default=None, description="recipe of the classifier whose features are the domain")
    seed: int = Field(default=1234, ge=0)
    task: str | None = Field(default=None, description="judge this in place of the family's own task")

    def completed(self, training: Mapping[str, Any], kind: str) -> Self:
        """The same with what follows from the recipe's section `training`, for data of a kind.

        Raises:
            UserError: no model that is trained so can be judged so; begins behind the recipe's name.
        """
        return self

    def as_large_as(self, protocol: Mapping[str, str | int | float]) -> Self:
        """The same with as many samples as the evaluation of that protocol had."""
        return self


class Wishes(BaseModel):
    """What a user may ask of `generate`: an option for each field. A task adds its own by `wish`.

    `EXAMPLE` is what the card of a model asks for.
    """

    EXAMPLE: ClassVar[str] = "--seed 7"
    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, lt=2**63, description="Same seed, same bytes.")


class Option(BaseModel):
    """How a field of `Wishes` is asked for.

    `needs` are methods and conditions that a family must have for it. `lacking` tells of a family that knows no such
    option what it does not do ("takes no class"); `missing` what is wrong where one without a default was not given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flag: str
    needs: tuple[str, ...] = ()
    lacking: str = ""
    missing: str = ""


def wish(default: Any, option: Option, description: str, **limits: Any) -> Any:
    """A field of a task's `Wishes` that is more than pydantic's; `default` is `...` where a user must give it."""
    return Field(default, description=description, json_schema_extra=option.model_dump(mode="json"), **limits)


def options(wishes: type[Wishes]) -> dict[str, Option]:
    """How each field of a task's wishes is asked for, by name; `--name` where it does not say."""
    extras = {name: field.json_schema_extra or {} for name, field in wishes.model_fields.items()}
    return {name: Option.model_validate({"flag": f"--{name}", **cast(dict, extra)}) for name, extra in extras.items()}


class Judgement(NamedTuple):
    """What a judge found. `primary` is the name of the score that decides, `trivial` whose score has to be beaten.

    `details` holds what the gate reads beside the scores, `exhibits` what there is to see, in the order of the report.
    """

    primary: str
    scores: tuple[Score, ...]
    protocol: dict[str, str | int | float]
    details: dict[str, list[float]]
    trivial: tuple[str, ...] = ("noise",)
    exhibits: tuple[Exhibit, ...] = ()


class Generated(NamedTuple):
    """The files that were written, whence they come, and what the reader should know of them."""

    provenance: Provenance
    files: list[Path]
    notes: list[str]


class Predictor(Protocol):
    """What MLflow serves: the answer to the data of one call; `params` are those of the signature."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """The answer; the task's own file says in which shape."""
        ...


@dataclass(frozen=True)
class Task:
    """A task of the catalogue. Its words are read from its source; asking it for more imports the part that answers,
    and no other. `said` holds the words of `about.py`, `classes` the names of the classes there.
    """

    name: str
    said: Mapping[str, Any]
    classes: Mapping[str, tuple[str, ...]]

    @property
    def purpose(self) -> str:
        """What a model is for; `{noun}` stands for what the data are."""
        return self.said["PURPOSE"]

    @property
    def limits(self) -> str:
        """What its scores do not say."""
        return self.said["LIMITS"]

    @property
    def makes(self) -> bool:
        """Whether it makes something new."""
        return self.said["MAKES"]

    @property
    def reads_data(self) -> bool:
        """Whether `write` goes on from the dataset that the model was trained on."""
        return self.said.get("READS_DATA", False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of data that it is for; empty for any."""
        parts = catalog.parts("tasks", self.name)
        return self.said["KINDS"] or tuple(kind for kind in catalog.names("kinds") if kind in parts)

    def needs(self, kind: str) -> tuple[str, ...]:
        """The methods that a family must have to be judged in it on data of a kind."""
        own = catalog.constants("tasks", self.name, kind) if kind in catalog.parts("tasks", self.name) else {}
        return (*self.said["NEEDS"], *cast(tuple[str, ...], own.get("NEEDS", ())))

    def fits(self, family: Entry) -> bool:
        """Whether it can judge a family."""
        kind = str(family.attributes.get("kind"))
        given = self.said.get("GIVES", family.conditions)
        able = {*self.needs(kind)} <= {*family.methods} and {*family.conditions} <= {*given}
        return able and kind in (self.kinds or (kind,))

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a recipe's section `evaluation` that it knows, its own and those of every task."""
        return frozenset((*self.classes["Plan"], *Plan.model_fields))

    @property
    def about(self) -> ModuleType:
        """The part that holds its words and forms, imported."""
        return self._part("about")

    @property
    def plan(self) -> type[Plan]:
        """The form of a recipe's section `evaluation`."""
        return self.about.Plan

    @property
    def wishes(self) -> type[Wishes]:
        """The form of what may be asked of `generate`."""
        return getattr(self.about, "Wishes", Wishes)

    @property
    def judge(self) -> Callable[..., Judgement]:
        """`judge(model, dataset, plan, extractor, out)`."""
        return self._part("judge").judge

    @property
    def write(self) -> Callable[..., Generated]:
        """`write(model, dataset_version, wishes, origin, out)`."""
        return self._part("generate").write

    @property
    def predictor(self) -> Callable[..., Predictor]:
        """`Predictor(model)`."""
        return self._part("predictor").Predictor

    @property
    def signature(self) -> Callable[..., ModelSignature]:
        """`signature(model)`."""
        return self._part("predictor").signature

    def usage(self, name: str, spec: Spec) -> str:
        """The line of a registered model's card that calls it, where it is served in this task."""
        if not (hasattr(self.about, "usage") and spec.kind in (self.kinds or (spec.kind,))):
            return UNKNOWN_USAGE
        return self.about.usage(name, spec)

    def _part(self, part: str) -> ModuleType:
        return catalog.part("tasks", self.name, part)


def of(name: str) -> Task:
    """The task of that name.

    Raises:
        UserError: there is none (names the closest), or it does not say all that a task must say.
    """
    path = catalog.source("tasks", name, "about")
    return _read(name, path, sources.tree_of(path))


@cache
def _read(name: str, path: Path, tree: ast.Module) -> Task:
    """Read once in a process, as long as the tree is the same."""
    said = sources.constants(tree.body)
    classes = {node.name: tuple(sources.fields(node)) for node in tree.body if isinstance(node, ast.ClassDef)}
    wanted = (*WORDS, "Wishes") if said.get("MAKES") else WORDS
    if lacking := [word for word in wanted if word not in classes and said.get(word, "") == ""]:
        raise UserError(
            f"The task '{name}' does not say its {', '.join(lacking)}, and is not loaded.",
            expected=f"{', '.join(wanted)} in {path}",
        )
    return Task(name, said, classes)


def every() -> list[Task]:
    """Every task of the catalogue that says all that a task must say; see `broken`."""
    return [found for found in _all().values() if isinstance(found, Task)]


def broken() -> list[str]:
    """What is wrong with the tasks that are left out, a sentence each."""
    return [*catalog.conflicts("tasks"), *(str(found) for found in _all().values() if isinstance(found, UserError))]


def _all() -> dict[str, Task | UserError]:
    found: dict[str, Task | UserError] = {}
    for name in catalog.names("tasks"):
        try:
            found[name] = of(name)
        except UserError as error:
            found[name] = error
    return found


def find(name: str) -> Task | None:
    """The task of that name; None where the catalogue has none, as for what was judged by code that is gone."""
    return of(name) if name in catalog.names("tasks") else None


def name_of(evaluation: Evaluation) -> str:
    """The task that it was judged in, where nothing is recorded its family's; empty where neither is known."""
    return evaluation.task or name_of_family(evaluation.checkpoint.family)


def name_of_family(family: str) -> str:
    """The task that a family is for; empty where the family is gone."""
    try:
        return str(catalog.describe("models", family).attributes.get("task", ""))
    except UserError:
        return ""
