"""Classification: what it is for, what it asks of a family, what a recipe may say."""

from __future__ import annotations

from genfoundry import task
from genfoundry.kinds.image.spec import ImageSpec

PURPOSE = "For telling the classes of the dataset apart, and for the features that judge generated {noun}."
LIMITS = "Accuracy and confidence on examples held out from the same source say nothing of examples from another one."
MAKES = False
NEEDS = ("classify",)
KINDS = ("image",)


class Plan(task.Plan):
    """How classifiers are judged: on the whole test split, so there is nothing more to say."""


def usage(name: str, spec: ImageSpec) -> str:
    """The line of the model's card that calls it."""
    shape = f"{spec.height}, {spec.width}, {spec.channels}"
    return f"probabilities = model.predict(np.zeros((1, {shape}), np.uint8))  # or your images: uint8 (B, {shape})"
