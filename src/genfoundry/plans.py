"""The section `evaluation` of a recipe, in the form of the task that decides: the one it names, else the family's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from genfoundry import catalog, task
from genfoundry.catalog import Entry
from genfoundry.errors import UserError, closest, explain
from genfoundry.task import Plan, Task


class Asked(NamedTuple):
    """What a recipe asks for: `written` is its section as YAML has it, with overrides on it, whose keys are `laid`.

    `where` is what the recipe is called in sentences.
    """

    family: str
    written: Any
    laid: set[str]
    where: str


def read(asked: Asked, training: Mapping[str, Any]) -> Plan:
    """How the model is to be judged, completed with what follows from the section `training`.

    Overrides are laid over recipes of any task: what another task's plan alone knows of them changes nothing here.

    Raises:
        UserError: an unknown key or task, a value out of range, or a family that can't be judged so.
    """
    entry = catalog.describe("models", asked.family)
    judging = _deciding(entry, asked)
    try:
        plan = judging.plan.model_validate(_own(asked, judging))
    except ValidationError as error:
        raise explain(error, judging.plan, asked.where, "evaluation") from None
    try:
        return plan.completed(training, str(entry.attributes["kind"]))
    except UserError as error:
        raise UserError(f"{asked.where} {error.found}", expected=error.expected, remedy=error.remedy) from None


def _own(asked: Asked, judging: Task) -> Any:
    """The section without overrides that are for other tasks; where one asks for another task, without what is
    written for the family's own."""
    if not isinstance(asked.written, dict):
        return asked.written
    loose = {*asked.written} if "task" in asked.laid else asked.laid
    foreign = {key for each in task.every() for key in each.keys} - judging.keys
    return {key: value for key, value in asked.written.items() if key not in loose & foreign}


def _deciding(family: Entry, asked: Asked) -> Task:
    wanted = asked.written.get("task") if isinstance(asked.written, dict) else None
    name = wanted if isinstance(wanted, str) else str(family.attributes["task"])
    if (judging := task.find(name)) is None:
        known = closest(name, catalog.names("tasks"))
        raise UserError(f"{asked.where}: evaluation.task = '{name}': there is no such task; {known}")
    if not judging.fits(family):
        raise _unfit(judging, family, asked.where)
    return judging


def _unfit(judging: Task, family: Entry, where: str) -> UserError:
    """The sentence for a family that lacks what a task needs, or that reads data that the task is not for."""
    kind = str(family.attributes["kind"])
    lacking = [method for method in judging.needs(kind) if method not in family.methods]
    families, _ = catalog.readable("models")
    able = [each.name for each in families if judging.fits(each) and (not lacking or each.attributes["kind"] == kind)]
    reads = " and ".join(family.conditions) or f"{kind} data"
    why = f"it has no {' and no '.join(lacking)}" if lacking else f"it reads {reads}"
    return UserError(
        f"{where} asks for the task '{judging.name}', which '{family.name}' is not made for: {why}.",
        expected=f"one of these families: {', '.join(able) or 'there is none yet'}",
    )
