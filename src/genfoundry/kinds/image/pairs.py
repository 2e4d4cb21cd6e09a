"""Two folders of images, one of targets and one of sources, whose files make pairs by their names.

Nothing is resized: what lies between a source and its target is what is to be learnt.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from genfoundry.data.quarantine import IntakeTally, RefusedError, count_reasons
from genfoundry.data.walking import Candidate
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
from genfoundry.kinds.image.images import mode_sentence
from genfoundry.kinds.image.pairing import Files, check_folders, list_pairs
from genfoundry.kinds.image.splitting import SplitRequest, fraction_for
from genfoundry.kinds.image.take import LARGEST, MULTIPLE, SMALLEST

SMALLEST_SOURCE = SMALLEST // 4  # of a side, in pixels
Size = tuple[int, int]  # width and height


class Pair(NamedTuple):
    """The two images of a pair."""

    target: Decoded
    source: Decoded

    @property
    def sizes(self) -> tuple[Size, Size]:
        """Of the target and of the source."""
        return self.target.size, self.source.size

    def __str__(self) -> str:
        return _words(self.sizes)


def take_pairs(high: Path, low: Path, tally: IntakeTally, asked: SplitRequest, progress: Progress) -> ImagesTaken:
    """Read two folders: pair the files by name, judge the headers, decode, agree on the sizes, drop duplicates, split.

    Args:
        high: the targets; duplicates and the split go by their pixels.
        low: the sources.
        progress: called with (steps done, steps in all).

    Raises:
        UserError: the folders overlap, a file has no partner, too much is bad, or the ratio is no whole number; see
            `take_images` for the rest.
    """
    check_folders(high, low)
    fraction_for(asked.test_fraction, asked.before, force=asked.force)  # refused before the work
    files, listing = list_pairs(high, low, tally, asked.reading)
    pairs = _decoded(files, tally, progress)
    tally.check()
    if not pairs:
        raise UserError(f"None of {len(files)} pairs can be used: {count_reasons(tally.quarantined)}.")
    sizes = _agreed(pairs)
    pairs = _of_size(pairs, sizes, tally)
    targets = [pair.target for pair in pairs]
    found = Found(leaks(targets), lost(targets))
    pairs = _distinct(pairs, tally)
    tally.check()
    if not pairs:
        raise UserError(f"None of {len(files)} pairs can be used: {count_reasons(tally.quarantined)}.")
    given = {pair.target.file.text: pair.source.pixels for pair in pairs}
    taken = divided([pair.target for pair in pairs], listing, asked, tally, _policy(pairs, sizes, tally), found)
    return taken._replace(examples=[one._replace(paired=given[one.source]) for one in taken.examples])


def _policy(pairs: list[Pair], sizes: tuple[Size, Size], tally: IntakeTally) -> dict[str, str]:
    targets, sources = [pair.target for pair in pairs], [pair.source for pair in pairs]
    return {
        "pairs": f"paired by name: {_words(sizes)}, a ratio of {sizes[0][0] // sizes[1][0]}",
        "resize": "none: pairs of other sizes than most pairs have are put aside",
        "modes": mode_sentence(targets, len(targets[0].pixels)),
        "modes of the sources": mode_sentence(sources, len(sources[0].pixels)),
        "quarantined": count_reasons(tally.quarantined),
        "skipped": count_reasons(tally.skipped),
    }


def _decoded(files: list[Files], tally: IntakeTally, progress: Progress) -> list[Pair]:
    """The pairs both of whose files are good."""
    both = [file for pair in files for file in pair]
    headers = read_headers(both, tally, progress, SMALLEST_SOURCE)
    seen = {one.file: one for one in headers if _is_small(one, tally)}
    files = _whole(files, seen, tally)
    tally.check()
    targets, sources = ([seen[pair[side]] for pair in files] for side in (0, 1))
    first = read_pixels(
        targets, channels_of(targets), None, tally, lambda done, total: progress(done + total // 2, 2 * total)
    )
    second = read_pixels(
        sources, channels_of(sources), None, tally, lambda done, total: progress(done + total, 2 * total)
    )
    decoded = {one.file: one for one in (*first, *second)}
    whole = _whole(files, decoded, tally)
    return [Pair(decoded[target], decoded[source]) for target, source in whole]


def _is_small(one: Seen, tally: IntakeTally) -> bool:
    width, height, most = one.header.width, one.header.height, LARGEST
    if small := max(width, height) <= most:
        return small
    why = f"{width}×{height}; pairs are taken as they are, so cut both into tiles of at most {most}×{most}"
    tally.refuse(one.file.text, RefusedError("TOO_LARGE", why), one.header.sha256)
    return small


def _whole(files: list[Files], good: Mapping[Candidate, Seen | Decoded], tally: IntakeTally) -> list[Files]:
    """The pairs of two good files; the good one of another pair is put aside with the bad one."""
    for target, source in files:
        for file, partner in ((target, source), (source, target)):
            if file in good and partner not in good:
                refused = RefusedError("PARTNER", f"its partner {partner.text} is bad")
                tally.refuse(file.text, refused, good[file].header.sha256)
    return [pair for pair in files if all(file in good for file in pair)]


def _agreed(pairs: list[Pair]) -> tuple[Size, Size]:
    """The sizes that most pairs have; of as frequent ones the larger.

    Raises:
        UserError: their ratio is no whole number, or a network can't take the targets' size.
    """
    counts = Counter(pair.sizes for pair in pairs)
    sizes = max(counts, key=lambda sizes: (counts[sizes], sizes))
    most = f"Most pairs ({counts[sizes]} of {len(pairs)}) are {_words(sizes)}"
    if (ratio := _ratio(sizes)) is None:
        swapped = _ratio((sizes[1], sizes[0])) is not None
        raise UserError(
            f"{most}, whose ratio is no whole number.",
            expected="targets 1, 2, 3 … times as wide and as high as their sources",
            remedy="give the folder of the larger images first" if swapped else "cut the targets to a multiple",
        )
    if any(side % MULTIPLE or side < SMALLEST for side in sizes[0]):
        step = math.lcm(MULTIPLE, ratio)
        width, height = (side // step * step for side in sizes[0])
        cut = _words(((width, height), (width // ratio, height // ratio)))
        raise UserError(
            f"{most}, and the networks can't take such targets.",
            expected=f"sides of targets that are multiples of {MULTIPLE} from {SMALLEST} to {LARGEST}",
            remedy=f"cut the pairs to {cut}" if min(width, height) >= SMALLEST else "give larger images",
        )
    return sizes


def _ratio(sizes: tuple[Size, Size]) -> int | None:
    """How many times as wide and as high the target is; None where that is no whole number, the same for both."""
    (width, height), (less, lower) = sizes
    ratio = width // less
    return ratio if ratio and (width, height) == (ratio * less, ratio * lower) else None


def _words(sizes: tuple[Size, Size]) -> str:
    return " from ".join(f"{width}×{height}" for width, height in sizes)


def _of_size(pairs: list[Pair], sizes: tuple[Size, Size], tally: IntakeTally) -> list[Pair]:
    """The pairs of these sizes; both files of the others are put aside."""
    for pair in pairs:
        if pair.sizes != sizes:
            reason = "SIZE" if _ratio(pair.sizes) == _ratio(sizes) else "RATIO"
            refused = RefusedError(reason, f"a pair of {pair}, most are {_words(sizes)}")
            for one in pair:
                tally.refuse(one.file.text, refused, one.header.sha256)
    return [pair for pair in pairs if pair.sizes == sizes]


def _distinct(pairs: list[Pair], tally: IntakeTally) -> list[Pair]:
    """The pairs of distinct targets; a source goes where its target goes."""
    before = len(tally.skipped)
    kept = {one.file for one in distinct([pair.target for pair in pairs], tally)}
    twice = {item.path for item in tally.skipped[before:]}
    for target, source in pairs:
        name, text, sha256 = target.file.text, source.file.text, source.header.sha256
        if name in twice:
            tally.skip(text, "DUPLICATE", f"the source of {name}, which comes twice", sha256)
        elif target.file not in kept:
            tally.refuse(text, RefusedError("PARTNER", f"its partner {name} is bad"), sha256)
    return [pair for pair in pairs if pair.target.file in kept]
