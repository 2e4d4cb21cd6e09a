"""Super-resolution: what it is for, what it asks of a family, what a recipe and a user may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field

from genfoundry import task
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.task import Option, wish

PURPOSE = "For enlarging {noun} like those of the dataset; detail that it adds is plausible, not seen."
LIMITS = (
    "PSNR and SSIM hold each pixel against one original: they reward a blur over detail that is sharp and a little "
    "beside its place. The small images were made from the large ones in one way; what a camera or another program "
    "made small may come out worse."
)
MAKES = True
NEEDS = ("sample", "upscale")
KINDS = ("image",)


class Plan(task.Plan):
    """How enlarged images are judged."""

    num_samples: int = Field(default=1000, ge=16, description="held-out images that are enlarged, at most")

    def as_large_as(self, protocol: Mapping[str, str | int | float]) -> Self:
        """As many images: a Fréchet distance falls with their number."""
        return self.model_copy(update={"num_samples": protocol.get("samples", self.num_samples)})


class Wishes(task.Wishes):
    """An --input is enlarged by a super-resolution model."""

    EXAMPLE: ClassVar[str] = "--input image.png"
    image: Path = wish(
        ...,
        Option(flag="--input", lacking="takes no input image", missing="enlarges an image, and was given none"),
        "an image to enlarge",
    )


def usage(name: str, spec: ImageSpec) -> str:
    """The line of the model's card that calls it."""
    small = f"np.zeros((1, 16, 16, {spec.channels}), np.uint8)"
    return f"large = model.predict({small})  # or your images: uint8 (B, height, width, {spec.channels}), of any size"
