"""Two projects on one store: neither takes the other's registered model, and every clone of one is that one."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from genfoundry_flows import begin
from support import cloned
from support.tracked import DATA, trained

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.gate import Policy
from genfoundry.stages.register import register_model
from genfoundry.tracking import homes
from genfoundry.tracking.store import client

pytestmark = pytest.mark.slow
OTHER = DATA.model_copy(update={"digest": "f" * 32 + ".dir"})


class Team:
    """Projects that share one store, each in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch, self.count = folder, monkeypatch, 0
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/shared.db")

    def project(self, name: str, *, commit: bool = True) -> Path:
        root = self.folder / name
        root.mkdir()
        if commit:
            cloned.git(root, "init", "--quiet")
            (root / "README").write_text(name)
            cloned.commit(root, f"The first of {name}")
        return root

    def enter(self, root: Path) -> None:
        self.monkeypatch.setenv("GENFOUNDRY_ROOT", str(root))
        homes._commits.cache_clear()

    def register(self, root: Path, name: str, data=DATA) -> int:
        self.enter(root)
        self.count += 1
        found = trained(f"{name}-{self.count}", self.folder, fd=50 / self.count, seed=self.count, data=data)
        return register_model(found, Policy(), name).version

    def refused(self, root: Path, name: str, data=DATA) -> UserError:
        self.enter(root)
        with pytest.raises(UserError) as caught:
            tracking.ensure_home(name, data.digest)
        return caught.value


@pytest.fixture
def team(tmp_path, monkeypatch) -> Team:
    return Team(tmp_path, monkeypatch)


def test_the_second_project_is_refused_and_told_whose_the_name_is_and_a_slug_mends_it(team, capsys):
    first, second = team.project("shop"), team.project("lab")
    assert team.register(first, "mlp-pics") == 1
    with pytest.raises(UserError, match="is of another project: the folder shop of") as caught:
        team.register(second, "mlp-pics", OTHER)
    assert tracking.list_models() == []
    assert [model.champion for model in (team.enter(first), tracking.list_models())[1]] == [1]
    assert caught.value.remedy.startswith("genfoundry init --slug NAME")
    begin.apply(begin.plan(second, slug="lab"))
    assert team.register(second, "lab--mlp--pics", OTHER) == 1
    assert [model.name for model in tracking.list_models()] == ["lab--mlp--pics"]


def test_a_clone_a_moved_folder_and_a_copy_without_git_are_the_same_project(team):
    first = team.project("shop")
    team.register(first, "mlp")
    clone = team.folder / "clone"
    cloned.git(team.folder, "clone", "--quiet", str(first), str(clone))
    assert team.register(clone, "mlp", OTHER) == 2
    moved = first.rename(team.folder / "elsewhere")
    assert team.register(moved, "mlp") == 3
    assert [model.versions for model in tracking.list_models()] == [3]


def test_two_projects_of_one_repository_are_two(team):
    top = team.project("top")
    for name in ("one", "two"):
        (top / name).mkdir()
    team.register(top / "one", "mlp")
    assert "the folder one of" in team.refused(top / "two", "mlp").found


def test_a_project_stays_the_same_once_it_is_under_git(team):
    first = team.project("shop", commit=False)
    team.register(first, "mlp")
    number = (first / ".genfoundry" / "home").read_text().strip()
    cloned.git(first, "init", "--quiet")
    (first / "README").touch()
    cloned.git(first, "add", "README")
    cloned.git(first, "commit", "--quiet", "--message", "The first")
    assert team.register(first, "mlp") == 2
    said = client().get_registered_model("mlp").tags[homes.HOME].split()
    assert said[0] == number
    clone = team.folder / "clone"
    cloned.git(team.folder, "clone", "--quiet", str(first), str(clone))
    assert team.register(clone, "mlp") == 3


def test_two_places_of_one_project_can_be_said_to_be_one(team):
    first, container = team.project("shop"), team.project("data", commit=False)
    team.register(first, "mlp")
    remedy = team.refused(container, "mlp").remedy
    (command,) = re.findall(r"echo .*", remedy)
    subprocess.run(command, shell=True, check=True)
    assert shlex.split(command)[-1] == str(container / ".genfoundry" / "home")
    assert team.register(container, "mlp") == 2
    assert team.register(first, "mlp") == 3


def test_what_the_release_before_registered_is_its_project_s_and_a_stranger_with_other_data_is_refused(team):
    first, second, third = (team.project(name) for name in ("shop", "lab", "shop-of-a-colleague"))
    team.register(first, "mlp")
    for tag in (homes.HOME, homes.PLACE):
        client().delete_registered_model_tag("mlp", tag)
    assert "that a release before this one did not note" in team.refused(second, "mlp", OTHER).found
    team.enter(first)
    tracking.ensure_home("mlp", OTHER.digest)  # its machine saw the alias move
    assert "the folder shop of" in team.refused(second, "mlp").found
    client().delete_registered_model_tag("mlp", homes.HOME)
    team.enter(third)
    tracking.ensure_home("mlp", DATA.digest)  # of the very data that it has
    assert team.refused(first, "mlp")


def test_a_shallow_clone_can_not_tell_and_goes_on(team):
    first = team.project("shop")
    team.register(first, "mlp")
    (first / "README").write_text("more")
    cloned.commit(first, "The second")
    shallow = team.folder / "shallow"
    cloned.git(team.folder, "clone", "--quiet", "--depth", "1", f"file://{first}", str(shallow))
    assert team.register(shallow, "mlp") == 2
    assert team.register(first, "mlp") == 3


def test_a_project_s_own_store_asks_nobody(team, tmp_path):
    team.monkeypatch.delenv("MLFLOW_TRACKING_URI")
    first = team.project("shop")
    team.register(first, "mlp")
    shutil.rmtree(first / ".git")
    assert team.register(first, "mlp", OTHER) == 2
