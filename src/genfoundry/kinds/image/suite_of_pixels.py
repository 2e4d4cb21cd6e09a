"""What the pixels of images must be: of a range that is used, not all alike, and left apart by conversion.

A part of `suite.py`. What was lost before the arrays were written is on the card (`conversion`); of a card
that says nothing of it nothing is claimed.
"""

# pyright: reportArgumentType=false
# (pandas annotates what it takes as a union of all that it could be)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genfoundry.data import conversion
from genfoundry.data.conversion import AFTER, BEFORE, CMYK, FULL, HIGHEST, USED
from genfoundry.data.expectations import CheckedTable, Expectation, literal
from genfoundry.dataset import Card
from genfoundry.kinds.image import storage

SAMPLED = 4096  # images of a split whose range is looked at
STRAY = 0.05  # of the images, which may be darker or brighter than the range that is told
APART = 0.9  # of the distinct pictures that should still be distinct after conversion


def tables(folder: Path, card: Card) -> list[CheckedTable]:
    """One row a split: the values that its pixels use; and one row for the set, where its card tells of losses."""
    import pandas as pd

    ranges = pd.DataFrame([{"split": split, **_range(storage.read(folder, split).images)} for split in storage.SPLITS])
    return [CheckedTable(ranges, (_used(card.content),), row="{split}"), *_conversion(card.content)]


def alike(split: str, count: int) -> tuple[Expectation, ...]:
    """The images of a split, by their hashes, are not all the same; nothing where there is one only."""
    if count < 2:
        return ()
    return (
        Expectation(
            f"{split}: images differ", "ExpectColumnUniqueValueCountToBeBetween", {"column": "sha256", "min_value": 2},
            met=f"The {split} images are not all the same.",
            unmet=f"All {count:,} {split} images are the same: there is nothing to learn or to judge.",
            remedy="look at the files, and at what the card's policy says was done to them",
        ),
    )  # fmt: skip


def _range(images: np.ndarray) -> dict[str, float]:
    """The lowest and highest value, but for a few stray images, and their distance as a share of 255."""
    if images.dtype != np.uint8 or images.ndim != 4 or not images.size:
        return {"low": np.nan, "high": np.nan, "used": np.nan}  # the arrays' own checks say so
    rows = np.unique(np.linspace(0, len(images) - 1, min(len(images), SAMPLED)).astype(int))
    ends = np.array([(images[row].min(), images[row].max()) for row in rows])
    low, high = (float(np.quantile(ends[:, side], share)) for side, share in ((0, STRAY), (1, 1 - STRAY)))
    return {"low": low, "high": high, "used": (high - low) / 255}


def _used(content: Mapping[str, float]) -> Expectation:
    files, remedy = conversion.depth(content), "Spread the values over the whole range, and add the images again."
    if files:
        files = f" In the files, {files}."
        remedy = f"Multiply the files' values by {FULL // max(int(content[HIGHEST]), 1):,}, and add them again."
    return Expectation(
        "pixels: range", "ExpectColumnValuesToBeBetween", {"column": "used", "min_value": USED}, severity="warning",
        met=f"The pixels use more than {USED:.0%} of the values from 0 to 255.",
        unmet=f"The pixels use less than {USED:.0%} of the values from 0 to 255: {{where}} (but for {STRAY:.0%} of the "
              f"images at either end).{files} {remedy}",
        remedy="scale the values", row="{split} {low:.0f} to {high:.0f}",
    )  # fmt: skip


def _conversion(content: Mapping[str, float]) -> list[CheckedTable]:
    """One row for the set; no table where the card tells of no loss."""
    import pandas as pd

    if not content:
        return []
    before, after = content.get(BEFORE, 1.0), content.get(AFTER, 1.0)
    row = {
        "kept": after / before,
        "left": np.nan if BEFORE not in content else after,
        "profiles": sum(conversion.profiles(content).values()),
        "inks": content.get(CMYK, 0.0),
    }
    return [CheckedTable(pd.DataFrame([row]), (*_apart(content), *_coloured(content)))]


def _apart(content: Mapping[str, float]) -> tuple[Expectation, ...]:
    fell, seen = conversion.fell_together(content), conversion.transparency(content)
    why = f"{fell}{f' ({seen})' if seen else ''}"
    remedy = "Lay what is transparent on a ground that it is seen on, or remove what is alike, and add them again."
    kept = f"{100 * APART:.0f} %"
    same = (
        f"At least {kept} of the distinct pictures are distinct after conversion: {why}."
        if fell
        else (f"Pictures that differ still differ after conversion{f' ({seen})' if seen else ''}.")
    )
    return (
        Expectation(
            "conversion: pictures left", "ExpectColumnValuesToBeBetween", {"column": "left", "min_value": 2},
            met="Not all pictures are the same after conversion.",
            unmet=f"All pictures are the same once they are converted: {why}.", remedy=remedy,
        ),
        Expectation(
            "conversion: pictures stay apart", "ExpectColumnValuesToBeBetween", {"column": "kept", "min_value": APART},
            severity="warning", met=same,
            unmet=f"Less than {kept} of the distinct pictures are distinct after conversion: {why}. {remedy}",
        ),
    )  # fmt: skip


def _coloured(content: Mapping[str, float]) -> tuple[Expectation, ...]:
    profiles, inks = conversion.colours(content), conversion.inks(content)
    return (
        Expectation(
            "conversion: colour profiles", "ExpectColumnValuesToBeBetween", {"column": "profiles", "max_value": 0},
            severity="warning", met="No picture has another colour profile than sRGB.",
            unmet=f"{literal(profiles)}. Their colours are off: those of a wider profile come out paler. "
                  "Convert the files to sRGB, and add them again.",
        ),
        Expectation(
            "conversion: inks", "ExpectColumnValuesToBeBetween", {"column": "inks", "max_value": 0}, severity="warning",
            met="No picture is CMYK.", unmet=f"{inks}: their colours are off. Convert the files to sRGB, and add them "
                                             "again.",
        ),
    )  # fmt: skip
