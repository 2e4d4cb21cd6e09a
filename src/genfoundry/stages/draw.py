"""Images of a model as PNG files: samples, completions of an image, or an image enlarged."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from genfoundry.data import decoding
from genfoundry.data.quarantine import RefusedError, as_text
from genfoundry.errors import UserError
from genfoundry.files import publish
from genfoundry.judging.sheet import grid
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import ImageBatch, to_batch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Completes, Model, Upscales
from genfoundry.serving.provenance import Provenance, stamped

BATCH = 32  # always drawn whole, so that the first images don't depend on how many follow
SHOWN, COLUMNS = 100, 10  # of the contact sheet
SMALLEST = 2  # pixels to a side of an image that is given
TINGE = 8  # of 255: what a JPEG of a grey image may differ between its channels
Make = Callable[[Tensor, Generator], Tensor]  # row numbers (B,) → images (B, C, H, W) in [-1, 1]


class Given(NamedTuple):
    """A user's image (1, C, H, W) in [-1, 1]; `opaque` (H, W) where it is known, None where all of it is."""

    path: Path
    sha256: str
    image: Tensor
    opaque: np.ndarray | None

    @property
    def size(self) -> str:
        """Width × height."""
        return f"{self.image.shape[3]}×{self.image.shape[2]}"


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
    return Given(path, header.sha256, to_batch(pixels[None], torch.device("cpu")).images, opaque)


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


def sampling(model: Model, spec: ImageSpec, label: int | None) -> Make:
    """Samples of one class; of every class in turn where none is given."""

    def make(rows: Tensor, generator: Generator) -> Tensor:
        in_turn = rows % spec.num_classes if model.takes_labels else torch.full_like(rows, -1)
        labels = in_turn if label is None else torch.full_like(rows, label)
        return model.sample(ImageBatch(torch.zeros(len(rows), *spec.shape), labels), generator)

    return make


def completing(model: Model, given: Given) -> Make:
    """Completions of an image: what is transparent is drawn anew, or its lower half where nothing is.

    Raises:
        UserError: the image is not of the model's size.
    """
    height, width = model.spec.height, model.spec.width
    if given.image.shape[2:] != (height, width):
        raise UserError(f"{as_text(given.path)} has {given.size} pixels.", expected=f"{width}×{height}, as the model's")
    opaque = given.opaque
    if opaque is None or opaque.all():
        opaque = np.arange(height)[:, None].repeat(width, 1) < height // 2
    known = torch.from_numpy(opaque)[None, None]

    def make(rows: Tensor, generator: Generator) -> Tensor:
        images, kept = (tensor.repeat(len(rows), 1, 1, 1) for tensor in (given.image, known))
        return torch.where(kept, images, cast(Completes, model).complete(images, kept, generator))

    return make


def batches(make: Make, count: int, seed: int) -> Iterator[np.ndarray]:
    """uint8 images (B, C, H, W), `count` in all; what a batch is drawn from depends on its number and the seed."""
    for first in range(0, count, BATCH):
        stream = np.random.SeedSequence(seed, spawn_key=(first // BATCH,)).generate_state(1, np.uint64)[0]
        generator = Generator().manual_seed(int(stream) % 2**63)
        with torch.inference_mode():
            yield to_pixels(make(torch.arange(first, first + BATCH), generator))[: count - first]


def write(parts: Iterable[np.ndarray], origin: Provenance, out: Path) -> list[Path]:
    """A file an image, numbered, and a contact sheet of the first 100."""
    files: list[Path] = []
    shown: list[np.ndarray] = []
    for images in parts:
        shown.extend(images[: SHOWN - len(shown)])
        for pixels in images:
            files.append(publish(out / f"{len(files):05d}.png", stamped(_picture(pixels), origin)))
    sheet = Image.open(io.BytesIO(grid(np.stack(shown), min(COLUMNS, len(shown)))))
    return [*files, publish(out / "contact-sheet.png", stamped(sheet, origin))]


def enlarge(model: Upscales, given: Given, origin: Provenance, out: Path) -> Path:
    """Write `<stem>-x<scale>.png`.

    Raises:
        UserError: the result would be so large that Pillow takes it for a decompression bomb.
    """
    scale, limit = cast(Model, model).config.scale, Image.MAX_IMAGE_PIXELS or decoding.MAX_PIXELS
    if given.image[0, 0].numel() * scale**2 > limit:
        raise UserError(
            f"{as_text(given.path)} has {given.size} pixels, too many to be enlarged {scale} times.",
            expected=f"at most {limit // scale**2:,} pixels",
        )
    with torch.inference_mode():
        large = to_pixels(model.upscale(given.image))[0]
    return publish(out / f"{given.path.stem}-x{scale}.png", stamped(_picture(large), origin))


def _picture(pixels: np.ndarray) -> Image.Image:
    """uint8 (C, H, W), C of 1 or 3."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
