"""The only door to MLflow. Every call takes explicit ids, so it may come from any thread; mlflow is imported late.

`store` the address, its identity, locks · `moved` a project that is elsewhere now · `runs` runs and metrics ·
`artifacts` files of runs, each held against its sha256 · `published` model folders in the store ·
`versions` registered versions · `ledger` the chain of alias moves · `registry` aliases, champion, rollback ·
`homes` whose a registered model is ·
`repair` what is wrong, and what repairs it · `strays` its sentences on aliases · `restoring` publishes anew.
"""

from genfoundry.tracking.artifacts import fetch, fetch_whole, log_files, log_text, read_text
from genfoundry.tracking.homes import ensure_home
from genfoundry.tracking.ledger import AliasMoved, set_witness_aside
from genfoundry.tracking.moved import adopt, elsewhere, origin
from genfoundry.tracking.newest import newest
from genfoundry.tracking.published import fetch_weights, load_checkpoint, publish_model, seals_with
from genfoundry.tracking.registry import (
    champion,
    champions_before,
    compare_versions,
    evaluation_of,
    finish_cut_off_moves,
    history,
    load_version,
    promote,
    rollback,
    set_alias,
)
from genfoundry.tracking.repair import Rerun, diagnose, repair_store, republish, republish_all
from genfoundry.tracking.runs import (
    beat,
    closing,
    find_run,
    finish,
    finished_runs,
    has_artifact,
    log_metrics,
    log_scores,
    release_of,
    run_page,
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
    champion_without_slug,
    describe_model,
    find_equal,
    find_version,
    get_version,
    list_models,
    list_versions,
    model_description,
    own_name,
    register,
    registry_lock,
    set_version_tags,
)

__all__ = [
    "VERDICT",
    "AliasMoved",
    "ModelInfo",
    "Rerun",
    "TrackerDown",
    "VersionInfo",
    "adopt",
    "aliases",
    "beat",
    "champion",
    "champion_without_slug",
    "champions_before",
    "closing",
    "compare_versions",
    "describe_model",
    "diagnose",
    "elsewhere",
    "ensure_home",
    "evaluation_of",
    "experiment_id",
    "fetch",
    "fetch_weights",
    "fetch_whole",
    "find_equal",
    "find_run",
    "find_version",
    "finish",
    "finish_cut_off_moves",
    "finished_runs",
    "get_version",
    "has_artifact",
    "history",
    "is_local",
    "list_models",
    "list_versions",
    "load_checkpoint",
    "load_version",
    "log_files",
    "log_metrics",
    "log_scores",
    "log_text",
    "model_description",
    "newest",
    "origin",
    "own_name",
    "promote",
    "publish_model",
    "read_text",
    "register",
    "registry_lock",
    "release_of",
    "repair_store",
    "republish",
    "republish_all",
    "rollback",
    "run_command",
    "run_page",
    "seals_with",
    "set_alias",
    "set_tags",
    "set_version_tags",
    "set_witness_aside",
    "start_run",
    "uri",
]
