"""What a process of ours sets before it imports a vendor: telemetry off, state below `.genfoundry/`, memory.

Nothing that the user has set is overridden.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import warnings
from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.project.root import NoProject, state_dir, state_path

MARK = "GENFOUNDRY_SERVERS"  # in the environment of every process below `up`: the state folder that it belongs to
CLIENTS = "servers/clients.env"  # what a client of these servers has in its environment; there while they are up

SEAL = "# sha256 "
BEFORE = re.compile(r"MLFLOW_TRACKING_URI=http://127\.0\.0\.1:\d+\nPREFECT_API_URL=http://127\.0\.0\.1:\d+/api\n")
"""What the release before wrote, without a seal."""

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "False",
    "DVC_NO_ANALYTICS": "1",
    "OMP_WAIT_POLICY": "passive",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "WARNING",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # seconds; close-lost-runs.yaml waits for eight of them
    # each event of a task written alone keeps SQLite busier: 0.7 s more of an unchanged rerun
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "2",  # seconds
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

OBJECTS = 50_000  # made between two collections; at the default of 700 they are a tenth of an unchanged rerun
NEEDLESS = (  # warnings about what is meant so: the state folder is not there yet, a notebook shows no bars
    "Failed to create the Prefect home directory",
    "IProgress not found",
)

HOME, HOME_OF_OURS = "PREFECT_HOME", "GENFOUNDRY_PREFECT_HOME"  # the second tells child processes that we set the first

# what `prepare` set itself, here or in a parent: it may set that anew, where the project is another one now
_set = {HOME: os.environ[HOME_OF_OURS]} if HOME_OF_OURS in os.environ else {}


def prepare() -> None:
    """Set the defaults of this process and of those that it starts. Nothing is made; a second call costs little."""
    gc.set_threshold(OBJECTS)
    for text in NEEDLESS:
        warnings.filterwarnings("ignore", text)
    _default({**QUIET, **_of_project()})
    if HOME in _set:
        os.environ[HOME_OF_OURS] = _set[HOME]


def _of_project() -> dict[str, str]:
    try:
        return {**_servers(), HOME: str(state_path("prefect"))}
    except NoProject:  # there are no servers and no state, and whoever needs them says so; Prefect makes no such folder
        return {HOME: str(Path.cwd() / ".genfoundry" / "prefect")}


def _default(variables: dict[str, str]) -> None:
    """Set what the user has not; what an earlier call set for a project that it is not now is taken back."""
    for name in [name for name in _set if name not in variables]:
        if os.environ.get(name) == _set.pop(name):
            del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name, _set.get(name)) == _set.get(name):
            os.environ[name] = _set[name] = value


def make_home() -> None:
    """Make the state folder, before Prefect's server starts: it makes only the last part of the path of its home."""
    if Path(os.environ.get(HOME, "")).parent == state_path():
        state_dir()


def _servers() -> dict[str, str]:
    """Where the servers of `make up` are, while their supervisor lives.

    Raises:
        UserError: they are up, and the file that says where does not hold.
    """
    path = state_path() / CLIENTS
    try:
        number = (path.parent / "supervisord.pid").read_text(encoding="ascii").strip()
        if not number.isdecimal() or not _serves(number) or not path.exists():
            return {}
        return opened(path.read_bytes().decode())
    except OSError:
        return {}
    except ValueError as error:
        if sys.argv[1:2] in (["up"], ["down"], ["status"]):  # these mend it, or need it not
            return {}
        raise UserError(f"{path} is damaged ({error}).", remedy="genfoundry up   (it writes it anew)") from None


def told(variables: dict[str, str]) -> str:
    """What `opened` reads: a variable per line, and below them their seal, as a comment of a shell's."""
    text = "".join(f"{key}={value}\n" for key, value in variables.items())
    return f"{text}{SEAL}{digest(text)}\n"


def opened(text: str) -> dict[str, str]:
    """The variables that `told` wrote; a release before wrote no seal below them.

    Raises:
        ValueError: the text is not what was written.
    """
    body, _, seal = text.partition(SEAL)
    if seal != f"{digest(body)}\n" and not BEFORE.fullmatch(text):
        raise ValueError("its content is not what its seal says")
    return dict(line.split("=", 1) for line in body.splitlines())


def _serves(process: str) -> bool:
    """Whether a process lives and is this project's; in a copied one, the files name that of the project it was."""
    try:
        return f"{MARK}={state_path()}" in Path(f"/proc/{process}/environ").read_text(errors="replace").split("\0")
    except PermissionError:  # another account's
        return True
    except OSError:
        return False
