"""Cards of made-up datasets, for what writes, seals or validates them."""

from __future__ import annotations

from typing import Any

from genfoundry.dataset import Card
from genfoundry.records import Spec


def images(num_classes: int = 0, **fields: Any) -> Card:
    """A card of images whose classes are called `0`, `1`, …"""
    return _card("image", class_names=tuple(map(str, range(num_classes))), **fields)


def series(spec: Spec, splits: dict[str, str], **fields: Any) -> Card:
    """A card of series, split at these time stamps."""
    return _card("series", spec=spec, splits=splits, **fields)


def _card(kind: str, **fields: Any) -> Card:
    made = {"name": "made", "title": "made", "licence": "none", "source": "made", "consent": "made", **fields}
    return Card(kind=kind, **made)
