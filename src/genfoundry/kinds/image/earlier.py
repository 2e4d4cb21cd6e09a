"""On which side each image of the version before lies, and which class it has.

An image keeps its side and a class its number, so that no model is judged on what an earlier one learned from.
"""

from __future__ import annotations

import csv
from typing import NamedTuple

from genfoundry.data.before import Before
from genfoundry.dataset import Card
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.spec import ImageSpec


class Place(NamedTuple):
    """Where an image was: its split, the name of its class ("" in a flat set), and the split that it was given."""

    split: str
    class_name: str = ""
    given: str = ""


class Earlier(NamedTuple):
    """A version before; `rows` holds its images by the sha256 of their pixels, none where it is no set of images."""

    card: Card
    rows: dict[str, Place]


def read(before: Before | None) -> Earlier | None:
    """The images of the version before, where there is one."""
    if before is None:
        return None
    card = before.card
    if not isinstance(card.spec, ImageSpec):
        return Earlier(card, {})
    with (before.folder / storage.MANIFEST).open(encoding="utf-8", newline="") as file:
        return Earlier(card, {row["sha256"]: _row(row, card) for row in csv.DictReader(file)})


def _row(row: dict[str, str], card: Card) -> Place:
    class_name = card.class_names[int(row["label"])] if card.class_names else ""
    return Place(row["split"], class_name, row.get(storage.GIVEN) or "")
