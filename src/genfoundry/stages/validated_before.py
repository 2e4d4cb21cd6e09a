"""What an earlier validation of the same bytes by the same policy and code found: sealed, `.genfoundry/validations`.

The bytes themselves are hashed whenever a dataset is fetched, so what is kept here need not prove them.
"""

from __future__ import annotations

from pathlib import Path

from genfoundry.data import sealed
from genfoundry.data.policy import Validation
from genfoundry.identity import validation_key
from genfoundry.project.root import state_path
from genfoundry.records import DatasetVersion, ValidatedDataset


def find(version: DatasetVersion, policy: Validation) -> ValidatedDataset | None:
    """The validation that is kept of that version, marked as skipped; None where there is none that holds."""
    found = sealed.read(_path(version, policy), (), ValidatedDataset.model_validate, "the data are validated again")
    if found is None or found.version != version:
        return None
    return found.model_copy(update={"skipped": True})


def keep(validated: ValidatedDataset, policy: Validation) -> Path:
    """Remember a validation that passed."""
    return sealed.write(_path(validated.version, policy), validated.model_dump(mode="json"))


def _path(version: DatasetVersion, policy: Validation) -> Path:
    return state_path("validations") / f"{version.name}-{validation_key(version, policy)[:32]}.json"
