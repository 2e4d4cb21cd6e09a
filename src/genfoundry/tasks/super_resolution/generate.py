"""An image that is given, enlarged, as a PNG file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from PIL import Image

from genfoundry.data import decoding
from genfoundry.data.quarantine import as_text
from genfoundry.errors import UserError
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import to_batch
from genfoundry.model import Model, Upscales
from genfoundry.records import DatasetVersion
from genfoundry.serving import images
from genfoundry.serving.images import Given
from genfoundry.serving.provenance import Provenance
from genfoundry.task import Generated

if TYPE_CHECKING:
    from genfoundry.tasks.super_resolution.about import Wishes


def write(model: Model, dataset_version: DatasetVersion, wishes: Wishes, origin: Provenance, out: Path) -> Generated:
    """Write `<stem>-x<scale>.png`.

    Raises:
        UserError: it is no image of the model's colours, or the result would be so large that Pillow takes it for a
            decompression bomb.
    """
    given = images.read(wishes.image, model.spec.channels)
    origin = origin.model_copy(update={"given": given.told})
    path = out / f"{given.path.stem}-x{cast(Upscales, model).scale}.png"
    return Generated(origin, [images.write(path, _enlarged(model, given), origin)], [])


def sample(model: Model, dataset_version: DatasetVersion, wishes: Wishes) -> np.ndarray:
    """The pixels that `write` writes: uint8 (1, scale · h, scale · w, C).

    Raises:
        UserError: as `write`.
    """
    return _enlarged(model, images.read(wishes.image, model.spec.channels)).transpose(1, 2, 0)[None]


def _enlarged(model: Model, given: Given) -> np.ndarray:
    """uint8 (C, scale · h, scale · w)."""
    enlarger = cast(Upscales, model)
    scale, limit = enlarger.scale, Image.MAX_IMAGE_PIXELS or decoding.MAX_PIXELS
    if given.pixels[0].size * scale**2 > limit:
        raise UserError(
            f"{as_text(given.path)} has {given.size} pixels, too many to be enlarged {scale} times.",
            expected=f"at most {limit // scale**2:,} pixels",
        )
    with torch.inference_mode():
        large = enlarger.upscale(to_batch(given.pixels[None], torch.device("cpu")).images)
    return to_pixels(large)[0]
