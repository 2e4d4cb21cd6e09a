"""Anomaly detection: what it is for, what it asks of a family, what a recipe may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from genfoundry import catalog, task
from genfoundry.errors import UserError
from genfoundry.training.settings import Class

PURPOSE = "For finding what differs from the dataset; the threshold is set without labels."
LIMITS = (
    "The anomalies that it was judged on are a class that was left out of training, or faults that were planted into "
    "the series: real ones may look otherwise and be found more rarely. The share of false alarms holds for data like "
    "those that the threshold was set on."
)
MAKES = False
NEEDS = ()  # each kind of data has its own, in the part that is called so
KINDS = ()


class Plan(task.Plan):
    """How detectors are judged."""

    origins: int = Field(default=14, ge=1, description="series: rolling forecast origins per series")
    left_out: Class = Field(default=None, description="images: the class that training.leave_out names; filled in")

    def completed(self, training: Mapping[str, Any], kind: str) -> Self:
        """With the class that was left out of training, where that is the anomaly."""
        if catalog.constants("tasks", "anomaly", kind).get("LEAVES_OUT") and training["leave_out"] is None:
            raise UserError(
                "asks for anomalies, and leaves no class out of training.",
                expected="training.leave_out, the name of a class, or its number",
            )
        return self.model_copy(update={"left_out": training["leave_out"]})
