"""The page of one validation: every check of a dataset, and what was put aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genfoundry.records import ValidatedDataset
from genfoundry.report.page import Data, environment

MOST_ROWS = 500  # of the quarantine; the rest is counted


def render_validation(validated: ValidatedDataset, card: Mapping, quarantine: Sequence[Mapping]) -> str:
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
            data=Data("data", card, validated),
            columns=columns,
            rows=rows,
            left_out=len(quarantine) - len(rows),
        )
    )
