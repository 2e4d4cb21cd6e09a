"""Where the tracker is, who it is, and how a call to it ends when it does not answer."""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from filelock import FileLock

from genfoundry.errors import UserError
from genfoundry.files import ROOM, digest, is_disk_full, require_free
from genfoundry.project.places import settings
from genfoundry.project.root import state_dir, state_path
from genfoundry.tracking import moved

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "genfoundry"  # of a project without a slug; else it stands behind the slug
BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's own default retries for about four minutes per call
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
DRIVERS = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient", "pymysql": "pymysql"}
HELD_BY_A_SERVER = "mlflow-artifacts URI"  # what MLflow says where only a server can read the files of a run
UNREACHABLE = ("API request to", "Failed to connect", "timed out", "OperationalError", "unable to open database")


class TrackerDown(UserError):  # noqa: N818
    """MLflow does not answer; nothing that it had taken before is lost."""

    exit_code = 3


class TrackerRefused(TrackerDown):
    """MLflow answers, but not to this name and password; as with one that is away, nothing is lost."""


def uri() -> str:
    """`MLFLOW_TRACKING_URI`, or the SQLite file of this checkout."""
    return os.environ.get("MLFLOW_TRACKING_URI") or own()


def own() -> str:
    """The address of this checkout's own store."""
    return f"sqlite:///{state_path(moved.DATABASE)}"


def is_local() -> bool:
    """Whether this process opens the database itself, with no server between."""
    return not uri().startswith(("http://", "https://"))


def client() -> MlflowClient:
    """A client of the store, with bounded retries unless the user's environment says otherwise."""
    return _client(uri())


@functools.cache
def _client(address: str) -> MlflowClient:
    for name, value in BOUNDS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    stores = ("mlflow.store.db.utils", "mlflow.store.model_registry.abstract_store")
    for noisy in ("alembic", *stores, "urllib3.connectionpool"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with lock("store"):  # two processes that create the tables at once break each other's migration
        if not address.startswith(("http://", "https://")):
            _ready(address)
            _probe(address)
            MlflowClient(tracking_uri=address, registry_uri=address).search_experiments(max_results=1)
    return MlflowClient(tracking_uri=address, registry_uri=address)


def _ready(address: str) -> None:
    """Have the folder of an SQLite file: this checkout's own is made, another is not.

    Raises:
        Elsewhere: the checkout's own store was written at another place.
        UserError: the folder of the file that the user names is not there.
    """
    path = _file(address)
    if path is None:
        return
    if path.resolve() == state_path(moved.DATABASE).resolve():
        state_dir()
        moved.ensure_here()
    elif not path.parent.is_dir():
        raise UserError(
            f"MLFLOW_TRACKING_URI is {_shown(address)}, and there is no folder {path.parent.absolute()}.",
            expected="an SQLite file in a folder that is there: a mistyped one is never made",
            remedy="correct MLFLOW_TRACKING_URI, or unset it to use this checkout's own database",
        )
    elif not path.exists():
        print(f"{path.absolute()}, which MLFLOW_TRACKING_URI names, is made: an empty registry.", file=sys.stderr)


def _file(address: str) -> Path | None:
    """The SQLite file of an address, if it has one."""
    if not address.startswith("sqlite:"):
        return None
    import sqlalchemy

    named = sqlalchemy.make_url(address).database
    return Path(named) if named and named != ":memory:" else None


def _probe(address: str) -> None:
    """Open the database once: MLflow itself tries for minutes before it says that it can't."""
    import sqlalchemy

    bound = {"connect_timeout": 10} if address.startswith("postgresql") else {}
    sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool, connect_args=bound).connect().close()


def experiment_name() -> str:
    """The experiment of the project's runs; one of a project with a slug carries it."""
    return settings().named(EXPERIMENT)


@functools.cache
def _experiment(address: str, name: str) -> tuple[str, int]:
    made = client()
    with lock("store"):
        found = made.get_experiment_by_name(name)
        if found is None:
            _create(made, name)
            found = made.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise UserError(
            f"The MLflow experiment '{name}' of {address} was deleted.",
            remedy=f"mlflow experiments restore --experiment-id {found.experiment_id if found else '?'}",
        )
    return found.experiment_id, int(found.creation_time or 0)


def _create(made: MlflowClient, name: str) -> None:
    """Make the experiment; another machine may be faster."""
    from mlflow.exceptions import MlflowException

    folder = state_dir("mlartifacts").as_uri() if is_local() else None
    try:
        made.create_experiment(name, artifact_location=folder)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


