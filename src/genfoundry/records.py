"""What the stages hand on: small, frozen, JSON. Arrays, weights and images stay in DVC and MLflow.

The type of an argument proves that the stage before it ran. No record holds a path of one machine.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

Decision = Literal["PROMOTE", "HOLD", "REJECT"]


class Record(BaseModel):
    """A frozen value; NaN and infinity survive its JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class ImageSpec(Record):
    """Shape of an image dataset; images are uint8 on disk and float32 in [-1, 1] in a batch.

    `source` is the (C, H, W) of what each image is to be made from, in a set of pairs.
    """

    kind: Literal["image"] = "image"
    channels: int = Field(gt=0)
    height: int = Field(gt=0)
    width: int = Field(gt=0)
    num_classes: int = Field(default=0, ge=0)
    # left out of the JSON where there is none, so that what was sealed before sets of pairs keeps its digest
    source: tuple[PositiveInt, PositiveInt, PositiveInt] | None = Field(default=None, exclude_if=lambda v: v is None)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width


class SeriesSpec(Record):
    """Shape of a set of regular time series; `y` is the target, the other channels are observed beside it."""

    kind: Literal["series"] = "series"
    freq: str
    season: int = Field(gt=0, description="steps in one season, 1 where there is none")
    context: int = Field(gt=0, description="steps of the past that a model is given")
    horizon: int = Field(gt=0, description="steps of the future to forecast")
    channels: tuple[str, ...] = ("y",)
    num_series: int = Field(default=1, gt=0)


Spec = Annotated[ImageSpec | SeriesSpec, Field(discriminator="kind")]


class DatasetVersion(Record):
    """One dataset at one version. `digest` is the hash of its folder as DVC computes it (`….dir`)."""

    name: str
    kind: str
    digest: str
    spec: Spec


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
