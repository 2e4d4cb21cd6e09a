"""One run for Python users, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from .entering import enter
from .loading import LoadedModel, load

if TYPE_CHECKING:
    from genfoundry.outcomes import Outcome
    from genfoundry.records import ModelVersion, Score, Verdict

Budget = Literal["quick", "ci", "full"]


class Result:
    """What a run came to: a registered version, how it was judged, and what the gate said of it.

    `record` is all of it, as the stages hand it on.
    """

    def __init__(self, record: ModelVersion) -> None:
        self.record = record

    @property
    def name(self) -> str:
        """The registered model's name."""
        return self.record.name

    @property
    def version(self) -> int:
        """The number of the version."""
        return self.record.version

    @property
    def outcome(self) -> Outcome:
        """One word: PROMOTED, HOLD, REJECTED, or SKIPPED where an equal run was there."""
        from genfoundry.outcomes import outcome

        return outcome(self.record)

    @property
    def verdict(self) -> Verdict:
        """What the gate decided (`decision`), and why (`reasons`)."""
        from genfoundry.records import Verdict

        return Verdict(decision=self.record.decision, reasons=self.record.reasons)

    @property
    def scores(self) -> tuple[Score, ...]:
        """Every score with its interval: of the model, and of the floors and baselines beside it."""
        return self.record.evaluation.scores

    @cached_property
    def model(self) -> LoadedModel:
        """The version, loaded when it is first asked for."""
        return load(f"{self.name}/{self.version}")

    def samples(self, number: int | None = None, *, seed: int = 0, **wishes: Any) -> Any:
        """What the model makes; see `LoadedModel.sample`."""
        return self.model.sample(number, seed=seed, **wishes)

    def __repr__(self) -> str:
        from genfoundry.outcomes import sentence

        return f"<{self.outcome}: {sentence(self.record)}>"

    def _repr_html_(self) -> str:
        from genfoundry.report.fragment import render_fragment

        from .. import reporting

        enter()
        return render_fragment(self.record, reporting.gallery(self.record))


def run(
    recipe: str,
    *,
    data: str | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002, the command line's word
    seed: int | None = None,
    budget: Budget | None = None,
) -> Result:
    """Take a recipe from data to a judged, registered model; what an earlier run did is not done again.

    An interrupt (a notebook's, Ctrl-C) ends the training with a snapshot, from which the same call goes on.

    Args:
        recipe: its name.
        data: the dataset, where it is not the recipe's own.
        set: dotted settings over the recipe, as in `{"training.max_steps": 300}`.
        seed: short for `training.seed`.
        budget: `quick` and `ci` take a tenth and a third of the steps; such a version is never champion.

    Raises:
        UserError: the recipe, the data or a setting is not what it must be, or a stage failed; says what to do.
        Interrupted: it was stopped and can go on; its outcome is PREEMPTED.
    """
    enter()
    from genfoundry.stopping import interrupted

    from .. import recipes, running

    over = running.overrides(set or {}, seed=seed, data=data, budget=budget)
    recipes.load(recipe, over)  # a mistake is told before Prefect is imported
    interrupted.clear()  # by whoever ended an earlier call in this process
    (came_to,) = running.go([recipe], over)
    if isinstance(came_to, BaseException):
        raise came_to
    return Result(came_to)
