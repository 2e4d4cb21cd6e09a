"""What numbers must fulfil."""

from pathlib import Path

from genfoundry.data.expectations import CheckedTable, Expectation, exactly
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card

from . import storage
from .spec import TemplateSpec


def tables(folder: Path, spec: TemplateSpec, card: Card, policy: Validation) -> list[CheckedTable]:
    """One table for each split."""
    import pandas as pd

    return [
        CheckedTable(pd.DataFrame({"number": storage.read(folder, split)}), _suite(split, card.counts[split], spec))
        for split in storage.SPLITS
    ]


def _suite(split: str, count: int, spec: TemplateSpec) -> tuple[Expectation, ...]:
    in_range = Expectation(
        f"{split}: range",
        "ExpectColumnValuesToBeBetween",
        {"column": "number", "min_value": 0, "max_value": spec.highest},
        met=f"Every number of {split} is in its range.",
        unmet="{bad} of {of} numbers are not in their range: {where}.",
    )
    return exactly(f"{split}: row count", count, "numbers"), in_range
