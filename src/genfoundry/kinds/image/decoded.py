"""The files of a user's folder, read: headers first, then pixels; and one image of those that are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from genfoundry.data.decoding import MIN_SIDE, Header, examine, pixels_of, read_bytes, upright
from genfoundry.data.file_names import RANKS
from genfoundry.data.quarantine import IntakeTally, RefusedError
from genfoundry.data.walking import Candidate
from genfoundry.kinds.image import content
from genfoundry.kinds.image.content import PictureFacts

Progress = Callable[[int, int], None]


class Seen(NamedTuple):
    """A file whose header is good."""

    file: Candidate
    header: Header


class Decoded(NamedTuple):
    """A file whose pixels are good; `key` is their sha256, `given` what they were before."""

    seen: Seen
    pixels: np.ndarray
    key: str
    given: PictureFacts

    @property
    def header(self) -> Header:
        return self.seen.header

    @property
    def file(self) -> Candidate:
        return self.seen.file

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright."""
        return self.pixels.shape[2], self.pixels.shape[1]


def read_headers(
    files: list[Candidate], tally: IntakeTally, progress: Progress, min_side: int = MIN_SIDE
) -> list[Seen]:
    """The files whose headers are good: the first half of the steps."""
    seen = []
    for done, file in enumerate(files, 1):
        data = b""
        try:
            data = read_bytes(file.path)
            seen.append(Seen(file, examine(data, min_side)))
        except RefusedError as refused:
            tally.refuse(file.text, refused, hashlib.sha256(data).hexdigest() if data else "")
        progress(done, 2 * len(files))
    return seen


def channels_of(seen: list[Seen]) -> int:
    """1 where all are grey, else 3."""
    return 1 if all(one.header.is_grey for one in seen) else 3


def read_pixels(
    seen: list[Seen], channels: int, side: int | None, tally: IntakeTally, progress: Progress
) -> list[Decoded]:
    """The files that decode, as squares of a given `side`, else as they are: the second half of the steps."""
    decoded, before = [], 2 * len(seen)
    for done, one in enumerate(seen, 1):
        try:
            data = read_bytes(one.file.path)
            if hashlib.sha256(data).hexdigest() != one.header.sha256:
                raise RefusedError("UNREADABLE", "was changed while it was being read")
            picture = upright(data)
            pixels = pixels_of(picture, channels, side)
            key = hashlib.sha256(pixels.tobytes()).hexdigest()
            decoded.append(Decoded(one, pixels, key, content.given(picture)))
        except RefusedError as refused:
            tally.refuse(one.file.text, refused, one.header.sha256)
        progress(len(seen) + done, before)
    return decoded


def distinct(decoded: list[Decoded], tally: IntakeTally) -> list[Decoded]:
    """One of each set of images with the same pixels, that of the given test first; none of one in several classes."""
    alike: dict[str, list[Decoded]] = {}
    for one in decoded:
        alike.setdefault(one.key, []).append(one)
    kept = []
    for group in alike.values():
        if len({one.file.label for one in group}) == 1:
            first = min(group, key=lambda one: RANKS[one.file.given])
            kept.append(first)
            for one in group:
                if one is not first:
                    why = f"the same pixels as {first.file.text}"
                    tally.skip(one.file.text, "DUPLICATE", why, one.header.sha256)
            continue
        for one, other in zip(group, [*group[1:], group[0]], strict=True):
            refused = RefusedError("CONFLICT", f"the same pixels as {other.seen.file.text}: two classes for one image")
            tally.refuse(one.seen.file.text, refused, one.seen.header.sha256)
    return kept


def leaks(decoded: list[Decoded]) -> int:
    """How many images lie in a given split although those pixels are in one that is judged on."""
    lowest: dict[str, int] = {}
    for one in decoded:
        lowest[one.key] = min(RANKS[one.file.given], lowest.get(one.key, len(RANKS)))
    return sum(RANKS[one.file.given] > lowest[one.key] for one in decoded)


def lost(decoded: list[Decoded]) -> dict[str, float]:
    """What the images lost as they were brought to one form; see `content.lost`."""
    return content.lost((one.given, one.key) for one in decoded)
