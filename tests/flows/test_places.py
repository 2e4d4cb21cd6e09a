"""Where a command looks for its project, what it makes by being started, and whose code runs there; real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from genfoundry_flows.commands.checkout import SOURCES
from genfoundry_flows.review import sides
from genfoundry_flows.servers import environment
from support import cloned
from support.services import supervising

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.project.root import NoProject, project_root

OUTSIDE = (("watch",), ("run", "gan"), ("doctor",), ("registry", "list"), ("data", "list"), ("reconcile",))


def started(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command line in `folder`, which is also its home."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GENFOUNDRY_", "PREFECT_"))}
    command = [sys.executable, "-m", "genfoundry_flows.cli", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**inherited, "HOME": str(folder), **env}, capture_output=True, text=True, timeout=120
    )


def test_outside_a_project_every_command_ends_with_a_sentence_and_makes_nothing(tmp_path):
    for arguments in OUTSIDE:
        done = started(tmp_path, *arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert f"{tmp_path} is in no project." in done.stderr
        assert "Traceback" not in done.stderr
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("marker", [None, ".git"])
def test_help_version_and_models_work_anywhere_and_make_nothing(tmp_path, marker):
    if marker:
        (tmp_path / marker).mkdir()
    for arguments in (("--version",), ("--help",), ("run", "--help"), ("models", "gan")):
        done = started(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ([marker] if marker else [])


def test_what_the_sentence_says_mends_it(tmp_path):
    done = started(tmp_path, "data", "list")
    assert "genfoundry init" in done.stderr
    folder = tmp_path / "mine"  # its home is `tmp_path`, which can be none
    folder.mkdir()
    assert started(tmp_path, "--project", str(folder), "init").returncode == 0
    assert started(tmp_path, "--project", str(folder), "data", "list").returncode == 0


def test_a_mistyped_root_is_refused_and_never_made(tmp_path):
    done = started(tmp_path, "registry", "list", GENFOUNDRY_ROOT=str(tmp_path / "mistyped"))
    assert done.returncode == 2
    assert f"GENFOUNDRY_ROOT is {tmp_path / 'mistyped'}, which is not there." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_nearest_marker_upwards_is_the_project_and_what_an_old_start_left_is_none(tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    (tmp_path / ".genfoundry" / "prefect").mkdir(parents=True)  # earlier releases left it at --version
    with pytest.raises(NoProject):
        project_root()
    (tmp_path / ".genfoundry" / "mlflow.db").touch()
    assert project_root() == tmp_path
    (tmp_path / "a" / ".dvc").mkdir()
    assert project_root() == tmp_path / "a"


def test_a_mistyped_address_of_a_database_makes_no_folder(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mistyped/mlflow.db")
    with pytest.raises(UserError, match="there is no folder") as refused:
        tracking.list_models()
    assert str(root / "mistyped") in refused.value.found
    assert list(root.glob("mist*")) == []


def test_a_new_database_in_a_folder_that_is_there_is_made_and_said(root, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/new.db")
    assert tracking.list_models() == []
    assert f"{root}/new.db, which MLFLOW_TRACKING_URI names, is made: an empty registry." in capsys.readouterr().err
    assert tracking.list_models() == []
    assert capsys.readouterr().err == ""


def test_the_servers_of_a_project_that_was_copied_are_not_those_of_the_copy(tmp_path, monkeypatch):
    """`cp -a` while `make up` runs takes along the files that say where its servers are."""
    first, copy = tmp_path / "first", tmp_path / "copy"
    servers = first / ".genfoundry" / "servers"
    servers.mkdir(parents=True)
    supervisor = supervising(first)
    try:
        (servers / "supervisord.pid").write_text(f"{supervisor.pid}\n")
        (servers / "clients.env").write_text(environment.told({"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}))
        shutil.copytree(first, copy)
        monkeypatch.setenv("GENFOUNDRY_ROOT", str(first))
        assert environment._servers() == {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
        monkeypatch.setenv("GENFOUNDRY_ROOT", str(copy))
        assert environment._servers() == {}
    finally:
        supervisor.kill()
        supervisor.wait()
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(first))
    assert environment._servers() == {}


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory) -> tuple[Path, Path, dict[str, str]]:
    """A checkout, a copy of it with the virtual environment that leads to the first, and variables of the first."""
    home = tmp_path_factory.mktemp("checkouts")
    first = cloned.repository(home / "first")
    packages = first / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "__editable__.genfoundry.pth").write_text(f"{first / 'src'}\n")
    (first / ".venv" / ".installed").touch()
    copy = home / "copy"
    subprocess.run(["cp", "-a", first, copy], check=True)
    env = cloned.environment(first, tmp_path_factory.mktemp("packages"))
    return first, copy, env


def test_a_copied_checkout_does_not_run_the_first_ones_code(checkouts):
    first, copy, env = checkouts
    assert cloned.genfoundry(env, "models", "gan").returncode == 0
    for arguments in (("data", "list"), ("models", "gan"), ("run", "gan")):
        done = cloned.genfoundry({**env, "GENFOUNDRY_ROOT": str(copy)}, *arguments)
        assert done.returncode == 2, done.stderr
        assert f"{copy} is a checkout of genfoundry, but the code that runs is {first}/src/genfoundry." in done.stderr
        assert f"cd '{copy}' && rm -r .venv && make install" in done.stderr
    assert not (copy / ".genfoundry").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_command_that_mends_a_copied_checkout_does_something(checkouts):
    """Without `rm -r .venv` make finds all done, which is what made the remedy before a dead one."""
    _, copy, _ = checkouts

    def would_do() -> str:
        command = ["make", "--dry-run", "install"]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True).stdout

    assert "-m venv .venv" not in would_do()
    shutil.rmtree(copy / ".venv")
    assert "-m venv .venv" in would_do()


def test_a_worktree_by_its_own_sources_and_the_base_of_a_review_run(checkouts, tmp_path):
    first, _, env = checkouts
    tree, packages = tmp_path / "tree", tmp_path / "packages"
    packages.mkdir()
    cloned.git(first, "worktree", "add", "--detach", str(tree))
    assert cloned.genfoundry(cloned.environment(tree, packages), "data", "list").returncode == 0
    with sides.of_checkout(tree) as code:
        assert sides._run(code, first, ["data", "list"])[0] == 0
    assert cloned.genfoundry({**env, "GENFOUNDRY_ROOT": str(tree)}, "data", "list").returncode == 2
    meant = {**env, "GENFOUNDRY_ROOT": str(tree), SOURCES: str(first)}
    assert cloned.genfoundry(meant, "data", "list").returncode == 0


def test_an_installed_genfoundry_runs_in_a_repository_of_ones_own(tmp_path):
    cloned.git(tmp_path, "init", "--quiet")
    (tmp_path / "src").mkdir()
    assert started(tmp_path, "data", "list").returncode == 0
