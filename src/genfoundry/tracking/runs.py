"""Runs: one for each run key, found again by it; metrics in batches, artifacts, outcome."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from genfoundry import __version__, outcomes
from genfoundry.errors import UserError
from genfoundry.project.root import project_root
from genfoundry.records import DatasetVersion, Evaluation
from genfoundry.tracking.store import client, experiment_id, lock, quoted, translates_errors, uri

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

LAST_RUNS = 20
BATCH = 1000  # the most metrics that MLflow takes in one call
KEY, OWNER, HEARTBEAT, OUTCOME = (f"genfoundry.{word}" for word in ("run_key", "owner", "heartbeat", "outcome"))
SENTENCE, RECIPE, RELEASE = (f"genfoundry.{word}" for word in ("sentence", "recipe", "release"))
WORD = "outcome"  # what the run came to in the end, for whoever filters by it; once registered, what the gate said
T = TypeVar("T")


class RunInfo(NamedTuple):
    """A run as the store knows it; `outcome` is what `finish` said, or empty."""

    run_id: str
    run_key: str
    status: str
    outcome: str
    tags: dict[str, str]


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _info(run: Run) -> RunInfo:
    tags = dict(run.data.tags)
    return RunInfo(run.info.run_id, tags.get(KEY, ""), run.info.status, tags.get(OUTCOME, ""), tags)


@translates_errors
def find_run(run_key: str) -> RunInfo | None:
    """The run of that key; the oldest, should there be two."""
    found = client().search_runs(
        [experiment_id()], f"tags.`{KEY}` = {quoted(run_key)}", order_by=["attributes.start_time ASC"], max_results=1
    )
    return _info(found[0]) if found else None


@translates_errors
def start_run(run_key: str, *, recipe: str, tags: dict, params: dict, dataset: DatasetVersion) -> str:
    """The id of the run of `run_key`, made if there is none; running it twice is running it once."""
    with lock(f"run-{run_key}"):
        found = find_run(run_key)
        run_id = found.run_id if found else _create(run_key, recipe)
        if found and found.status != "RUNNING":
            client().update_run(run_id, status="RUNNING")
        with closing(run_id):
            set_tags(run_id, {RECIPE: recipe, RELEASE: __version__, **_git(), **tags})
            beat(run_id)
            _log_params(run_id, params)
            _log_dataset(run_id, dataset)
    return run_id


@contextmanager
def closing(run_id: str) -> Iterator[None]:
    """Leave no run open on the way out by an error: one that is still RUNNING ends with the error's outcome.

    The error itself goes on, also where the tracker is away and the run can't be closed; `reconcile` closes it then.
    """
    try:
        yield
    except BaseException as error:
        with suppress(Exception):
            if client().get_run(run_id).info.status == "RUNNING":
                word = outcomes.outcome(error)
                stopped = word == outcomes.Outcome.PREEMPTED or not isinstance(error, Exception)
                finish(run_id, "KILLED" if stopped else "FAILED", word, outcomes.sentence(error))
        raise


def _create(run_key: str, recipe: str) -> str:
    name = f"{recipe}-{run_key[:8]}"
    return client().create_run(experiment_id(), run_name=name, tags={KEY: run_key, **_owner()}).info.run_id


def _log_params(run_id: str, params: dict) -> None:
    from mlflow.entities import Param

    known = client().get_run(run_id).data.params
    new = [Param(str(key), str(value)[:6000]) for key, value in params.items() if str(key) not in known]
    for group in _batches(new, 100):
        client().log_batch(run_id, params=group)


def _log_dataset(run_id: str, dataset: DatasetVersion) -> None:
    """Once only: the digest of a dataset input is the hash that DVC gives the folder, 36 characters."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = client().get_run(run_id).inputs
    if inputs and any(known.dataset.digest == dataset.digest for known in inputs.dataset_inputs):
        return
    entity = Dataset(
        name=dataset.name,
        digest=dataset.digest,
        source_type="dvc",
        source=f'{{"path": "data/{dataset.name}"}}',
        schema=dataset.spec.model_dump_json(),
    )
    with lock("dataset-inputs"):  # two first inputs of one dataset at once break the store's uniqueness
        client().log_inputs(run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])])