P = ParamSpec("P")
R = TypeVar("R")


def translates_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn a store that does not answer into `TrackerDown`, a full disk into `DiskFull`; others pass as they are."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UserError:
            raise
        except ModuleNotFoundError as error:
            if error.name not in DRIVERS:
                raise
            raise UserError(
                f"{_shown(uri())} needs the driver '{error.name}', which is not installed.",
                remedy=f"pip install '{DRIVERS[error.name]}'",
            ) from error
        except Exception as error:
            if uri().startswith("sqlite") and is_disk_full(error, state_dir()):
                for folder in (state_dir(), Path(tempfile.gettempdir())):
                    require_free(folder, ROOM)
            if getattr(error, "error_code", "") in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
                raise _refused(error) from error
            if HELD_BY_A_SERVER in str(error):
                raise TrackerDown(
                    f"The runs in {_shown(uri())} were made through a server, and only it can read their files.",
                    expected="MLFLOW_TRACKING_URI with the address of that server",
                    remedy="start it (make up), set MLFLOW_TRACKING_URI to it, and run the same command again",
                ) from error
            if not _means_down(error):
                raise
            raise TrackerDown(
                f"MLflow at {_shown(uri())} does not answer: {_shown(str(error).splitlines()[0][:300])}",
                expected="a tracker that answers; what was logged before is safe, the training's journal is kept",
                remedy="start the server that MLFLOW_TRACKING_URI names, or unset it to use this checkout's own "
                "database; then run the same command again: it goes on where it stopped",
            ) from error

    return call


def _means_down(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"RequestException", "OperationalError"}:
        return True
    return "MlflowException" in names and any(word in str(error) for word in UNREACHABLE)


def is_absent(error: Exception) -> bool:
    """Whether a model is not there, or is none that this account may see: MLflow with users answers both alike."""
    return getattr(error, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED")


def _refused(error: Exception) -> TrackerRefused:
    name = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    if getattr(error, "error_code", "") == "PERMISSION_DENIED":
        reason = str(error).splitlines()[0].rpartition("Response body: ")[2].strip("'")[:200]
        return TrackerRefused(
            f"MLflow at {_shown(uri())} does not let '{name}' do that: {_shown(reason)}",
            remedy="ask its admin for the permission, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
            "to an account that has it",
        )
    who = f"'{name}' with this password" if name else "a client without a name"
    return TrackerRefused(
        f"MLflow at {_shown(uri())} does not let in {who}.",
        expected="an account's name in MLFLOW_TRACKING_USERNAME, its password in MLFLOW_TRACKING_PASSWORD",
        remedy="set both, and run the same command again",
    )


def _shown(text: str) -> str:
    """The text with no password in any address of it."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def quoted(text: str) -> str:
    """A text as a literal of MLflow's search language.

    Raises:
        UserError: it holds both kinds of quotation marks, which that language can't write.
    """
    if "'" in text and '"' in text:
        raise UserError(f"The name {text!r} holds both kinds of quotation marks.", expected="letters, digits, . _ -")
    return f'"{text}"' if "'" in text else f"'{text}'"


@translates_errors
def experiment_id() -> str:
    """The experiment that holds every run, made when it is first asked for."""
    return _experiment(uri(), experiment_name())[0]


@translates_errors
def store_id() -> str:
    """Identity of the store, for cache keys: another database, or the same one made anew, has another."""
    number, created = _experiment(uri(), experiment_name())
    return f"{number}-{created}"


@translates_errors
def id_without_slug() -> str:
    """`store_id` as it was before the project had a slug; empty where the store has no such experiment."""
    found = client().get_experiment_by_name(EXPERIMENT)
    return f"{found.experiment_id}-{int(found.creation_time or 0)}" if found else ""


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold `name` among the threads and processes of this checkout; the same thread may take it again.

    The lock ends with the process, so nothing is left behind by a kill. Who may not write the state folder has no
    lock: it can change nothing there.
    """
    with _acquired(name):
        yield


def _acquired(name: str) -> AbstractContextManager[object]:
    try:
        # one object per name, which counts how often a thread holds it
        return FileLock(state_dir("locks") / f"{digest(name)[:16]}.lock", is_singleton=True).acquire()
    except OSError:
        if os.access(state_path(), os.W_OK):
            raise
        return nullcontext()
