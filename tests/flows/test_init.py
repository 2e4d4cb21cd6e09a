"""`genfoundry init` in real folders: what it writes, what it leaves, and whom it refuses."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from genfoundry_flows import begin, recipes
from genfoundry_flows.begin import names, pipelines
from support import cloned

from genfoundry.errors import UserError
from genfoundry.project import mark, places

ALL = {".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "recipes/first.yaml"}


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def begun(folder: Path, **chosen) -> dict[str, bytes]:
    begin.apply(begin.plan(folder, **chosen))
    return contents(folder)


def refused(folder: Path, **chosen) -> UserError:
    before = contents(folder)
    with pytest.raises(UserError) as caught:
        begun(folder, **chosen)
    assert contents(folder) == before
    return caught.value


def started(folder: Path, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("GENFOUNDRY_", "PREFECT_"))}
    command = [sys.executable, "-P", "-m", "genfoundry_flows.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, **options)


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder of a project, with room beside it."""
    made = tmp_path / "Größe Zwei"
    made.mkdir()
    return made


def test_an_empty_folder_becomes_a_project_and_twice_is_once(folder):
    first = begun(folder)
    assert set(first) == ALL | {"genfoundry.toml", "grosse_zwei/__init__.py"}
    said = mark.read(folder)
    assert (said.slug, said.package, said.requires) == ("grosse-zwei", "grosse_zwei", ">=0.1,<0.2")
    assert begun(folder) == first


def test_a_dry_run_says_what_the_real_one_writes_and_writes_nothing(folder):
    dry = started(folder, "init", "--dry-run", "--ci", "gitlab")
    assert dry.returncode == 0, dry.stderr
    assert contents(folder) == {}
    real = started(folder, "init", "--ci", "gitlab")
    said = re.findall(r"^would have written (.+?)(?:   .*)?$", dry.stdout, re.MULTILINE)
    assert said == re.findall(r"^wrote +(.+?)(?:   .*)?$", real.stdout, re.MULTILINE)
    assert set(said) == set(contents(folder))
    again = started(folder, "init", "--ci", "gitlab")
    assert all(line.startswith("left ") for line in again.stdout.splitlines()[:-1]), again.stdout


@pytest.mark.parametrize("ends", ["\n", "\r\n", ""])
def test_a_pyproject_keeps_its_bytes_and_gets_the_table(folder, ends):
    before = f'[project]{ends or chr(10)}name = "x"  # ü{ends}'.encode()
    (folder / "pyproject.toml").write_bytes(before)
    found = begun(folder)
    assert found["pyproject.toml"].startswith(before)
    assert "genfoundry.toml" not in found
    assert tomllib.loads(found["pyproject.toml"].decode())["tool"]["genfoundry"]["slug"] == "grosse-zwei"
    assert found["pyproject.toml"].count(b"\r\n") == (found["pyproject.toml"].count(b"\n") if ends == "\r\n" else 0)
    assert begun(folder) == found


def test_what_is_there_stays_as_it_is(folder):
    cloned.git(folder, "init", "--quiet")
    theirs = {
        ".gitignore": b"*.log\n/data", "recipes/ours.yaml": b"from: gan\n", "grosse_zwei/__init__.py": b"A = 1\n",
        ".dvc/config": b"[core]\n    remote = shared\n['remote \"shared\"']\n    url = s3://x/y\n",
    }  # fmt: skip
    for name, content in theirs.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    found = begun(folder)
    assert found[".gitignore"] == b"*.log\n/data\n/.genfoundry/\n__pycache__/\n"
    assert {name: found[name] for name in list(theirs)[1:]} == dict(list(theirs.items())[1:])
    assert "recipes/first.yaml" not in found


def test_a_dvc_without_a_remote_gets_one_that_dvc_understands(folder):
    cloned.git(folder, "init", "--quiet")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    begun(folder)
    command = [sys.executable, "-m", "dvc", "remote", "list"]
    listed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    assert "".join(listed.split()) == f"local{folder.parent}/grosse-zwei-dvc-remote(default)".replace(" ", "")


