"""Where a project begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from genfoundry.errors import UserError
from genfoundry.project.root import NoProject, project_root, source_root


def entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GENFOUNDRY_ROOT", raising=False)
    monkeypatch.delenv("GENFOUNDRY_SOURCES", raising=False)
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_nearest_mark_upwards_is_the_project_whatever_lies_nearer(tmp_path, monkeypatch):
    root = tmp_path / "größer und weiter"
    entered(root / "deep" / "er", monkeypatch)
    (root / "genfoundry.toml").write_text("")
    (root / "deep" / ".git").mkdir()
    assert project_root() == source_root() == root


def test_a_project_in_a_larger_repository_keeps_to_its_folder(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    root = entered(tmp_path / "sub", monkeypatch)
    (root / "pyproject.toml").write_text("[tool.genfoundry]\n")
    assert project_root() == root


def test_an_inner_project_is_itself(tmp_path, monkeypatch):
    (tmp_path / "genfoundry.toml").write_text('slug = "outer"')
    root = entered(tmp_path / "inner", monkeypatch)
    (root / "genfoundry.toml").write_text('slug = "inner"')
    assert project_root() == root


@pytest.mark.parametrize("marker", ["data.dvc", ".dvc", ".git"])
def test_without_any_mark_it_is_as_before(tmp_path, monkeypatch, marker):
    entered(tmp_path / "sub", monkeypatch)
    (tmp_path / marker).mkdir()
    assert project_root() == tmp_path


def test_outside_a_project_nothing_is_made(tmp_path, monkeypatch):
    entered(tmp_path / "empty", monkeypatch)
    with pytest.raises(NoProject, match="is in no project") as refused:
        project_root()
    assert refused.value.remedy.endswith("genfoundry init")
    assert not [*(tmp_path / "empty").iterdir()]


def test_a_home_folder_is_no_project(tmp_path, monkeypatch):
    entered(tmp_path / "home" / "work", monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "genfoundry.toml").write_text("")
    with pytest.raises(UserError, match="your home folder, is marked as a project"):
        project_root()
    (tmp_path / "home" / "work" / "genfoundry.toml").write_text("")
    assert project_root() == tmp_path / "home" / "work"


def test_a_file_system_ends_the_search(tmp_path, monkeypatch):
    entered(tmp_path / "mounted" / "in", monkeypatch)
    (tmp_path / "genfoundry.toml").write_text("")
    assert project_root() == tmp_path
    monkeypatch.setattr("os.path.ismount", lambda path: Path(path) == tmp_path / "mounted")  # none can be made here
    with pytest.raises(NoProject):
        project_root()


def test_sources_of_another_revision_lie_elsewhere_than_data_and_state(tmp_path, monkeypatch):
    root = entered(tmp_path / "here", monkeypatch)
    (root / "genfoundry.toml").write_text("")
    monkeypatch.setenv("GENFOUNDRY_SOURCES", str(tmp_path / "base"))
    assert (project_root(), source_root()) == (root, tmp_path / "base")
