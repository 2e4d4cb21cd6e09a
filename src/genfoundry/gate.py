"""The gate: a pure function from evaluations to PROMOTE, HOLD or REJECT."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from genfoundry.records import Evaluation, Verdict


class Policy(BaseModel):
    """What a recipe asks of a version before it may be champion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_copy_rate: float = Field(default=0.005, ge=0, le=1, description="near-copies of training examples tolerated")
    must_beat: tuple[str, ...] = Field(default=("noise",), description="floors and baselines to beat, where present")


def judge(evaluation: Evaluation, champion: Evaluation | None, policy: Policy) -> Verdict:
    """Decide from intervals, never from bare points; NaN, missing or infinite never passes."""
    raise NotImplementedError
