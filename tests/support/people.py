"""A small table of people for tests: every type of column, gaps, and a target that hangs on the others."""

from __future__ import annotations

from pathlib import Path

from genfoundry import dataset
from genfoundry.dataset import Card
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.examples import PEOPLE as SPEC
from genfoundry.kinds.table.examples import people
from genfoundry.records import DatasetVersion

__all__ = ["CARD", "SPEC", "people", "sealed"]

CARD = Card(name="people", kind="table", title="People", licence="CC0", source="a test", consent="made up")


def sealed(folder: Path, table: storage.TableExamples | None = None) -> DatasetVersion:
    """The people, or another table, as a dataset in `folder`."""
    table = table or storage.TableExamples(people(), target="risk", positive="bad")
    spec, counts = storage.write(folder, [table], CARD)
    return dataset.seal(folder, CARD.model_copy(update={"spec": spec, "counts": counts}))
