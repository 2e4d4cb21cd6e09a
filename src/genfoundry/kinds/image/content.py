"""What a picture holds before it is brought to 8 bits of grey or RGB, and what a set of them loses by that.

Only what was lost is put down, so a set that lost nothing has the card that it always had.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from genfoundry.data.conversion import (
    AFTER,
    BEFORE,
    CMYK,
    DEEP,
    FULL,
    HIGHEST,
    PICTURES,
    PROFILE,
    TRANSPARENT,
    USED,
    sentences,
)
from genfoundry.errors import UserError

SEEN = 3.0  # levels of 255 by which a profile's colours have to differ from sRGB's to be counted


class PictureFacts(NamedTuple):
    """What a picture was: a hash of all its pixels, and what conversion does not keep.

    `profile` names the colour profile where it is not sRGB's, `highest` is the highest value of a 16-bit picture.
    """

    key: bytes
    transparent: bool
    profile: str
    cmyk: bool
    highest: int | None


def given(image: Image.Image) -> PictureFacts:
    """Look at a picture that is loaded and upright."""
    transparent, profile = _is_transparent(image), image.info.get("icc_profile")
    # 'RGBa' has each colour times its alpha: what nobody sees makes no two pictures different
    whole = image.convert("RGBA").convert("RGBa") if transparent else image.convert(_like(image))
    return PictureFacts(
        key=hashlib.sha256(f"{whole.mode} {whole.size}".encode() + whole.tobytes()).digest(),
        transparent=transparent,
        profile=profile_name(profile) if profile and image.mode.startswith(("RGB", "P")) else "",
        cmyk=image.mode == "CMYK",
        highest=int(np.asarray(image).max()) if image.mode.startswith("I") else None,
    )


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    lowest = np.asarray(image.convert("RGBA").getchannel("A")).min()
    return bool(lowest < 255)


def _like(image: Image.Image) -> str:
    """The mode that holds all of a picture which is not transparent, the same for the same picture."""
    if image.mode.startswith("I") or image.mode in ("L", "RGB", "CMYK"):
        return image.mode
    return "L" if image.mode in ("1", "LA") else "RGB"


@lru_cache(maxsize=256)
def profile_name(profile: bytes) -> str:
    """The name of a profile whose colours differ from sRGB's to the eye; empty where they don't."""
    corners = np.array(np.meshgrid(*[(40, 128, 215)] * 3), np.uint8).reshape(3, -1).T[None]
    patch = Image.fromarray(np.ascontiguousarray(corners))
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        seen = ImageCms.profileToProfile(patch, source, ImageCms.createProfile("sRGB"))
        name = ImageCms.getProfileDescription(source).strip()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return "one that does not parse"
    moved = np.abs(np.asarray(seen).astype(int) - corners).mean()
    words = "".join(c if c.isprintable() else "?" for c in name)[:60]
    return (words or "unnamed") if moved > SEEN else ""


def lost(converted: Iterable[tuple[PictureFacts, str]]) -> dict[str, float]:
    """What pictures lost as they were brought to one form, counted as `Card.content` holds it; empty for nothing.

    Args:
        converted: what each was, and the hash of what it is now.

    Raises:
        UserError: they were different, and are all the same now.
    """
    pictures, now = zip(*converted, strict=True) if (converted := list(converted)) else ((), ())
    found = _counted(pictures) | _depth([one.highest for one in pictures if one.highest is not None])
    before, after = len({one.key for one in pictures}), len(set(now))
    if after < before:
        found |= {BEFORE: before, AFTER: after}
    if not found:
        return {}
    counts = {what: float(number) for what, number in {PICTURES: len(pictures), **found}.items()}
    _check_apart(counts)
    return counts


def _counted(pictures: Sequence[PictureFacts]) -> dict[str, int]:
    """How many have what conversion does not keep."""
    profiles = Counter(PROFILE + one.profile for one in pictures if one.profile)
    found = {
        TRANSPARENT: sum(one.transparent for one in pictures),
        CMYK: sum(one.cmyk for one in pictures),
        **dict(sorted(profiles.items())),
    }
    return {what: number for what, number in found.items() if number}


def _depth(highest: Sequence[int]) -> dict[str, int]:
    """How many pictures have 16 bits, by their highest values, where they use too little of them."""
    return {DEEP: len(highest), HIGHEST: max(highest)} if highest and max(highest) < USED * FULL else {}


def told(content: Mapping[str, float]) -> dict[str, str]:
    """The same in words, as a step of the policy; none for nothing."""
    words = "; ".join(sentences(content))
    return {"lost": words} if words else {}


def _check_apart(content: Mapping[str, float]) -> None:
    """Refuse pictures that were different and are one and the same now.

    Raises:
        UserError: they are; says what made them so.
    """
    if content.get(AFTER) == 1:
        raise UserError(
            f"All pictures are the same once they are converted: {'; '.join(sentences(content))}.",
            expected="pictures that differ in what is seen of them on white, at 8 bits",
            remedy="lay what is transparent on another ground, or spread the values, and add them again",
        )
