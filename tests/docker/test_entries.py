"""Every service's command line, from the entry scripts of the image, as another user on a file system that can't be
written. No container engine is needed, and none is had."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.composed import ENTRY, USER, Composed, composed, is_root
from support.services import await_answer, free_port, process

pytestmark = [pytest.mark.slow, pytest.mark.servers]
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def servers() -> Iterator[Composed]:
    with composed() as made:
        done = made.call("deploy")
        assert done.returncode == 0, done.stderr
        (made.folder / "deploy.log").write_text(done.stdout + done.stderr)
        yield made


@pytest.fixture(scope="module")
def worker(servers) -> Iterator[subprocess.Popen]:
    """A worker that is healthy by its own web server, as the image's health check asks it."""
    port = free_port()
    command = servers.command(
        "worker", PREFECT_WORKER_WEBSERVER_HOST="127.0.0.1", PREFECT_WORKER_WEBSERVER_PORT=str(port)
    )
    with process(command, servers.folder, "worker") as started:
        await_answer(f"http://127.0.0.1:{port}/health", started)
        yield started


def of_service(servers: Composed) -> dict[int, Path]:
    """Every process that sees the volume of this composition."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"{servers.folder}/secrets".encode() in environment:
                found[int(entry.name)] = entry
    return found


def test_the_services_are_sealed_as_far_as_a_process_can_be(servers, worker):
    assert is_root(), "run as root, this test makes the services another user's; run otherwise, they are not sealed"
    python = {pid: entry for pid, entry in of_service(servers).items() if b"python" in (entry / "cmdline").read_bytes()}
    assert len(python) >= 3
    for entry in python.values():
        status = dict(line.split(":\t", 1) for line in (entry / "status").read_text().splitlines() if ":\t" in line)
        assert status["Uid"].split() == [str(USER)] * 4
        assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        root = next(line for line in (entry / "mounts").read_text().splitlines() if line.split()[1] == "/")
        assert "ro" in root.split()[3].split(",")


def test_the_worker_is_in_the_pool_and_what_to_run_is_deployed(servers, worker):
    deadline = time.monotonic() + 60
    while not (workers := servers.ask_prefect("POST", "/work_pools/genfoundry/workers/filter")):
        assert time.monotonic() < deadline, servers.log("worker")[-3000:]
        time.sleep(0.5)
    assert [each["status"] for each in workers] == ["ONLINE"]
    names = {each["name"] for each in servers.ask_prefect("POST", "/deployments/filter")}
    assert "retrain-nightly" in names
    assert servers.call("deploy").returncode == 0, "twice is the same as once"


def test_a_flow_run_of_a_deployment_ends_well_on_the_sealed_worker(servers, worker):
    """Started through the API, as a click does; `watch` on no data has nothing to train, and says so."""
    deployment = next(d for d in servers.ask_prefect("POST", "/deployments/filter") if d["name"] == "retrain-nightly")
    parameters = {
        "recipes": ["mlp"],
        "overrides": {"training.max_steps": 2, "dataset.name": "digits"},
        "budget": "full",
    }
    run = servers.ask_prefect("POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
    deadline = time.monotonic() + 300
    while (state := servers.ask_prefect("GET", f"/flow_runs/{run['id']}")["state"])["type"] not in ENDED:
        assert time.monotonic() < deadline, (state, servers.log("worker")[-3000:])
        time.sleep(1)
    assert state["type"] == "COMPLETED", (state, servers.log("worker")[-3000:])


def test_the_command_line_sees_the_registry(servers):
    done = servers.call("command", "registry", "list")
    assert done.returncode == 0, done.stderr


def test_no_secret_is_in_a_log_a_command_line_or_the_volume(servers, worker):
    lines = {entry: entry / "cmdline" for entry in Path("/proc").iterdir() if entry.name.isdecimal()}
    places = [*servers.folder.glob("*.log"), *lines.values(), *servers.volume.rglob("*")]
    texts = {path: text for path in places if (text := _read(path))}
    assert len(texts) > 20
    for name, secret in servers.secrets.items():
        value = secret.rpartition(":")[2].encode()
        assert [path for path, text in texts.items() if value in text and not _is_of_a_run(path)] == [], name


def _is_of_a_run(path: Path) -> bool:
    """A run's environment as Prefect's worker keeps it while the run lasts: in a file that only its user can read."""
    closed = path.exists() and path.stat().st_mode & 0o077 == 0
    return path.parent.name.startswith("prefect-workspace-attempt-") and (closed or not path.exists())


def _read(path: Path) -> bytes:
    """What is in a file; nothing of a folder, or of a process that has ended since."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("service", ["mlflow", "prefect", "deploy", "worker", "command"])
@pytest.mark.parametrize(("content", "said"), [(None, "does not exist"), ("", "is empty")])
def test_a_secret_that_is_missing_is_named(service, content, said, tmp_path):
    script = (ENTRY / service).read_text()
    name = next(line.split()[1] for line in script.splitlines() if line.startswith("secret "))
    file = tmp_path / "missing"
    if content is not None:
        file.write_text(content)
    for environment, sentence in (({}, f"{name}_FILE is not set"), ({f"{name}_FILE": str(file)}, said)):
        done = subprocess.run(
            [str(ENTRY / service)], env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert sentence in done.stderr
        assert name in done.stderr


def test_a_wrong_password_of_the_database_is_a_sentence(servers):
    wrong = servers.folder / "wrong"
    wrong.write_text("not-the-password")
    done = servers.call("mlflow", PGPASSWORD_FILE=str(wrong))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "refused the user or the password" in done.stderr
    assert "not-the-password" not in done.stderr


@pytest.mark.parametrize(("status", "rc"), [("/health", 0), ("/nothing", 1)])
def test_the_health_check_says_what_it_found(servers, status, rc):
    environment = {**os.environ, "HEALTH_URL": servers.mlflow + status}
    done = subprocess.run([sys.executable, str(ENTRY / "healthy")], env=environment, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (rc, False)


def test_a_rotation_that_gets_no_answer_loses_neither_password(tmp_path):
    """MLflow may have taken the new one before the connection broke."""
    (tmp_path / "mlflow_admin_password").write_text("the old one")
    command = [str(ENTRY.parent / "rotate-admin.sh"), str(tmp_path), f"http://127.0.0.1:{free_port()}"]
    kept = set()
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert f"If the old one is refused now, it is in {tmp_path}/mlflow_admin_password.next" in done.stderr
        assert (tmp_path / "mlflow_admin_password").read_text() == "the old one"
        kept.add((tmp_path / "mlflow_admin_password.next").read_text())
    (new,) = kept
    assert len(new) > 30
    assert new not in done.stderr
