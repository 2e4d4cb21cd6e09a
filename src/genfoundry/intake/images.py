"""A user's folder of images, brought to one shape by a stated policy and split without a leak."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from genfoundry.errors import UserError
from genfoundry.intake.content import Given, given, lost, told
from genfoundry.intake.decoding import MIN_SIDE, Header, examine, pixels_of, read_bytes, upright
from genfoundry.intake.listing import Candidate, list_folder
from genfoundry.intake.quarantine import Account, RefusedError, tally
from genfoundry.kinds.image import ImageExample

MULTIPLE, SMALLEST, LARGEST_DEFAULT, LARGEST = 4, 8, 64, 256  # of a side, in pixels
Progress = Callable[[int, int], None]


class Taken(NamedTuple):
    """What a folder gave. `policy` says what was done to it, one sentence a step."""

    examples: list[ImageExample]
    class_names: tuple[str, ...]
    policy: dict[str, str]
    content: dict[str, float] = {}


class Seen(NamedTuple):
    """A file whose header is good."""

    file: Candidate
    header: Header


class Decoded(NamedTuple):
    """A file whose pixels are good; `key` is their sha256, `given` what they were before."""

    seen: Seen
    pixels: np.ndarray
    key: str
    given: Given

    @property
    def header(self) -> Header:
        return self.seen.header

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright."""
        return self.pixels.shape[2], self.pixels.shape[1]


def take_images(
    root: Path, account: Account, size: int | None, test_fraction: float, seed: int, progress: Progress
) -> Taken:
    """Read a folder: list, judge the headers, choose the shape, decode, drop duplicates, split.

    Args:
        size: of a side in pixels; None chooses one near the images' own.
        progress: called with (steps done, steps in all).

    Raises:
        UserError: too much is bad, a class is too small, or the folder has no form that is known.
    """
    files, class_names = list_folder(root, account)
    seen = read_headers(files, account, progress)
    account.check()
    if not seen:
        raise UserError(f"None of {account.total} files is an image that can be used: {tally(account.quarantined)}.")
    channels = channels_of(seen)
    side = size or _near_side(seen)
    decoded = read_pixels(seen, channels, side, account, progress)
    losses = lost((one.given, one.key) for one in decoded)
    kept = distinct(decoded, account)
    account.check()
    check_classes(kept, class_names)
    policy = {
        "resize": _resize_sentence(kept, side),
        "modes": mode_sentence(kept, channels),
        "split": f"{test_fraction:.0%} of each class is test, chosen by the hash of the pixels and seed {seed}",
        "quarantined": tally(account.quarantined),
        "skipped": tally(account.skipped),
        **told(losses),
    }
    return Taken(split_examples(kept, test_fraction, seed), class_names, policy, losses)


def check_size(size: int | None) -> None:
    """Refuse a side that a network can't take.

    Raises:
        UserError: not a multiple of 4 from 8 to 256.
    """
    if size is not None and (size % MULTIPLE or not SMALLEST <= size <= LARGEST):
        below = min(max(size // MULTIPLE * MULTIPLE, SMALLEST), LARGEST)
        raise UserError(
            f"--size {size} is no size that the networks can take.",
            expected=f"a multiple of {MULTIPLE} from {SMALLEST} to {LARGEST}",
            remedy=f"--size {below}",
        )


def read_headers(files: list[Candidate], account: Account, progress: Progress, min_side: int = MIN_SIDE) -> list[Seen]:
    """The files whose headers are good: the first half of the steps."""
    seen = []
    for done, file in enumerate(files, 1):
        content = b""
        try:
            content = read_bytes(file.path)
            seen.append(Seen(file, examine(content, min_side)))
        except RefusedError as refused:
            account.refuse(file.text, refused, hashlib.sha256(content).hexdigest() if content else "")
        progress(done, 2 * len(files))
    return seen


def channels_of(seen: list[Seen]) -> int:
    """1 where all are grey, else 3."""
    return 1 if all(one.header.is_grey for one in seen) else 3


def _near_side(seen: list[Seen]) -> int:
    """The multiple of 4 nearest to the median short side, 8 to 64."""
    middle = median(min(one.header.width, one.header.height) for one in seen)
    return min(max(int(middle / MULTIPLE + 0.5) * MULTIPLE, SMALLEST), LARGEST_DEFAULT)


def read_pixels(
    seen: list[Seen], channels: int, side: int | None, account: Account, progress: Progress
) -> list[Decoded]:
    """The files that decode, as squares of a given `side`, else as they are: the second half of the steps."""
    decoded, before = [], 2 * len(seen)
    for done, one in enumerate(seen, 1):
        try:
            content = read_bytes(one.file.path)
            if hashlib.sha256(content).hexdigest() != one.header.sha256:
                raise RefusedError("UNREADABLE", "was changed while it was being read")
            picture = upright(content)
            pixels = pixels_of(picture, channels, side)
            decoded.append(Decoded(one, pixels, hashlib.sha256(pixels.tobytes()).hexdigest(), given(picture)))
        except RefusedError as refused:
            account.refuse(one.file.text, refused, one.header.sha256)
        progress(len(seen) + done, before)
    return decoded


def distinct(decoded: list[Decoded], account: Account) -> list[Decoded]:
    """One of each set of images with the same pixels, and none of a set that lies in several classes."""
    alike: dict[str, list[Decoded]] = {}
    for one in decoded:
        alike.setdefault(one.key, []).append(one)
    kept = []
    for group in alike.values():
        first = group[0].seen.file
        if len({one.seen.file.label for one in group}) == 1:
            kept.append(group[0])
            for one in group[1:]:
                why = f"the same pixels as {first.text}"
                account.skip(one.seen.file.text, "DUPLICATE", why, one.seen.header.sha256)
            continue
        for one, other in zip(group, [*group[1:], group[0]], strict=True):
            refused = RefusedError("CONFLICT", f"the same pixels as {other.seen.file.text}: two classes for one image")
            account.refuse(one.seen.file.text, refused, one.seen.header.sha256)
    return kept


def check_classes(kept: list[Decoded], class_names: tuple[str, ...]) -> None:
    """Refuse a class that can't be split.

    Raises:
        UserError: it has fewer than 2 images.
    """
    counts = Counter(one.seen.file.label for one in kept)
    for label, name in enumerate(class_names) if class_names else [(-1, "")]:
        if counts[label] < 2:
            where = f"Class folder '{name}'" if name else "The folder"
            raise UserError(
                f"{where} gives {counts[label]} usable, distinct images.",
                expected="at least 2, one to train on and one to test with",
            )


def split_examples(kept: list[Decoded], test_fraction: float, seed: int) -> list[ImageExample]:
    """Stratified, and a pure function of the pixels: the images of lowest salted hash in each class are the test."""
    by_label: dict[int, list[Decoded]] = {}
    for one in kept:
        by_label.setdefault(one.seen.file.label, []).append(one)
    test: set[str] = set()
    for group in by_label.values():
        ranked = sorted(hashlib.sha256(f"{seed}:{one.key}".encode()).hexdigest() + one.key for one in group)
        count = min(max(round(test_fraction * len(group)), 1), len(group) - 1)
        test.update(rank[64:] for rank in ranked[:count])
    ordered = sorted(kept, key=lambda one: (one.seen.file.label, one.seen.file.text))
    return [
        ImageExample("test" if one.key in test else "train", one.pixels, one.seen.file.label, one.seen.file.text)
        for one in ordered
    ]


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
