"""The services of docker/compose.yaml without containers: the same entry scripts, under what restrictions a process
can have: another user, no capability, a file system that can't be written but for its volumes."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from sqlalchemy import make_url
from support.services import await_answer, calm_project, free_port, postgres_cluster, process

ROOT = Path(__file__).parents[2]
ENTRY = ROOT / "docker" / "entry"
USER = 65534  # nobody
SEALED = """
set -eu
mount -o bind "$PYTHON" /media
mount -t tmpfs -o mode=755 tmpfs /root  # root's home is closed, and may hold the interpreter
mkdir -p "$PYTHON" && mount -o bind /media "$PYTHON" && mount -o remount,ro,bind /root
mount -o bind "$VOLUME" /mnt
mount -o remount,ro,bind /
exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
"""


def is_root() -> bool:
    """Whether this process may become another user and mount; else the services run as this user, unsealed."""
    return os.getuid() == 0


@dataclass
class Composed:
    """What runs: where it is reached, its secrets, its volume."""

    folder: Path
    database: str
    mlflow_port: int = field(default_factory=free_port)
    prefect_port: int = field(default_factory=free_port)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def mlflow(self) -> str:
        return f"http://127.0.0.1:{self.mlflow_port}"

    @property
    def prefect(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def volume(self) -> Path:
        """The one folder that a service may write; it sees it as /mnt where it is sealed."""
        return self.folder / "volume"

    def seen(self) -> str:
        return "/mnt" if is_root() else str(self.volume)

    def clients(self) -> dict[str, str]:
        """The environment of a client that may come in."""
        return {
            "MLFLOW_TRACKING_URI": self.mlflow,
            "MLFLOW_TRACKING_USERNAME": "training",
            "MLFLOW_TRACKING_PASSWORD": self.secrets["mlflow_training_password"],
            "PREFECT_API_URL": f"{self.prefect}/api",
            "PREFECT_API_AUTH_STRING": self.secrets["prefect_auth"],
        }

    def environment(self, service: str) -> dict[str, str]:
        """As docker/compose.yaml gives it; `tests/docker/test_compose.py` compares the names."""
        files = {
            "PGPASSWORD_FILE": "postgres_password",
            "MLFLOW_AUTH_ADMIN_PASSWORD_FILE": "mlflow_admin_password",
            "MLFLOW_FLASK_SERVER_SECRET_KEY_FILE": "mlflow_secret_key",
            "MLFLOW_TRACKING_PASSWORD_FILE": "mlflow_training_password",
            "PREFECT_SERVER_API_AUTH_STRING_FILE": "prefect_auth",
            "PREFECT_API_AUTH_STRING_FILE": "prefect_auth",
        }
        clients = {key: value for key, value in self.clients().items() if not key.endswith(("PASSWORD", "STRING"))}
        port = {"mlflow": self.mlflow_port, "prefect": self.prefect_port}.get(service, 0)
        return {
            **{name: str(self.folder / "secrets" / file) for name, file in files.items()},
            **(clients if service in ("deploy", "worker", "command") else {}),
            "GENFOUNDRY_DATABASE_URL": self.database,
            "GENFOUNDRY_ALLOWED_HOSTS": "127.0.0.1,localhost",
            "GENFOUNDRY_ALLOWED_ORIGINS": f"{self.mlflow},{self.prefect}",
            "GENFOUNDRY_WORK_POOL": "genfoundry",
            "GENFOUNDRY_ROOT": f"{self.seen()}/project",
            "MLFLOW_ARTIFACTS_DESTINATION": f"{self.seen()}/artifacts",
            "PREFECT_HOME": f"{self.seen()}/{service}-prefect",
            "TMPDIR": f"{self.seen()}/tmp",
            "HOME": "/nonexistent",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def command(self, service: str, *arguments: str, **other: str) -> list[str]:
        """The entry script of a service, in the seal; `other` variables replace its own."""
        variables = [f"{key}={value}" for key, value in (self.environment(service) | other).items()]
        script = ["env", "-i", *variables, str(ENTRY / service), *arguments]
        if not is_root():
            return script
        return [
            "env",
            f"VOLUME={self.volume}",
            f"PYTHON={sys.base_prefix}",
            "unshare",
            "-m",
            "sh",
            "-c",
            SEALED,
            "sh",
            *script,
        ]

    def call(self, service: str, *arguments: str, **other: str) -> subprocess.CompletedProcess[str]:
        """Run a service that ends by itself."""
        command = self.command(service, *arguments, **other)
        return subprocess.run(command, capture_output=True, text=True, timeout=180, cwd="/")

    def ask_prefect(self, method: str, path: str, body: dict | None = None) -> Any:
        """The JSON that Prefect's API answers to who may come in."""
        user, _, password = self.secrets["prefect_auth"].partition(":")
        sent = {} if method == "GET" else {"json": body or {}}
        with httpx.Client(auth=(user, password), timeout=30) as client:
            token = client.get(f"{self.prefect}/api/csrf-token", params={"client": "tests"}).json()["token"]
            headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"}
            return (
                client.request(method, f"{self.prefect}/api{path}", headers=headers, **sent).raise_for_status().json()
            )

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")


@contextmanager
def composed() -> Iterator[Composed]:
    """Both servers, healthy, on a PostgreSQL of their own, with secrets made by docker/secrets.sh."""
    with _folder() as folder, postgres_cluster() as cluster, ExitStack() as stack:
        subprocess.run([str(ROOT / "docker" / "secrets.sh"), str(folder / "secrets")], check=True)
        found = {path.name: path.read_text() for path in (folder / "secrets").iterdir()}
        made = Composed(folder, "", secrets=found)
        made.database = _database(cluster, made.secrets["postgres_password"])
        _open(folder, made.volume)
        if is_root():
            shutil.chown(calm_project(made.volume / "project"), USER, USER)
        else:
            calm_project(made.volume / "project")
        health = {"mlflow": f"{made.mlflow}/health", "prefect": f"{made.prefect}/api/health"}
        started = {name: stack.enter_context(process(made.command(name), folder, name)) for name in health}
        for name, url in health.items():
            await_answer(url, started[name], 180)
        yield made


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that the other user may enter: pytest closes its own."""
    folder = Path(tempfile.mkdtemp(prefix="genfoundry-composed-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _open(folder: Path, volume: Path) -> None:
    """The secrets as a container has them mounted, and the one folder that it may write."""
    volume.mkdir()
    (folder / "secrets").chmod(0o755)
    if is_root():
        os.chown(volume, USER, USER)


def _database(cluster: str, password: str) -> str:
    """A role with that password and its database; returns its address, without the password."""
    statements = (f"CREATE ROLE genfoundry LOGIN PASSWORD '{password}'", "CREATE DATABASE genfoundry OWNER genfoundry")

    async def run() -> None:
        connection = await asyncpg.connect(cluster)
        rules = Path(await connection.fetchval("SHOW hba_file"))
        rules.write_text("host all genfoundry 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        for statement in (*statements, "SELECT pg_reload_conf()"):
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())
    return make_url(cluster).set(database="genfoundry", username="genfoundry", password=None).render_as_string()
