"""What is set before Prefect is imported, and that the server of a process belongs to the project it works for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GONE = ("GENFOUNDRY_ROOT", "MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_HOME", "GENFOUNDRY_PREFECT_HOME")
SHOWN = "import genfoundry_flows, os; print(os.environ['PREFECT_HOME'])"


def shown(code: str, folder: Path, **variables: str) -> str:
    env = {name: value for name, value in os.environ.items() if name not in GONE}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**env, **variables}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two projects."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "genfoundry.toml").write_text("schema = 1\n")
    return tmp_path / "a", tmp_path / "b"


def home_of(project: Path) -> str:
    return f"{project / '.genfoundry' / 'prefect'}\n"


def test_prefects_state_is_the_projects_and_follows_it(two: tuple[Path, Path]):
    first, second = two
    code = f"{SHOWN}\nfrom genfoundry_flows.servers.environment import prepare\nos.chdir({str(second)!r}); prepare()\n"
    assert shown(f"{code}print(os.environ['PREFECT_HOME'])", first) == home_of(first) + home_of(second)
    assert [*first.iterdir(), *second.iterdir()] == [first / "genfoundry.toml", second / "genfoundry.toml"]


def test_what_a_parent_set_for_its_project_is_not_taken_for_the_users_wish(two: tuple[Path, Path]):
    first, second = two
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SHOWN!r}], cwd={str(second)!r})"
    assert shown(f"import genfoundry_flows; {child}", first) == home_of(second)


def test_what_the_user_set_stays(two: tuple[Path, Path], tmp_path: Path):
    assert shown(SHOWN, two[0], PREFECT_HOME=str(tmp_path)) == f"{tmp_path}\n"


@pytest.mark.servers
def test_prefect_that_was_imported_before_is_told(two: tuple[Path, Path], tmp_path: Path):
    code = (
        "import prefect\nfrom prefect.settings import get_current_settings as now\n"
        "from genfoundry_flows.runs.beginning import begin\n"
        "from prefect.server.api.server import SubprocessASGIServer as Server\n"
        f"begin()\nprint(now().home, now().server.analytics_enabled)\nfirst = Server().server_process.pid\n"
        "begin()\nassert Server().server_process.pid == first\n"
        "Server().server_process.kill()\nServer().server_process.wait()\nbegin()\n"
        "second = Server().server_process.pid\nassert second != first\n"
        f"import os\nos.chdir({str(two[1])!r})\nbegin()\nassert Server().server_process.pid != second\n"
        "print(now().home)\n"
    )
    found = shown(code, two[0], HOME=str(tmp_path))
    assert found == home_of(two[0]).strip() + " False\n" + home_of(two[1])
    assert (two[1] / ".genfoundry" / "prefect" / "prefect.db").is_file()