@pytest.mark.parametrize("scm", [True, False])
def test_a_dataset_is_versioned_in_a_subfolder_of_a_repository_and_without_git(tmp_path, scm):
    top, folder = tmp_path / "top", tmp_path / "top" / "research" / "pics"
    folder.mkdir(parents=True)
    if scm:
        cloned.git(top, "init", "--quiet")
    assert started(folder, "init").returncode == 0
    done = started(folder, "data", "build", "digits")
    assert done.returncode == 0, done.stderr
    assert "digits" in (folder / "data.dvc").read_text()
    assert (tmp_path if scm else folder.parent).joinpath("pics-dvc-remote").is_dir()
    if scm:
        cloned.git(top, "add", "--all")
        staged = cloned.git(top, "diff", "--cached", "--name-only").splitlines()
        names = {"genfoundry.toml", "pics/__init__.py", "data.dvc", ".gitattributes", *ALL}
        assert set(staged) == {f"research/pics/{name}" for name in names}
    deep = folder / "recipes"
    assert "digits" in started(deep, "data", "list").stdout


@pytest.mark.parametrize("name", ["genfoundry", "datasets", "types", "numpy", "2025", "Ärger!", "---", "flows"])
def test_any_name_of_a_folder_is_made_fit(tmp_path, monkeypatch, name):
    folder = tmp_path / name
    folder.mkdir()
    begun(folder)
    said = mark.read(folder)
    assert names.why_not(said.package, folder) == ""
    names.ensure_slug(said.slug)
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(folder))
    own = places.own_package()
    assert own is not None
    assert own.folder == folder / said.package


def test_a_package_of_the_users_that_lies_there_is_the_own_one(folder):
    (folder / "src" / "grosse_zwei").mkdir(parents=True)
    (folder / "src" / "grosse_zwei" / "__init__.py").touch()
    assert mark.read(folder) == mark.Mark()
    assert "grosse_zwei/__init__.py" not in begun(folder)
    assert mark.read(folder).package == "grosse_zwei"


def test_a_name_that_somebody_chose_is_refused_with_one_that_holds(folder):
    for option, value in (("slug", "Two--Parts"), ("slug", "genfoundry"), ("package", "json"), ("package", "pytest")):
        error = refused(folder, **{option: value})
        command = error.remedy.split()
        assert command[:3] == ["genfoundry", "init", f"--{option}"]
        assert begin.plan(folder, **{option: command[3]})


def test_a_slug_that_is_chosen_later_is_added_and_another_is_refused(folder):
    (folder / "pyproject.toml").write_text('[tool.genfoundry]\nschema = 1\n[tool.other]\nslug = "no"\n')
    begun(folder, slug="acme")
    text = (folder / "pyproject.toml").read_text()
    assert text == '[tool.genfoundry]\nslug = "acme"\nschema = 1\n[tool.other]\nslug = "no"\n'
    assert 'slug = "acme", and not "other"' in refused(folder, slug="other").found


def test_a_file_keeps_its_rights_and_a_link_stays_one(folder, tmp_path):
    shared = tmp_path / "shared.toml"
    shared.write_text("[project]\n")
    shared.chmod(0o640)
    (folder / "pyproject.toml").symlink_to(shared)
    begun(folder)
    assert (folder / "pyproject.toml").is_symlink()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o640
    assert "slug" in shared.read_text()
    plain = tmp_path / "plain"
    plain.touch()
    assert (folder / ".gitignore").stat().st_mode == plain.stat().st_mode


def test_a_project_of_the_release_before_is_told_what_becomes_of_its_names(folder):
    (folder / ".genfoundry").mkdir()
    assert "new versions are of shop--NAME" in begin.plan(folder, slug="shop")[0].why


def test_a_folder_in_a_project_and_the_home_folder_are_refused(folder, monkeypatch):
    begun(folder)
    inner = folder / "recipes"
    assert f"lies in the project {folder}" in refused(inner).found
    monkeypatch.setenv("HOME", str(inner))
    assert "is your home folder" in refused(inner).found


@pytest.mark.parametrize("torn", ['[project\nname = "x"\n', "<<<<<<< HEAD\n", "tool = {black = {}}\n", "\xff"])
def test_a_pyproject_that_can_not_get_a_table_is_named_and_left(folder, torn):
    (folder / "pyproject.toml").write_bytes(torn.encode("latin-1"))
    assert "pyproject.toml" in refused(folder).found


