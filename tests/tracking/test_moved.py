"""A project that was moved or copied, with a real store and real model folders: said once, mended by one command."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from genfoundry_flows.commands.doctor import doctor, reconcile
from support.tracked import registered, trained

from genfoundry import tracking
from genfoundry.data import sealed
from genfoundry.project.root import project_root
from genfoundry.tracking import moved
from genfoundry.tracking.store import client

NAME = "gan-digits"


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A project with a model of two versions, both of which were champions; its path has to be quoted in an address."""
    home = tmp_path_factory.mktemp("homes") / "a projéct"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(home))
        for seed in (1, 2):
            number = registered(NAME, tmp_path_factory.mktemp("models"), 5, seed)
            tracking.set_alias(NAME, "champion", number, "a test")
    return home


@pytest.fixture(params=["moved", "copied", "of the release before"])
def project(request, written, tmp_path, monkeypatch) -> Path:
    """The same, where it was not written; where it was moved the old place is gone."""
    old, new = tmp_path / written.name, tmp_path / "elsewhere" / "nów here"
    _readdress(written, shutil.copytree(written, old))
    if request.param == "moved":
        shutil.move(old, new)
    else:
        shutil.copytree(old, new)
    if request.param == "of the release before":
        (new / ".genfoundry" / moved.MARK).unlink()
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(new))
    return new


def _readdress(before: Path, now: Path) -> None:
    """What the store holds, had it been written at `now`; by other means than the ones that are tested."""
    with sqlite3.connect(now / ".genfoundry" / "mlflow.db") as store:
        for table, column in ADDRESSES:
            store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (before.as_uri(), now.as_uri()))
    sealed.write(now / ".genfoundry" / moved.MARK, {"root": str(now)})


ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file below a folder: its digest, and when it was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in sorted(files)
    }


def addresses(project: Path) -> set[str]:
    with sqlite3.connect(project / ".genfoundry" / "mlflow.db") as store:
        return {row[0] for table, column in ADDRESSES for row in store.execute(f"SELECT {column} FROM {table}")}


def test_reading_says_one_thing_and_doctor_the_same_with_the_command(project):
    with pytest.raises(tracking.moved.Elsewhere, match="genfoundry reconcile") as refused:
        tracking.list_models()
    assert str(project) in refused.value.expected
    done = CliRunner().invoke(doctor, ["--deep"])
    assert done.exit_code == 1
    assert done.output.count("✗") == 1
    assert "Remedy: genfoundry reconcile" in done.output


def test_reconcile_brings_every_address_along_and_all_goes_on_here(project, tmp_path):
    old = tmp_path / "a projéct"
    before = tree(old)
    done = CliRunner().invoke(reconcile)
    assert done.exit_code == 0
    assert done.output.count("is at") == 1
    assert "nothing to repair" in CliRunner().invoke(reconcile).output
    assert CliRunner().invoke(doctor, ["--deep"]).exit_code == 0
    files = {address for address in addresses(project) if ".genfoundry" in address}  # MLflow's own experiment has none
    assert files
    assert all(address.startswith(project.as_uri()) for address in files)

    tracking.load_version(NAME, 2)
    assert tracking.rollback(NAME, reason="a test") == 1
    fresh = trained("elsewhere", tmp_path / "fresh", seed=3)
    uri = client().get_run(fresh.checkpoint.run_id).info.artifact_uri
    assert uri.startswith(project.as_uri())
    weights = project / ".genfoundry" / "mlartifacts" / fresh.checkpoint.run_id / "artifacts" / "model"
    assert (weights / "weights.safetensors").is_file()
    assert tree(old) == before


def test_state_that_lies_where_it_was_written_is_left_alone(written, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(written))
    before = addresses(written)
    assert tracking.origin() is None
    assert tracking.adopt() == []
    assert addresses(written) == before
    assert json.loads((written / ".genfoundry" / moved.MARK).read_text())["root"] == str(project_root())


def test_a_damaged_mark_is_said_and_made_anew(written, tmp_path, monkeypatch, caplog):
    copy = shutil.copytree(written, tmp_path / "copy")
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(copy))
    tracking.adopt()
    mark = copy / ".genfoundry" / moved.MARK
    mark.write_text(mark.read_text().replace("copy", "somewhere"))
    moved.ensure_here()
    assert str(mark) in caplog.text
    assert json.loads(mark.read_text())["root"] == str(copy)


def test_another_path_to_the_same_folder_is_no_move(written, tmp_path, monkeypatch):
    """As a bind mount has it: what the addresses name is this very folder."""
    other = tmp_path / "other"
    other.symlink_to(written, target_is_directory=True)
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(written))  # whose store it is, wherever the tests run
    monkeypatch.setattr(moved, "project_root", lambda: other)
    assert tracking.origin() is None


def test_a_database_that_the_user_names_is_never_rewritten(written, tmp_path, monkeypatch):
    named = tmp_path / "named.db"
    shutil.copy(written / ".genfoundry" / "mlflow.db", named)
    before = named.read_bytes()
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{named}")
    assert tracking.adopt() == []
    assert [model.name for model in tracking.list_models()] == [NAME]
    assert named.read_bytes() == before


def test_artifacts_of_another_scheme_are_no_sign_of_a_move(written, tmp_path, monkeypatch):
    copy = shutil.copytree(written, tmp_path / "copy")
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(copy))
    tracking.adopt()
    with sqlite3.connect(copy / ".genfoundry" / "mlflow.db") as store:
        store.execute("UPDATE runs SET artifact_uri = 's3://bucket/.genfoundry/mlartifacts/1/artifacts'")
    assert tracking.origin() is None


def test_a_kill_while_it_is_rewritten_is_mended_by_the_next_run(project):
    """The addresses are one transaction, and the mark comes last."""
    (old,) = {moved.origin()}
    moved._rewrite_store(old)
    if (project / ".genfoundry" / moved.MARK).exists():
        assert tracking.origin() == old
    tracking.adopt()
    assert tracking.origin() is None
    assert os.listdir(project / ".genfoundry" / "mlartifacts")


READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def read_only(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a project that can't be written, on whatever account this is."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", str(folder)]
    command += [sys.executable, "-m", "genfoundry_flows.cli", *arguments]
    env = {**os.environ, "GENFOUNDRY_ROOT": str(folder)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def test_a_project_that_can_not_be_written_can_be_read(written):
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets no account make a mount of its own")
    for arguments in (("--help",), ("registry", "list", "--json"), ("doctor", "--deep")):
        done = read_only(written, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        assert done.stdout
