"""Pictures and sounds as data URIs, so that the page needs no other file."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SOUNDS = {  # by how a file begins
    b"RIFF": "audio/wav",
    b"fLaC": "audio/flac",
    b"OggS": "audio/ogg",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
}
MOST_SNAPSHOTS = 6


class Image(NamedTuple):
    """An image with its size in pixels and what it shows."""

    uri: str
    width: int
    height: int
    alt: str
    caption: str = ""


class Recording(NamedTuple):
    """A sound and what is to be heard."""

    uri: str
    caption: str


def picture(data: bytes | None, alt: str, caption: str = "") -> Image | None:
    """The picture in `data`, or None where that is not a PNG."""
    if not data or len(data) < 24 or data[:8] != SIGNATURE:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return Image(as_uri("image/png", data), width, height, alt, caption)


def sound(data: bytes | None, caption: str) -> Recording | None:
    """The sound in `data`, or None where that is none of `SOUNDS`."""
    kind = next((kind for start, kind in SOUNDS.items() if data and data.startswith(start)), None)
    return Recording(as_uri(kind, data), caption) if kind and data else None


def as_uri(kind: str, data: bytes) -> str:
    """The data themselves as an address."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def cropped(data: bytes | None, size: tuple[int, int], alt: str) -> Image | None:
    """The upper left (width, height) of a picture; None where that is not a whole PNG."""
    whole = picture(data, "")
    if whole is None or data is None:
        return None
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    out = io.BytesIO()
    try:
        with Pillow.open(io.BytesIO(data), formats=["PNG"]) as sheet:
            sheet.crop((0, 0, min(size[0], whole.width), min(size[1], whole.height))).save(out, "PNG")
    except (OSError, UnidentifiedImageError, ValueError, Pillow.DecompressionBombError):
        return None
    return picture(out.getvalue(), alt)


def snapshots(images: Mapping[int, bytes], what: str) -> list[Image]:
    """Samples by training step, in order, thinned to `MOST_SNAPSHOTS`, the first and last kept."""
    found = [
        picture(images[step], f"Samples of {what} after {step} training steps", f"step {step:,}")
        for step in evenly(sorted(images), MOST_SNAPSHOTS)
    ]
    return [shot for shot in found if shot]


def evenly(items: Sequence, most: int) -> list:
    """At most `most` of the items, evenly spaced, both ends kept."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]