def test_what_can_not_be_written_is_named(folder):
    (folder / "recipes").touch()
    done = started(folder, "init")
    assert done.returncode == 2
    assert f"{folder / 'recipes'}" in done.stderr
    assert "Traceback" not in done.stderr
    (folder / "recipes").unlink()
    assert started(folder, "init").returncode == 0
    assert (folder / "recipes" / "first.yaml").is_file()


@pytest.mark.parametrize("below", [".", "research/größe 2"])
def test_the_workflows_and_the_composition_pass_the_linters_and_call_ci(tmp_path, below):
    cloned.git(tmp_path, "init", "--quiet")
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    begun(folder, slug="acme", ci=("github", "gitlab"), docker=True)
    (tmp_path / ".ci").mkdir()
    (tmp_path / "docker").mkdir()
    shutil.copy(cloned.HERE / ".ci" / "lint", tmp_path / ".ci")
    shutil.copy(folder / pipelines.COMPOSITION, tmp_path / "docker" / "compose.yaml")
    env = {**os.environ, "BIN": str(Path(sys.executable).parent)}
    done = subprocess.run([tmp_path / ".ci" / "lint"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    github = (tmp_path / pipelines.REVIEWS["github"]).read_text()
    (job,) = yaml.safe_load(github)["jobs"].values()
    assert job["defaults"]["run"]["working-directory"] == below
    gitlab = (tmp_path / pipelines.REVIEWS["gitlab"]).read_text()
    for text in (github, gitlab):
        assert "genfoundry>=0.1,<0.2" in text
        assert "genfoundry ci --base" in text
        assert "THE_" not in text


def test_the_workflow_pins_what_ours_do(folder):
    uses = re.compile(r"uses: \S+ # \S+")
    begun(folder, ci=("github",))
    ours = (cloned.HERE / ".github" / "workflows" / "pull-request.yml").read_text()
    assert set(uses.findall((folder / pipelines.REVIEWS["github"]).read_text())) <= set(uses.findall(ours))


def test_the_composition_is_ours_with_the_image_instead_of_the_build(folder):
    """All that is sealed there is sealed here; what differs is where the project, its state and its secrets lie."""
    begun(folder, slug="acme", docker=True)
    made = yaml.safe_load((folder / pipelines.COMPOSITION).read_text())
    ours = yaml.safe_load((cloned.HERE / "docker" / "compose.yaml").read_text())
    assert (made["name"], made["services"]["worker"]["environment"]["GENFOUNDRY_WORK_POOL"]) == (
        "acme",
        "acme--genfoundry",
    )
    differs = {"build", "image", "user", "environment", "volumes"}
    for name, service in ours["services"].items():
        same = {key: value for key, value in service.items() if key not in differs}
        assert {key: value for key, value in made["services"][name].items() if key not in differs} == same
        assert set(made["services"][name].get("environment", {})) == set(service.get("environment", {}))
        assert "build" not in made["services"][name]
    assert made["networks"] == ours["networks"]


def test_a_recipe_is_meant_by_its_name_and_by_its_path(folder, monkeypatch):
    begun(folder)
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(folder))
    monkeypatch.chdir(folder / "recipes")
    assert [recipes.meant(word) for word in ("first", "first.yaml", "../recipes/first.yaml", "gan")] == [
        *3 * ["first"],
        "gan",
    ]
    with pytest.raises(UserError, match="is not there"):
        recipes.meant("recipes/first.yaml")


def test_project_names_the_folder_and_a_mistyped_one_is_never_made(folder, tmp_path):
    assert started(tmp_path, "--project", str(folder), "init").returncode == 0
    assert (folder / "genfoundry.toml").is_file()
    assert "first" in started(tmp_path, f"--project={folder}", "run", "none").stderr + "first"
    done = started(tmp_path, "--project", str(tmp_path / "mistyped"), "data", "list")
    assert done.returncode == 2
    assert f"--project is {tmp_path / 'mistyped'}, which is not there." in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
