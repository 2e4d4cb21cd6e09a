"""`genfoundry ci` in a repository of somebody's own: an own family's change before and after, by the genfoundry that
each revision names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from genfoundry_flows.review import releases
from genfoundry_flows.review.revisions import Revisions, revisions
from packaging.requirements import Requirement
from support import cloned, own_projects

from genfoundry import __version__
from genfoundry.errors import UserError

UV_LOCK = """version = 1

[[package]]
name = "acme-lab"
version = "0.0.0"
source = {{ editable = "." }}

[[package]]
name = "genfoundry"
version = "{}"
source = {{ registry = "https://example.org/simple" }}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a space and an umlaut in its path, and the project in a subfolder."""
    folder = tmp_path / "our wörk"
    folder.mkdir()
    own_projects.made(folder, "lab")
    return folder


def ci(root: Path, *arguments: str, status: int = 0, **variables: str) -> dict:
    env = {**own_projects.environment(root), **variables}
    done = cloned.genfoundry(env, "ci", "--base", "main", "--json", *arguments)
    assert done.returncode == status, done.stderr
    return {**json.loads(done.stdout), "said": done.stderr}


def changed(repository: Path, name: str, old: str, new: str) -> Path:
    """The project on a branch that changes one text of one file."""
    cloned.git(repository, "switch", "--quiet", "--create", "change")
    cloned.edit(repository / "lab" / name, old, new)
    cloned.commit(repository, "A change")
    return repository / "lab"


@pytest.mark.slow
def test_the_recipes_that_a_change_of_ones_own_reaches_are_found(repository):
    root = changed(repository, "acme_lab/units.py", "return value", "return value + 0")
    assert sorted(ci(root, "--dry-run")["run"]) == ["child", "one", "two"]
    cloned.git(repository, "reset", "--quiet", "--hard", "main")
    cloned.edit(root / "recipes" / "one.yaml", "max_steps: 4", "max_steps: 3")
    found = ci(root, "--dry-run")
    assert sorted(found["run"]) == ["child", "one"]
    page = Path(found["page"]).read_text()
    assert "its recipe's parent, one.yaml" in page


@pytest.mark.slow
@pytest.mark.servers
def test_an_own_familys_recipes_run_before_and_after_and_no_others(repository):
    root = changed(repository, "acme_lab/models/first.py", "SCALE = 1.0", "SCALE = 2.0")
    (root / "recipes" / "new.yaml").write_text("from: one\ntraining: {max_steps: 6}\n")
    cloned.git(repository, "add", "--all")
    found = ci(root, "--budget", "full", status=5)  # none beats chance after four steps
    assert sorted(each["recipe"] for each in found["recipes"]) == ["child", "new", "one"]
    errors = {each["recipe"]: each["errors"] for each in found["recipes"]}
    assert errors["one"] == {"before": "", "after": ""}
    assert errors["new"] == {"before": "This revision has no such recipe.", "after": ""}
    assert cloned.git(repository, "worktree", "list").count("\n") == 0
    jobs = [json.loads(path.read_text()) for path in (root / ".genfoundry" / "jobs").glob("*/job.json")]
    assert len([job for job in jobs if job["training"]["max_steps"] == 4]) == 2  # one.yaml's, by either constant


@pytest.mark.slow
@pytest.mark.servers
def test_the_base_runs_by_the_genfoundry_that_it_names(repository, tmp_path):
    own_projects.wheel(tmp_path / "wheels", "0.0.9")
    (repository / "lab" / "uv.lock").write_text(UV_LOCK.format("0.0.9"))
    cloned.commit(repository, "The release before")
    root = changed(repository, "uv.lock", '"0.0.9"', f'"{__version__}"')
    variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    found = ci(root, "--recipes", "one", **variables)
    assert [each["errors"] for each in found["recipes"]] == [{"before": "", "after": ""}]
    change = f"genfoundry ==0.0.9 → =={__version__}"
    assert change in found["said"]
    assert change in Path(found["page"]).read_text()
    assert (root / ".genfoundry" / "environments" / "genfoundry-0.0.9" / "genfoundry_flows").is_dir()
    assert sorted(ci(root, "--dry-run")["run"]) == ["child", "one", "two"]  # another release touches all


def at(repository: Path) -> Revisions:
    return Revisions(repository, repository, "HEAD", "HEAD", False)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("uv.lock", UV_LOCK.format("0.3.1"), "genfoundry==0.3.1"),
        ("poetry.lock", '[[package]]\nname = "genfoundry"\nversion = "0.3.1"\n', "genfoundry==0.3.1"),
        ("pylock.toml", '[[packages]]\nname = "genfoundry"\nversion = "0.3.1"\n', "genfoundry==0.3.1"),
        ("requirements-dev.txt", "numpy\ngenfoundry==0.3.1 \\\n    --hash=sha256:aa\n", "genfoundry==0.3.1"),
        ("pyproject.toml", '[project]\ndependencies = ["Genfoundry[servers] >=0.3"]\n', "Genfoundry[servers]>=0.3"),
        ("pyproject.toml", '[dependency-groups]\nml = ["genfoundry~=0.3.1"]\n', "genfoundry~=0.3.1"),
        ("pyproject.toml", '[tool.genfoundry]\nrequires = ">=0.3"\n', "genfoundry>=0.3"),
    ],
)
def test_what_a_revision_names_is_read_from_its_files(tmp_path, name, text, wanted):
    cloned.git(tmp_path, "init", "--quiet")
    (tmp_path / name).write_text(text)
    cloned.commit(tmp_path, "Named")
    (tmp_path / name).unlink()
    assert releases.named(at(tmp_path)) == (Requirement(wanted), None)


def test_a_release_that_is_named_and_not_installed_is_said_with_the_command(tmp_path):
    cloned.git(tmp_path, "init", "--quiet")
    (tmp_path / "requirements.txt").write_text(f"genfoundry=={__version__}\n")
    cloned.commit(tmp_path, "Named")
    (tmp_path / "requirements.txt").write_text("genfoundry==7.0\n")
    with pytest.raises(UserError, match=r"names genfoundry ==7\.0, and \S+ is installed") as caught:
        releases.named(at(tmp_path))
    assert "pip install 'genfoundry==7.0'" in caught.value.remedy


def test_the_same_name_on_both_sides_is_no_change(tmp_path):
    cloned.git(tmp_path, "init", "--quiet")
    (tmp_path / "requirements.txt").write_text("genfoundry==7.0\n")
    cloned.commit(tmp_path, "Named")
    assert releases.named(at(tmp_path)).change == ""


def test_an_environment_that_cannot_be_had_is_a_sentence(root, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(UserError, match=r"The base needs genfoundry==0\.0\.8, which could not be installed"):
        releases.environment(Requirement("genfoundry==0.0.8"))
    assert not list((root / ".genfoundry" / "environments").glob("*-0.0.8"))


def test_a_project_with_a_mark_is_compared_though_its_genfoundry_lies_elsewhere(repository, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(repository / "lab"))
    found = revisions("main")
    assert (found.ours, found.below) == (False, Path("lab"))
