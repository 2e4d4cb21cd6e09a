"""The only door to MLflow. Every call takes explicit ids, so it may come from any thread; mlflow is imported late.

`store` the address, its identity, locks · `runs` runs, metrics, artifacts · `published` model folders in the store ·
`registry` versions and aliases · `ledger` the chain of alias moves · `doctor` what is wrong, and how to mend it.
"""

from genfoundry.tracking.runs import (
    RunInfo,
    beat,
    fetch,
    find_run,
    finish,
    has_artifact,
    log_files,
    log_scores,
    log_text,
    read_text,
    relay,
    runs,
    set_tags,
    start_run,
)
from genfoundry.tracking.store import TrackerDown, experiment_id, store_id, uri

__all__ = [
    "RunInfo",
    "TrackerDown",
    "beat",
    "experiment_id",
    "fetch",
    "find_run",
    "finish",
    "has_artifact",
    "log_files",
    "log_scores",
    "log_text",
    "read_text",
    "relay",
    "runs",
    "set_tags",
    "start_run",
    "store_id",
    "uri",
]
