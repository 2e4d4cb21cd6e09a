"""What the task is for, what it asks of a family, what a recipe and a user may say: see `genfoundry.task`."""

from __future__ import annotations

from pydantic import Field

from genfoundry import task
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.task import Option, wish

PURPOSE = "For making {noun} that are as bright as those of the dataset."
LIMITS = "The mean of all pixels says nothing of what an image shows."
MAKES = True  # something new, which is marked as such
NEEDS = ("sample",)  # the methods that a family must have
KINDS = ("image",)  # of data; () for any


class Plan(task.Plan):
    """What a recipe may say below `evaluation`."""

    num_samples: int = Field(default=256, ge=16)


class Wishes(task.Wishes):
    """Images become PNG files."""

    number: int = wish(16, Option(flag="-n"), "Images (16)", ge=1, le=4096)


def usage(name: str, spec: ImageSpec) -> str:
    """The line of a model's card that calls what is served."""
    return f"images = model.predict(seeds)  # (B, {spec.channels}, {spec.height}, {spec.width}) of int64 seeds (B, 1)"
