"""Draw: what a registered version makes, as arrays. It is loaded once, and asked as often as somebody likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from genfoundry import catalog, task, tracking
from genfoundry.catalog import Entry
from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.records import Checkpoint
from genfoundry.stages.generate import asked, find_version, have_data
from genfoundry.task import Task
from genfoundry.tracking import VersionInfo

if TYPE_CHECKING:
    from genfoundry.model import Model

USUAL = 16  # examples, where nobody says how many


class LoadedVersion(NamedTuple):
    """A registered version with its weights in memory."""

    info: VersionInfo
    checkpoint: Checkpoint
    entry: Entry
    model: Model

    @property
    def task(self) -> Task:
        """What its family is for."""
        return task.of(str(self.entry.attributes["task"]))


def load_reference(reference: str) -> LoadedVersion:
    """Load what `reference` names; a choice that it leaves open is said.

    Raises:
        UserError: there is no such version, or it is not what was registered; nothing was loaded.
    """
    info, notes = find_version(reference)
    for note in notes:
        sealed.say(note)
    checkpoint = tracking.evaluation_of(info).checkpoint
    entry = catalog.describe("models", checkpoint.family)
    return LoadedVersion(info, checkpoint, entry, tracking.load_version(info.name, info.version))


def draw(version: LoadedVersion, number: int | None, wishes: dict[str, Any]) -> Any:
    """What it makes of `wishes`, the fields of its task's `Wishes`: see `sample` of the task's `generate.py`.

    Raises:
        UserError: it makes nothing, can't do what is asked, or an input is not what it must be.
    """
    if number is None and "number" in version.task.wishes.model_fields:
        number = USUAL
    wanted = asked(version.info.name, version.entry, {"number": number, **wishes})
    have_data(version.task, version.checkpoint.dataset)
    part = catalog.part("tasks", version.task.name, "generate")
    if not hasattr(part, "sample"):
        raise UserError(
            f"The task '{version.task.name}' writes files, and gives no arrays.",
            expected=f"a function `sample` in {part.__file__}",
            remedy=f"genfoundry generate {version.info.name}/{version.info.version} -o DIR",
        )
    return part.sample(version.model, version.checkpoint.dataset, wanted)
