"""How long, how fast, how often: the `training` section of a recipe, as the training process reads it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _name_or_place(value: object) -> object:
    """Refuse what YAML makes of classes that are called `no` or `1.50`, and what is neither a name nor a place."""
    if isinstance(value, bool | float):
        raise ValueError(f"YAML read {value!r}; write the name of the class in quotes")
    if value == "" or (isinstance(value, int) and value < 0):
        raise ValueError("expected the name of a class, or its number from 0")
    return value


Class = Annotated[int | str | None, BeforeValidator(_name_or_place)]
"""A class of images, by name or by the number of its place: see `genfoundry.training.naming`."""


class Settings(BaseModel):
    """Budgets are steps, never seconds, so that a recipe gives the same model on every machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: int = Field(gt=0)
    share: float = Field(default=1.0, gt=0, le=1, description="of max_steps and warmup_steps; a budget sets it")
    batch_size: int = Field(default=64, gt=0)
    seed: int = Field(default=0, ge=0, lt=2**31)
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    leave_out: Class = Field(default=None, description="images: the class that training never sees")
    fraction: float = Field(default=1.0, gt=0, le=1, description="images: share of each class that is trained on")
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    compile: bool = False
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 shares the cores among the trainings")
    log_every: int = Field(default=20, gt=0, description="steps in one line of the journal")
    snapshot_every: int = Field(default=500, gt=0, description="steps between resumable snapshots")
    sample_every: int = Field(default=500, gt=0, description="steps between sample grids")

    def shortened(self) -> Settings:
        """The same with the steps that `share` leaves."""
        steps, warmup = (max(1, round(self.share * n)) if n else 0 for n in (self.max_steps, self.warmup_steps))
        return self.model_copy(update={"max_steps": steps, "warmup_steps": warmup, "share": 1.0})

    def rate(self, step: int) -> float:
        """The factor on every learning rate at `step`: linear warm-up, then constant or a cosine to zero."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return 1.0
        done = (step - self.warmup_steps) / max(1, self.max_steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def averaging(self, step: int) -> float:
        """The decay of the moving average at `step`, short at first so that the start is forgotten."""
        return min(self.ema_decay, (1 + step) / (10 + step))
