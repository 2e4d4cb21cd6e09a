"""What the stages hand on: small, frozen, JSON. Arrays, weights and images stay in DVC and MLflow.

The type of an argument proves that the stage before it ran. No record holds a path of one machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from genfoundry import catalog
from genfoundry.errors import UserError

Decision = Literal["PROMOTE", "HOLD", "REJECT"]


class Record(BaseModel):
    """A frozen value; NaN and infinity survive its JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Spec(Record):
    """What data of one kind look like; every kind has a class of its own, `SPEC` of `kinds/<kind>/spec.py`."""

    kind: str

    @property
    def num_names(self) -> int:
        """How many things its data number that have names: classes, series; 0 for none."""
        return 0


def _of_its_kind(value: Any) -> Any:
    """Read a spec from JSON as the class of its kind.

    Raises:
        ValueError: there is no such kind of data.
    """
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(kind, str):
        return value
    try:
        spec: type[Spec] = catalog.part("kinds", kind, "spec").SPEC
    except UserError as error:
        raise ValueError(str(error)) from None
    return spec.model_validate(value)


AnySpec = Annotated[SerializeAsAny[Spec], BeforeValidator(_of_its_kind)]
"""The spec of whatever kind its `kind` names: the catalogue finds the class."""


class DatasetVersion(Record):
    """One dataset at one version. `digest` is the hash of its folder as DVC computes it (`….dir`)."""

    name: str
    kind: str
    digest: str
    spec: AnySpec


class Check(Record):
    """One expectation and how the data met it."""

    name: str
    severity: Literal["critical", "warning"]
    passed: bool
    sentence: str


class ValidatedDataset(Record):
    """A dataset version whose bytes fulfil its card. `skipped` says that an earlier validation had found it."""

    version: DatasetVersion
    counts: dict[str, int]
    checks: tuple[Check, ...]
    skipped: bool = Field(default=False, exclude=True)

    @property
    def warnings(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)


class Cost(Record):
    """What a training took."""

    seconds: float = 0.0
    steps: int = 0
    examples: int = 0
    peak_memory_mb: float = 0.0
    parameters: int = 0
    flops_per_sample: float = 0.0
    device: str = ""
    precision: str = ""


class Checkpoint(Record):
    """Trained weights in MLflow, named by run and digest. `skipped` says that an earlier run had made them.

    `fraction` is the share of the training data that it saw, in (0, 1]. `variant` is the same for trainings that differ
    in their seed alone.
    """

    recipe: str
    family: str
    run_key: str
    run_id: str
    weights_digest: str
    dataset: DatasetVersion
    seed: int
    fraction: float = Field(default=1.0, exclude_if=lambda v: v == 1)
    variant: str = Field(default="", exclude_if=lambda v: not v)
    cost: Cost
    outcome: Literal["COMPLETED", "DIVERGED"] = "COMPLETED"
    skipped: bool = False


class Score(Record):
    """One number with its interval. The name holds the protocol; scores of different names never compare.

    `subject` is whose score it is: `model`, a floor (`real`, `copy`, `noise`), or a baseline's name.
    """

    name: str
    subject: str = "model"
    value: float
    low: float
    high: float
    higher_is_better: bool


class Evaluation(Record):
    """How one checkpoint was judged. `primary` names the score that decides; its gallery lies in the MLflow run.

    `task` is what it was judged in, and `trivial` whom a version has to beat in it before it may be champion.
    """

    checkpoint: Checkpoint
    primary: str
    scores: tuple[Score, ...]
    protocol: dict[str, str | int | float]
    details: dict[str, list[float]] = {}
    task: str = ""
    trivial: tuple[str, ...] = ()
    digest: str = ""
    seconds: float = 0.0
    skipped: bool = False

    @property
    def folder(self) -> str:
        """Where in the run its gallery lies: a run may be judged in more than one way."""
        return f"evaluation/{self.digest[:16]}"

    def score(self, name: str, subject: str = "model") -> Score | None:
        """The score of that name and subject, if there is one."""
        return next((s for s in self.scores if (s.name, s.subject) == (name, subject)), None)


class Reason(Record):
    """One line of the gate's ledger."""

    rule: str
    passed: bool
    sentence: str


TRIAL = "trial"
"""The rule that a run on a part of the budget always fails: it was judged, and is not to be taken for a training."""


class Verdict(Record):
    """What the gate decided, and why."""

    decision: Decision
    reasons: tuple[Reason, ...]

    @property
    def on_trial(self) -> bool:
        """Whether it was reached on a part of the budget."""
        return any(reason.rule == TRIAL for reason in self.reasons)


class ModelVersion(Verdict):
    """A registered version and its verdict. `alias` is the alias that this registration gave it, if any."""

    name: str
    version: int
    run_id: str
    alias: str | None = None
    evaluation: Evaluation
    skipped: bool = False
