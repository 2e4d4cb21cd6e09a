"""The page of one validation, passed or failed: every check of a dataset, and what was put aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from genfoundry.records import Check, DatasetVersion, Record, ValidatedDataset
from genfoundry.report.page import environment

MOST_ROWS = 500  # of the quarantine; the rest is counted


class ValidationFound(Record):
    """What was found of a version, whichever way it went: a `ValidatedDataset` is a proof that no check refused it."""

    version: DatasetVersion
    counts: dict[str, int]
    checks: tuple[Check, ...]


class Shown(NamedTuple):
    """What the page's parts are given."""

    card: Mapping
    validated: ValidationFound | ValidatedDataset


def render_validation(judged: ValidationFound | ValidatedDataset, card: Mapping, quarantine: Sequence[Mapping]) -> str:
    """The page, self-contained.

    Args:
        card: the dataset's card as JSON.
        quarantine: one mapping an item put aside; its keys become columns, whatever they are.
    """
    columns = list(dict.fromkeys(str(key) for item in quarantine for key in item))
    rows = [[str(item.get(column, "")) for column in columns] for item in quarantine[:MOST_ROWS]]
    return (
        environment()
        .get_template("validation.html.j2")
        .render(
            data=Shown(card, judged),
            columns=columns,
            rows=rows,
            left_out=len(quarantine) - len(rows),
        )
    )
