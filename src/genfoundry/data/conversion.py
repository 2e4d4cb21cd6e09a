"""What a dataset lost on its way in: the counts that intake leaves in `Card.content`, and their words.

Only what was lost is put down: a set that lost nothing has an empty `content`, as has one that was sealed before
anybody looked. Images: PICTURES that were read, how many have or had what conversion does not keep, and how many were
distinct. Series: three counts for each channel that float64 does not hold exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

FULL = 65_535  # the highest value of 16 bits
USED = 0.1  # of the range that values may take: below it, most of what told the pictures apart is gone
PROFILE = "profile "  # how the names of the counts of colour profiles begin
PICTURES, BEFORE, AFTER = "pictures", "distinct before", "distinct after"
TRANSPARENT, DEEP, HIGHEST, CMYK = "transparent", "16 bits", "highest of 16 bits", "CMYK"
ROUNDED, DIGITS_BEFORE, DIGITS_AFTER = (f": {what}" for what in ("rounded", "distinct before", "distinct after"))


class Rounding(NamedTuple):
    """What a channel lost: whole numbers that changed, and its distinct values, series by series, then and now."""

    rounded: int
    before: int
    after: int

    def __str__(self) -> str:
        changed = f"{self.rounded:,} whole numbers beyond 2^53 were rounded" if self.rounded else ""
        fewer = f"{self.before:,} distinct values became {self.after:,}" if self.after < self.before else ""
        return "; ".join(filter(None, (changed, fewer)))

    def counts(self, channel: str) -> dict[str, float]:
        """As the card holds it."""
        names = (ROUNDED, DIGITS_BEFORE, DIGITS_AFTER)
        return {f"{channel}{name}": float(number) for name, number in zip(names, self, strict=True)}


def rounding(content: Mapping[str, float], channel: str) -> Rounding | None:
    """What a channel of series lost as it was read; None for nothing."""
    if f"{channel}{ROUNDED}" not in content:
        return None
    return Rounding(*(int(content[f"{channel}{name}"]) for name in (ROUNDED, DIGITS_BEFORE, DIGITS_AFTER)))


def profiles(content: Mapping[str, float]) -> dict[str, int]:
    """How many pictures have each colour profile that is not sRGB's."""
    return {what.removeprefix(PROFILE): int(count) for what, count in content.items() if what.startswith(PROFILE)}


def fell_together(content: Mapping[str, float]) -> str:
    """How many distinct pictures are left of how many; empty where all are."""
    return f"{_many(content, BEFORE)} distinct pictures became {_many(content, AFTER)}" if BEFORE in content else ""


def transparency(content: Mapping[str, float]) -> str:
    """How many pictures have transparency; empty for none."""
    return f"{_of(content, TRANSPARENT)} have transparency, laid on white" if TRANSPARENT in content else ""


def colours(content: Mapping[str, float]) -> str:
    """How many pictures have a colour profile that is not sRGB's; empty for none."""
    if not (found := profiles(content)):
        return ""
    named = ", ".join(f"{count:,} {name}" for name, count in found.items())
    total = f"{sum(found.values()):,} of {_many(content, PICTURES)} pictures"
    return f"{total} have another colour profile than sRGB, dropped and not converted: {named}"


def inks(content: Mapping[str, float]) -> str:
    """How many pictures are CMYK; empty for none."""
    return f"{_of(content, CMYK)} are CMYK, converted without the profile of their inks" if CMYK in content else ""


def depth(content: Mapping[str, float]) -> str:
    """How much of 16 bits the pictures use that have them, where it is too little; else empty."""
    if HIGHEST not in content:
        return ""
    return f"{_of(content, DEEP)} have 16 bits, and of their {FULL:,} the highest value is {_many(content, HIGHEST)}"


def sentences(content: Mapping[str, float]) -> list[str]:
    """All that is to be said of a set of images, each without its full stop."""
    return [words for say in (fell_together, transparency, colours, inks, depth) if (words := say(content))]


def _many(content: Mapping[str, float], what: str) -> str:
    return f"{content[what]:,.0f}"


def _of(content: Mapping[str, float], what: str) -> str:
    return f"{_many(content, what)} of {_many(content, PICTURES)} pictures"
