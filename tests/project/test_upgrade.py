"""A project and the genfoundry that opens it, of two releases; and a mark that a merge left torn."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.cloned import IDENTITY, commit, edit, git

from genfoundry import __version__
from genfoundry.errors import UserError
from genfoundry.project import mark


def test_an_old_genfoundry_in_a_newer_project_refuses_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "genfoundry.toml").write_text('requires = ">=99"\n')
    with pytest.raises(UserError, match=rf"requires genfoundry >=99, and this is {__version__}") as caught:
        mark.read(tmp_path)
    assert caught.value.remedy == "pip install 'genfoundry>=99'"
    (tmp_path / "genfoundry.toml").write_text("schema = 99\n")
    with pytest.raises(UserError, match="the project is of a newer genfoundry") as caught:
        mark.read(tmp_path)
    assert caught.value.remedy == "pip install --upgrade 'genfoundry'"


def test_a_key_of_another_release_is_told_and_left_out(tmp_path: Path, capsys) -> None:
    (tmp_path / "genfoundry.toml").write_text('slug = "acme"\nslugs = "x"\n')
    assert mark.read(tmp_path).slug == "acme"
    assert "unknown key 'slugs' is left out; did you mean 'slug'?" in capsys.readouterr().err


def test_conflict_marks_in_pyproject_are_a_sentence_and_its_remedy_mends(tmp_path: Path) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    pyproject = project / "pyproject.toml"
    pyproject.write_text('[tool.genfoundry]\nslug = "acme"\n')
    git(project, "init", "--quiet", "--initial-branch=main")
    commit(project, "The base")
    for branch, slug in (("theirs", "their-acme"), ("ours", "our-acme")):
        git(project, "switch", "--quiet", "--create", branch, "main")
        edit(pyproject, "acme", slug)
        commit(project, branch)
    command = ["git", "-C", str(project), *IDENTITY, "merge", "--quiet", "theirs"]
    assert subprocess.run(command, capture_output=True).returncode == 1
    with pytest.raises(
        UserError, match=r"is no TOML.* holds both sides of a merge that git could not finish"
    ) as caught:
        mark.read(project)
    remedy = caught.value.remedy.partition("   (")[0]
    subprocess.run(["bash", "-c", remedy], check=True, capture_output=True)
    assert mark.read(project).slug == "our-acme"
