"""Whose a registered model is: of one project, and of one dataset, so that one is never judged against another's."""

from __future__ import annotations

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.records import DatasetVersion


def ensure_own(name: str, version: DatasetVersion) -> None:
    """Look, before there is work to lose, that a registered model is this project's, and of this dataset.

    Raises:
        UserError: it is another project's, or of another dataset; says whose.
        tracking.TrackerDown: MLflow does not answer.
    """
    tracking.ensure_home(name, version.digest)
    ensure_same_data(name, version.name)


def ensure_same_data(name: str, dataset: str) -> None:
    """Look, before there is work to lose, that the versions of a registered model are of this dataset, and that it is
    there with its ledger if it was before.

    Raises:
        UserError: one is of another dataset (says which); or see `tracking.history`.
        tracking.TrackerDown: MLflow does not answer.
    """
    tracking.history(name)
    for info in tracking.list_versions(name):
        if (other := info.tags.get("dataset", dataset)) != dataset:
            raise UserError(
                f"The registered model '{name}' holds models of the dataset '{other}' (version {info.version}), "
                f"and would now get one of '{dataset}'.",
                expected="one dataset for each registered model: scores on two say nothing of each other",
                remedy=f"give the recipe another name: copy its YAML file to NEW_NAME.yaml beside it, then run that; "
                f"what is registered as '{name}' stays",
            )
