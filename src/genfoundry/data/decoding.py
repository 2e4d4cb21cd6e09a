"""One image file: what it says it is, and its pixels. Judged by content, never by suffix; decoded to the last byte."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from genfoundry.data.quarantine import RefusedError

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 25_000_000
MAX_BYTES = 256 << 20  # more than 25 megapixels of 16-bit RGBA take uncompressed
MIN_SIDE = 8
MAX_ASPECT = 4.0
GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N"})
MAGIC = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WebP"}
OTHER_MAGIC = {
    b"GIF8": "a GIF", b"BM": "a BMP", b"II*\0": "a TIFF", b"MM\0*": "a TIFF", b"%PDF": "a PDF", b"PK\3\4": "a ZIP",
    b"<!DO": "an HTML page", b"<htm": "an HTML page", b"<svg": "an SVG", b"\x1f\x8b": "a gzip file",
}  # fmt: skip


DAMAGE = (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError)  # what Pillow raises at damaged bytes


class Header(NamedTuple):
    """What a file says before it is decoded. `sha256` is of its bytes."""

    sha256: str
    width: int
    height: int
    mode: str

    @property
    def is_grey(self) -> bool:
        return self.mode in GREY_MODES


def read_bytes(path: Path) -> bytes:
    """The whole of a regular file, never following a link nor waiting for a pipe.

    Raises:
        RefusedError: EMPTY, TOO_LARGE, SPECIAL or UNREADABLE.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError("SPECIAL", "not a regular file")
            if status.st_size > MAX_BYTES:
                raise RefusedError("TOO_LARGE", f"{status.st_size >> 20} MB, more than {MAX_BYTES >> 20} MB")
            content = file.read()
    except OSError as error:
        raise RefusedError("UNREADABLE", f"could not be read: {error.strerror}") from error
    if not content:
        raise RefusedError("EMPTY", "0 bytes")
    return content


def examine(content: bytes, min_side: int = MIN_SIDE, max_aspect: float = MAX_ASPECT) -> Header:
    """Read and judge the header.

    Raises:
        RefusedError: NOT_IMAGE, TRUNCATED, CORRUPT, TOO_LARGE, TOO_SMALL, ASPECT or ANIMATED.
    """
    image = _open(content)
    width, height = image.size
    short, long = sorted((width, height))
    if width * height > MAX_PIXELS:
        raise RefusedError("TOO_LARGE", f"{width}×{height} pixels, more than {MAX_PIXELS // 10**6} megapixels")
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise RefusedError("ANIMATED", f"{getattr(image, 'n_frames', 0)} frames, expected one picture")
    if long > max_aspect * short:
        raise RefusedError("ASPECT", f"{width}×{height} is longer than {max_aspect:g}:1")
    if short < min_side:
        raise RefusedError("TOO_SMALL", f"{width}×{height}, smaller than {min_side} pixels")
    return Header(hashlib.sha256(content).hexdigest(), width, height, image.mode)


def decode(content: bytes, channels: int, size: int | None = None) -> np.ndarray:
    """The pixels, upright, in `channels` (1 or 3): uint8 (C, H, W); cropped and resized to a square of a given `size`.

    Raises:
        RefusedError: TRUNCATED or CORRUPT.
    """
    return pixels_of(upright(content), channels, size)


def upright(content: bytes) -> Image.Image:
    """The whole picture as the file holds it, turned upright: mode, depth, transparency and profile are its own.

    Raises:
        RefusedError: TRUNCATED or CORRUPT.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("PIL.ImageFile.LOAD_TRUNCATED_IMAGES is on: half an image would pass for a whole one")
    image = _open(content)
    try:
        image.load()
    except DAMAGE as error:
        raise _damaged(content, error) from error
    try:
        return ImageOps.exif_transpose(image)
    except (*DAMAGE, struct.error, ArithmeticError) as error:  # one broken block, found as it is unpacked
        raise RefusedError(
            "CORRUPT", f"its EXIF block does not parse, so its upper side is not known: {error}"
        ) from error


def pixels_of(image: Image.Image, channels: int, size: int | None = None) -> np.ndarray:
    """What `decode` gives, of a picture that is upright.

    Raises:
        RefusedError: CORRUPT.
    """
    try:
        image = _as_mode(image, "L" if channels == 1 else "RGB")
    except DAMAGE as error:
        raise RefusedError("CORRUPT", f"does not decode: {error}") from error
    if size and image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    return np.ascontiguousarray(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1))


def opaque(content: bytes) -> np.ndarray | None:
    """(H, W) bool, where an image that `decode` takes is not transparent at all; None where it says nothing of it."""
    image = ImageOps.exif_transpose(_open(content))
    if not image.has_transparency_data:
        return None
    return np.asarray(image.convert("RGBA").getchannel("A")) == 255


def _open(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # examine() has a lower limit
            return Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise RefusedError("TOO_LARGE", str(error).partition(",")[0]) from error
    except UnidentifiedImageError as error:
        raise _unknown(content) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(content, error) from error


def _unknown(content: bytes) -> RefusedError:
    for magic, name in MAGIC.items():
        if content.startswith(magic):
            return RefusedError("CORRUPT", f"begins like a {name}, but its header is damaged ({len(content)} bytes)")
    what = next((name for magic, name in OTHER_MAGIC.items() if content.startswith(magic)), "no image")
    return RefusedError("NOT_IMAGE", f"{what}, begins with {content[:16]!r}; expected a PNG, JPEG or WebP")


def _damaged(content: bytes, error: Exception) -> RefusedError:
    riff = content.startswith(b"RIFF") and int.from_bytes(content[4:8], "little") + 8 > len(content)
    if riff or "truncated" in str(error).lower():
        return RefusedError("TRUNCATED", f"ends too early, after {len(content)} bytes")
    return RefusedError("CORRUPT", f"does not decode: {error}")


def _as_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert by the stated policy: 16 bits are scaled to 8, what is transparent is laid on white."""
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.float64).clip(0, 65535)
        image = Image.fromarray((levels / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert(mode)
