"""The only door to MLflow. Every call takes explicit ids, so it may come from any thread; mlflow is imported late.

`store` the address, its identity, locks · `moved` a project that is elsewhere now · `runs` runs and metrics ·
`artifacts` files of runs, each held against its sha256 · `published` model folders in the store ·
`versions` registered versions · `ledger` the chain of alias moves · `registry` aliases, champion, rollback ·
`mending` what is wrong, and what mends it · `strays` its sentences on aliases · `restoring` publishes anew.
"""

from genfoundry.tracking.artifacts import fetch, fetch_whole, log_files, log_text, read_text
from genfoundry.tracking.ledger import Moved
from genfoundry.tracking.moved import adopt, elsewhere, origin
from genfoundry.tracking.newest import newest
from genfoundry.tracking.published import fetch_weights, publish_model, seals_of
from genfoundry.tracking.registry import (
    champion,
    champions_before,
    compare,
    evaluation_of,
    history,
    load_version,
    promote,
    rollback,
    set_alias,
    settle,
)
from genfoundry.tracking.repair import Rerun, doctor, reconcile, restore, restored
from genfoundry.tracking.runs import (
    beat,
    closing,
    find_run,
    finish,
    has_artifact,
    log_scores,
    page,
    relay,
    set_tags,
    start_run,
)
from genfoundry.tracking.store import TrackerDown, experiment_id, is_local, uri
from genfoundry.tracking.strays import run_command
from genfoundry.tracking.versions import (
    VERDICT,
    ModelInfo,
    VersionInfo,
    aliases,
    describe_model,
    find_equal,
    find_version,
    get_version,
    list_models,
    list_versions,
    model_description,
    register,
    registry_lock,
    set_version_tags,
)

__all__ = [
    "VERDICT",
    "ModelInfo",
    "Moved",
    "Rerun",
    "TrackerDown",
    "VersionInfo",
    "adopt",
    "aliases",
    "beat",
    "champion",
    "champions_before",
    "closing",
    "compare",
    "describe_model",
    "doctor",
    "elsewhere",
    "evaluation_of",
    "experiment_id",
    "fetch",
    "fetch_weights",
    "fetch_whole",
    "find_equal",
    "find_run",
    "find_version",
    "finish",
    "get_version",
    "has_artifact",
    "history",
    "is_local",
    "list_models",
    "list_versions",
    "load_version",
    "log_files",
    "log_scores",
    "log_text",
    "model_description",
    "newest",
    "origin",
    "page",
    "promote",
    "publish_model",
    "read_text",
    "reconcile",
    "register",
    "registry_lock",
    "relay",
    "restore",
    "restored",
    "rollback",
    "run_command",
    "seals_of",
    "set_alias",
    "set_tags",
    "set_version_tags",
    "settle",
    "start_run",
    "uri",
]