def _git() -> dict[str, str]:
    """The checkout's revision, with `-dirty` behind it where files differ from it; nothing outside a checkout."""
    command = ["git", "-C", str(project_root()), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": found, "revision": found}  # MLflow's pages don't show a tag of its own


def _owner() -> dict[str, str]:
    return {OWNER: f"{socket.gethostname()}:{os.getpid()}", HEARTBEAT: str(int(time.time()))}


@translates_errors
def beat(run_id: str) -> None:
    """Say that this process is alive and owns the run."""
    set_tags(run_id, _owner())


@translates_errors
def set_tags(run_id: str, tags: dict) -> None:
    """Set tags of a run, in one call."""
    from mlflow.entities import RunTag

    for group in _batches(list(tags.items()), 100):
        client().log_batch(run_id, tags=[RunTag(str(key), str(value)[:8000]) for key, value in group])


@translates_errors
def log_metrics(run_id: str, rows: Sequence[tuple[str, float, int, int]]) -> None:
    """Log metrics (key, value, step, timestamp in ms) in batches of at most 1,000; the same rows again add nothing.

    Raises:
        TrackerDown: the store does not answer; hand over the same rows later.
    """
    from mlflow.entities import Metric

    for group in _batches(rows, BATCH):
        client().log_batch(run_id, metrics=[Metric(key, float(value), at, step) for key, value, step, at in group])


@translates_errors
def log_scores(run_id: str, evaluation: Evaluation, group: str = "eval") -> None:
    """Metrics `<group>/<name>` with `_low` and `_high`, and `<group>/<name>/<subject>` for floors and baselines."""
    now, rows = int(time.time() * 1000), []
    for score in evaluation.scores:
        key = f"{group}/{score.name}" + ("" if score.subject == "model" else f"/{score.subject}")
        named = ((key, score.value), (f"{key}_low", score.low), (f"{key}_high", score.high))
        rows += [(name, value, 0, now) for name, value in named]
    log_metrics(run_id, rows)


@translates_errors
def log_files(run_id: str, path: Path, into: str = "") -> None:
    """Upload a file, or everything in a folder, below the artifact path `into`."""
    try:
        if path.is_dir():
            client().log_artifacts(run_id, str(path), into or None)
        else:
            client().log_artifact(run_id, str(path), into or None)
    except OSError as error:
        if error.errno is None:
            raise
        raise UserError(
            f"{path} could not be stored in MLflow's artifacts: {error}", remedy="free disk space, then run it again"
        ) from error


@translates_errors
def log_text(run_id: str, text: str, path: str) -> None:
    """Store a text as the artifact `path`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(path).name
        file.write_text(text, encoding="utf-8")
        log_files(run_id, file, str(Path(path).parent) if "/" in path else "")


@translates_errors
def fetch(run_id: str, path: str, into: Path) -> Path:
    """Copy an artifact (a file or a folder) to `into`, a folder, and return where it lies.

    Raises:
        UserError: the run has no such artifact.
    """
    if not has_artifact(run_id, path):
        raise UserError(
            f"MLflow run {run_id} has no artifact '{path}'.", remedy="genfoundry doctor   (it lists what is lost)"
        )
    into.mkdir(parents=True, exist_ok=True)
    return Path(_files(uri(), run_id).download_artifacts(path, str(into)))


@translates_errors
def run_page(run_id: str) -> str:
    """Where MLflow's own pages show the artifacts of a run, relative to any of them."""
    return f"#/experiments/{experiment_id()}/runs/{run_id}/artifacts"


@translates_errors
def has_artifact(run_id: str, path: str) -> bool:
    """Whether the run holds that artifact."""
    parent = str(Path(path).parent) if "/" in path else None
    return any(entry.path == path for entry in _files(uri(), run_id).list_artifacts(parent))


@translates_errors
def list_files(run_id: str, folder: str = "", *, folders: bool = False) -> list[str]:
    """The paths of the files of a run that lie in that folder of artifacts, or of the folders in it."""
    return [entry.path for entry in _files(uri(), run_id).list_artifacts(folder or None) if entry.is_dir == folders]


@functools.lru_cache(maxsize=256)
def _files(tracker: str, run_id: str) -> ArtifactRepository:
    """Where the artifacts of a run lie, asked once: MLflow's client asks three times for each file of a report."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(str(client().get_run(run_id).info.artifact_uri), tracking_uri=tracker)


@translates_errors
def finish(run_id: str, status: str, outcome: str, sentence: str) -> None:
    """End a run: `status` is MLflow's (FINISHED, FAILED, KILLED), `outcome` ours, `sentence` for the reader."""
    set_tags(run_id, {OUTCOME: outcome, WORD: outcome, SENTENCE: sentence})
    client().set_terminated(run_id, status)


@translates_errors
def finished_runs(recipe: str, dataset: str) -> list[RunInfo]:
    """The last runs of a recipe on a dataset that came to their end, the newest first."""
    words = f"tags.`{RECIPE}` = {quoted(recipe)} AND tags.dataset = {quoted(dataset)} AND status = 'FINISHED'"
    return [_info(run) for run in client().search_runs([experiment_id()], words, max_results=LAST_RUNS)]


@translates_errors
def release_of(run_id: str) -> str:
    """The genfoundry that made a run; empty where the run does not say."""
    return client().get_run(run_id).data.tags.get(RELEASE, "")


@translates_errors
def list_runs(statuses: Iterable[str] = ()) -> list[RunInfo]:
    """Every run of ours, newest first; only those in one of `statuses`, where given."""
    filters = [f"attributes.status = '{status}'" for status in statuses] or [""]
    return [run for words in filters for run in _search(words)]


def _search(words: str) -> Iterator[RunInfo]:
    token = None
    while True:
        page = client().search_runs([experiment_id()], words, max_results=500, page_token=token)
        yield from (_info(run) for run in page)
        token = page.token
        if not token:
            return
