"""PNG images as data URIs, so that the page needs no other file."""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from genfoundry.judging.sheet import CELL, GAP
from genfoundry.kinds.image.spec import ImageSpec

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_SNAPSHOTS = 6


class Picture(NamedTuple):
    """An image with its size in pixels and what it shows."""

    uri: str
    width: int
    height: int
    alt: str
    caption: str = ""


def picture(data: bytes | None, alt: str, caption: str = "") -> Picture | None:
    """The picture in `data`, or None where that is not a PNG."""
    if not data or len(data) < 24 or data[:8] != SIGNATURE:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return Picture("data:image/png;base64," + base64.b64encode(data).decode(), width, height, alt, caption)


def preview(data: bytes | None, spec: object, what: str, count: int = 5) -> Picture | None:
    """The first `count` cells of a grid that `genfoundry.judging.sheet` drew, or None where there is no such grid."""
    whole = picture(data, "")
    if whole is None or data is None or not isinstance(spec, ImageSpec):
        return None
    from PIL import Image, UnidentifiedImageError

    factor = max(1, CELL // max(spec.height, spec.width))
    corner = (GAP + count * (spec.width * factor + GAP), GAP + spec.height * factor + GAP)
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as grid:
            grid.crop((0, 0, min(corner[0], whole.width), min(corner[1], whole.height))).save(out, "PNG")
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    return picture(out.getvalue(), f"The first {count} samples of {what}")


def snapshots(images: Mapping[str, bytes], what: str) -> list[Picture]:
    """The `samples/<step>` images in order of steps, thinned to `MOST_SNAPSHOTS`, the first and last kept."""
    steps = {int(found[1]): data for name, data in images.items() if (found := re.fullmatch(r"samples/(\d+)", name))}
    found = []
    for step in evenly(sorted(steps), MOST_SNAPSHOTS):
        caption = f"step {step:,}"
        found.append(picture(steps[step], f"Samples of {what} after {step} training steps", caption))
    return [shot for shot in found if shot]


def evenly(items: Sequence, most: int) -> list:
    """At most `most` of the items, evenly spaced, both ends kept."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]
