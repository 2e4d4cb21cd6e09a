"""What a recipe asks of its data: how much of it may be bad, and when a change of it is worth a training."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RecipeSection(BaseModel):
    """A part of a recipe: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Validation(RecipeSection):
    """How much of the data may be bad before the run stops."""

    max_bad_fraction: float = Field(default=0.01, ge=0, lt=1)
    min_rows: int = Field(default=50, ge=1, description="fewest rows a split may have")
    max_class_imbalance: float = Field(default=20.0, ge=1, description="largest class over smallest, a warning above")


class Watch(RecipeSection):
    """When changed data are worth a training. Part of no key: what is trained does not depend on it."""

    min_new_rows: int = Field(default=1000, ge=1, description="as many rows that were not there retrain in any case")
    false_alarms: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of changes of no consequence that may still count as drift"
    )
