"""A user's folder of images, brought to one shape by a stated policy and split without a leak."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import median

from genfoundry.data.listing import list_folder
from genfoundry.data.quarantine import IntakeTally, count_reasons
from genfoundry.errors import UserError
from genfoundry.kinds.image.decoded import (
    Decoded,
    Progress,
    Seen,
    channels_of,
    distinct,
    leaks,
    lost,
    read_headers,
    read_pixels,
)
from genfoundry.kinds.image.division import Found, ImagesTaken, divided
from genfoundry.kinds.image.earlier import Earlier
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.image.splitting import SplitRequest, fraction_for
from genfoundry.kinds.image.take import MULTIPLE, SMALLEST

LARGEST_DEFAULT = 64  # of a side, in pixels


def take_images(
    root: Path, tally: IntakeTally, size: int | None, asked: SplitRequest, progress: Progress
) -> ImagesTaken:
    """Read a folder: list, judge the headers, choose the shape, decode, drop duplicates, split.

    Args:
        size: of a side in pixels; None keeps that of the version before, or chooses one near the images' own.
        progress: called with (steps done, steps in all).

    Raises:
        UserError: too much is bad, a class is too small, the folder has no form that is known, or it can't go on from
            the version before.
    """
    fraction_for(asked.test_fraction, asked.before, force=asked.force)  # refused before the work
    listing = list_folder(root, tally, asked.reading)
    seen = read_headers(listing.candidates, tally, progress)
    tally.check()
    if not seen:
        raise UserError(
            f"None of {tally.total} files is an image that can be used: {count_reasons(tally.quarantined)}."
        )
    channels = channels_of(seen)
    side = size or _side_before(asked.before) or _near_side(seen)
    decoded = read_pixels(seen, channels, side, tally, progress)
    kept = distinct(decoded, tally)
    tally.check()
    policy = {"resize": _resize_sentence(kept, side), "modes": mode_sentence(kept, channels)}
    return divided(kept, listing, asked, tally, policy, Found(leaks(decoded), lost(decoded)))


def _side_before(before: Earlier | None) -> int | None:
    """The side of the squares that a version before holds."""
    spec = before.card.spec if before else None
    if isinstance(spec, ImageSpec) and spec.source is None and spec.height == spec.width:
        return spec.height
    return None


def _near_side(seen: list[Seen]) -> int:
    """The multiple of 4 nearest to the median short side, 8 to 64."""
    middle = median(min(one.header.width, one.header.height) for one in seen)
    return min(max(int(middle / MULTIPLE + 0.5) * MULTIPLE, SMALLEST), LARGEST_DEFAULT)


def _resize_sentence(kept: list[Decoded], side: int) -> str:
    sizes = [(one.seen.header.width, one.seen.header.height) for one in kept]
    exact = sum(size == (side, side) for size in sizes)
    if exact == len(sizes):
        return f"none: all were {side}×{side}"
    small, large = min(sizes), max(sizes)
    enlarged = sum(min(size) < side for size in sizes)
    return (
        f"cropped to the central square and resized to {side}×{side} (Lanczos): {len(sizes) - exact} of {len(sizes)}, "
        f"from {small[0]}×{small[1]} to {large[0]}×{large[1]}; {enlarged} were enlarged"
    )


def mode_sentence(kept: list[Decoded], channels: int) -> str:
    """What the modes were, and what was done about them."""
    counts = Counter(one.seen.header.mode for one in kept)
    found = ", ".join(f"{count} {mode}" for mode, count in sorted(counts.items()))
    return (
        f"{'grey, 1 channel' if channels == 1 else 'RGB, 3 channels'} (found: {found}); turned upright by EXIF, "
        "transparency laid on white, 16 bits scaled to 8, the first picture of a multi-picture JPEG"
    )
