"""A project that was damaged: what doctor prints is run, and doctor is green. The whole road, on real parts."""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from genfoundry_flows.commands.doctor import doctor, reconcile
from genfoundry_flows.commands.publish import publish
from genfoundry_flows.commands.report import report
from genfoundry_flows.runs import unpublished, upkeep
from genfoundry_flows.servers import environment
from support.services import supervising
from support.trained import digits

from genfoundry import tracking

GENFOUNDRY = Path(sys.executable).with_name("genfoundry")
RUN = ("run", "mlp", "--data", "digits", "--set", "training.max_steps=60", "--no-report")


def genfoundry(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.run([GENFOUNDRY, *arguments], cwd=root, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Path]:
    """A champion of the recipe mlp on a dataset that is not the recipe's own, with a setting of its own."""
    root = tmp_path_factory.mktemp("remedied")
    digits(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(root))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        done = genfoundry(root, *RUN)
        assert done.returncode == 0, done.stderr
        yield root


@pytest.fixture
def model(project: Path) -> Path:
    """The champion's folder in MLflow, its weights damaged."""
    info = tracking.get_version("mlp-digits", "champion")
    folder = Path(info.source.removeprefix("file://"))
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    return folder


def remedies() -> list[str]:
    found = CliRunner().invoke(doctor, ["--json"])
    return [each["remedy"] for each in json.loads(found.stdout)]


@pytest.mark.servers
@pytest.mark.slow
def test_weights_that_the_job_still_holds_are_mended_by_reconcile(model: Path) -> None:
    (remedy,) = remedies()
    assert remedy.startswith("genfoundry reconcile ")
    assert "published anew" in CliRunner().invoke(reconcile).output
    assert remedies() == []


@pytest.mark.servers
@pytest.mark.slow
def test_weights_that_are_nowhere_are_mended_by_the_command_that_trained_them(model: Path, project: Path) -> None:
    shutil.rmtree(project / ".genfoundry" / "jobs")
    (remedy,) = remedies()
    program, *words = shlex.split(remedy.partition("   ")[0])
    assert (program, *words[:4]) == ("genfoundry", "run", "mlp", "--data", "digits")
    assert "training.max_steps=60" in words
    done = genfoundry(project, *words, "--no-report")
    assert done.returncode == 0, done.stderr
    assert "model/weights.safetensors" in done.stderr, "what was damaged is said"
    assert remedies() == []
    assert len(tracking.list_versions("mlp-digits")) == 1


@pytest.mark.servers
@pytest.mark.slow
def test_damaged_weights_are_mended_by_giving_the_same_command_again(model: Path, project: Path) -> None:
    done = genfoundry(project, *RUN)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if " train " in line]
    assert "SKIPPED" not in line
    assert remedies() == []


@pytest.mark.slow
@pytest.mark.servers
def test_unchanged_it_is_skipped_and_imports_no_torch(project: Path) -> None:
    code = (
        "import atexit, sys; from genfoundry_flows.cli import main\n"
        "atexit.register(lambda: print(sorted({'torch', 'great_expectations'} & {*sys.modules}), file=sys.stderr))\n"
        f"sys.argv = {['genfoundry', *RUN]!r}; main()"
    )
    env = {**os.environ, "GENFOUNDRY_ROOT": str(project)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("SKIPPED") == 4
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.slow
@pytest.mark.servers
def test_a_torn_journal_in_mlflow_costs_the_report_its_curve_only(project: Path, caplog) -> None:
    (path,) = project.glob(".genfoundry/mlartifacts/*/artifacts/journal.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    found = CliRunner().invoke(report, ["-o", str(project / "page.html")])
    path.write_bytes(whole)
    assert found.exit_code == 0, found.output
    assert "journal.jsonl of MLflow run" in caplog.text
    assert "mlp-digits" in (project / "page.html").read_text()


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What is told; Prefect's own set-up of logging takes caplog's handler away."""
    found: list[str] = []
    monkeypatch.setattr(logging.getLogger("genfoundry.data.sealed"), "handlers", [_Keeper(found)])
    return found


class _Keeper(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def test_a_damaged_note_of_what_waits_ends_no_command_and_is_mended_by_what_doctor_prints(root: Path, said) -> None:
    unpublished.keep("mlp", {"training.seed": 3})
    (path,) = (root / ".genfoundry" / "pending").iterdir()
    path.write_text("")
    found = CliRunner().invoke(publish)
    assert (found.exit_code, found.stdout) == (0, "nothing waits to be published\n")
    assert any(str(path) in sentence for sentence in said)
    (finding,) = upkeep.diagnose()
    assert str(path) in finding.sentence
    program, *words = shlex.split(finding.command.partition("   ")[0])
    subprocess.run([program, *words], check=True)
    assert upkeep.diagnose() == []


def test_where_the_servers_are_is_refused_where_it_is_damaged(root: Path, monkeypatch) -> None:
    from genfoundry.errors import UserError

    path = root / ".genfoundry" / environment.CLIENTS
    path.parent.mkdir(parents=True)
    up = supervising(root)
    try:
        (path.parent / "supervisord.pid").write_text(str(up.pid))
        path.write_text("MLFLOW_TRACKING_URI=http://127.0.0.1:50")
        monkeypatch.setattr(sys, "argv", ["genfoundry", "registry", "list"])
        with pytest.raises(UserError, match=r"clients\.env is damaged(?s:.*)genfoundry up"):
            environment.prepare()
        monkeypatch.setattr(sys, "argv", ["genfoundry", "up"])
        environment.prepare()
    finally:
        up.kill()
        up.wait()
