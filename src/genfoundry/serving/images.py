"""Images that a user gives, and images that are written: PNG files that say where they came from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from genfoundry.data import decoding
from genfoundry.data.quarantine import RefusedError, as_text
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.serving.provenance import Provenance, stamped

SMALLEST = 2  # pixels to a side of an image that is given
TINGE = 8  # of 255: what a JPEG of a grey image may differ between its channels


class Given(NamedTuple):
    """A user's image, uint8 (C, H, W); `opaque` bool (H, W) where it is known, None where all of it is."""

    path: Path
    sha256: str
    pixels: np.ndarray
    opaque: np.ndarray | None

    @property
    def size(self) -> str:
        """Width × height."""
        return f"{self.pixels.shape[2]}×{self.pixels.shape[1]}"

    @property
    def told(self) -> str:
        """What a file that is made of it says that it was made of."""
        return f"image sha256 {self.sha256}"


def read(path: Path, channels: int) -> Given:
    """A user's image at its own size in `channels` (1 or 3), of any mode that needs no guess and loses no colour.

    Raises:
        UserError: it is no image, a damaged one, too small, too large, for print, or in colour for a grey model.
    """
    try:
        content = decoding.read_bytes(Path(os.path.realpath(path)))
        header = decoding.examine(content, SMALLEST, float("inf"))
        _check_colours(path, header, content, channels)
        pixels, opaque = decoding.decode(content, channels), decoding.opaque(content)
    except RefusedError as error:
        raise UserError(
            f"{as_text(path)}: {error}.",
            expected=f"a PNG, JPEG or WebP of at least {SMALLEST}×{SMALLEST} pixels "
            f"and at most {decoding.MAX_PIXELS // 10**6} megapixels",
        ) from error
    return Given(path, header.sha256, pixels, opaque)


def _check_colours(path: Path, header: decoding.Header, content: bytes, channels: int) -> None:
    if header.mode == "CMYK":
        raise UserError(
            f"{as_text(path)} is in CMYK, for print; what it looks like depends on a colour profile.",
            expected="an image in RGB or grey",
            remedy="save it as sRGB with an image editor, which applies its profile",
        )
    if channels == 1 and not header.is_grey and np.ptp(decoding.decode(content, 3), axis=0).max() > TINGE:
        raise UserError(
            f"{as_text(path)} is in colour, and the model knows only grey.",
            expected="a grey image, or one in RGB whose three channels are equal",
            remedy="save it as greyscale, or name a model that was trained on colour: genfoundry registry list",
        )


def write(path: Path, pixels: np.ndarray, origin: Provenance) -> Path:
    """Write uint8 `pixels` (C, H, W), C of 1 or 3, as a PNG that says where it came from."""
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    return write_atomic(path, stamped(picture, origin))
