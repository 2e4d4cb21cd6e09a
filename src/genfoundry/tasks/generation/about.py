"""Generation: what it is for, what it asks of a family, what a recipe and a user may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field

from genfoundry import task
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.task import Option, wish

PURPOSE = "For making synthetic {noun} like those of the dataset."
LIMITS = (
    "A Fréchet distance compares two crowds, not two pictures: a low one does not promise that every sample is good. "
    "It is measured in the features named with it, and what those features do not see (texture, say, to a classifier "
    "of shapes) it does not count. Nearest neighbours are nearest in one distance only; a copy that is shifted or "
    "recoloured may hide from it."
)
MAKES = True
NEEDS = ("sample",)
KINDS = ("image",)
GIVES = ("label",)


class Plan(task.Plan):
    """How generated sets are judged."""

    num_samples: int = Field(default=1000, ge=16)
    seeds: int = Field(default=3, ge=1, le=20, description="independent sets of samples")
    inception_weights: str | None = Field(default=None, description="path of the canonical Inception weights")

    def as_large_as(self, protocol: Mapping[str, str | int | float]) -> Self:
        """As many samples: a Fréchet distance falls with their number."""
        return self.model_copy(update={"num_samples": protocol.get("samples", self.num_samples)})


class Wishes(task.Wishes):
    """Images become PNG files with a contact sheet; of an --input, a model that completes draws what is transparent, or
    its lower half."""

    EXAMPLE: ClassVar[str] = "-n 64 --seed 7"
    number: int = wish(64, Option(flag="-n"), "Images (64)", ge=1, le=99_999)
    label: str | None = wish(
        None,
        Option(flag="--class", needs=("label",), lacking="takes no class"),
        "Of which class, by name, else by number (default: each in turn).",
    )
    image: Path | None = wish(
        None,
        Option(flag="--input", needs=("complete",), lacking="takes no input image"),
        "An image to complete",
    )


def usage(name: str, spec: ImageSpec) -> str:
    """The line of the model's card that calls it."""
    shape = f"(16, {spec.height}, {spec.width}, {spec.channels})"
    return f"images = model.sample(16, seed=7)  # uint8 {shape}"
