"""A user's files, taken in and held against their card, from the command line and from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from genfoundry.records import DatasetVersion
    from genfoundry.stages.ingest import Intake


class TakenIn(NamedTuple):
    """What came of the files, and what Great Expectations warns of."""

    intake: Intake
    warnings: list[str]


def take_in(path: Path, name: str, **options: Any) -> TakenIn:
    """Take the files in and hold them against their card, as every run does; `options` as of `stages.ingest.add`.

    Raises:
        UserError: the name is taken, or the files can't be taken in.
        InvalidData: a critical check failed; nothing was recorded.
    """
    from genfoundry.data.policy import Validation
    from genfoundry.stages import ingest
    from genfoundry.stages.validate import validate_dataset

    from . import recipes

    recipes.ensure_free(name)
    policy = Validation(max_bad_fraction=options["max_bad_fraction"], min_rows=1)  # enough of them: a recipe's to say
    warnings: list[str] = []

    def accept(version: DatasetVersion) -> None:
        warnings.extend(check.sentence for check in validate_dataset(version, policy).warnings)

    return TakenIn(ingest.add(path, name, accept=accept, **options), warnings)
