"""What a set of images looks like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from genfoundry.records import Spec

NOUN = "images"


class ImageSpec(Spec):
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

    @property
    def num_names(self) -> int:
        """The number of classes."""
        return self.num_classes


SPEC = ImageSpec


def recipe(spec: ImageSpec) -> str:
    """Images are generated; those of pairs are made from their sources."""
    return f"srgan --set model.scale={spec.height // spec.source[1]}" if spec.source else "dcgan"
