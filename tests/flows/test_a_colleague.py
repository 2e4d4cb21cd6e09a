"""A colleague clones a project and runs what its author ran: the data come, and nothing is trained twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from genfoundry_flows import recipes
from PIL import Image
from sklearn.datasets import load_digits
from support import cloned
from support.two_clones import Clones, dvc

from genfoundry.data.versions import dvc as versioning
from genfoundry.errors import UserError
from genfoundry.stages.ingest import add

RUN = ("run", "mlp", "--data", "mydigits", "--budget", "quick", "--set", "training.max_steps=10", "--no-report")


def pictures(home: Path, count: int = 400) -> Path:
    """The first handwritten digits, a folder per class."""
    images, classes = load_digits(return_X_y=True)
    for index, (pixels, number) in enumerate(zip(images[:count], classes[:count], strict=True)):
        folder = home / f"digit {number}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels.reshape(8, 8) * 15).astype("uint8")).save(folder / f"{index:04}.png")
    return home


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clones:
    """One has recorded `mydigits`; two is a fresh clone."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    made = Clones(tmp_path, monkeypatch)
    made.enter(made.one)
    add(pictures(tmp_path / "pictures"), "mydigits", licence="own", consent="own")
    made.second()
    made.enter(made.two)
    return made


def ran(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1", **variables}
    done = cloned.genfoundry({**env, "PREFECT_HOME": str(root / ".genfoundry" / "prefect")}, *RUN, "--json")
    assert done.returncode == 0, done.stderr
    return done


def checkpoint(done: subprocess.CompletedProcess[str]) -> dict:
    (version,) = json.loads(done.stdout)["versions"]
    return version


def keys(root: Path) -> set[str]:
    return {path.parent.name for path in (root / ".genfoundry" / "jobs").glob("*/job.json")}


@pytest.mark.slow
@pytest.mark.servers
def test_the_first_command_brings_the_data_and_the_registry_has_the_rest(clones: Clones) -> None:
    """Of a registry that both share the colleague's run finds all done; in one of their own the key is the same."""
    shared = {"MLFLOW_TRACKING_URI": f"sqlite:///{clones.home}/mlflow.db"}
    ran(clones.one, **shared)
    again = ran(clones.two, **shared)
    assert "Never trained" not in again.stderr
    assert checkpoint(again)["skipped"] is True
    assert keys(clones.two) == set()  # nothing was trained there
    ran(clones.two)
    assert keys(clones.two) == keys(clones.one)


def test_a_recipe_on_recorded_data_is_read_before_they_are_here(clones: Clones) -> None:
    assert recipes.load("mlp", {"dataset.name": "mydigits"}).registered_name == "mlp-mydigits"
    assert not (clones.two / "data").exists()
    shutil.rmtree(clones.home / "remote")  # its card is here now
    shutil.rmtree(clones.two / ".dvc" / "cache", ignore_errors=True)
    assert recipes.load("mlp", {"dataset.name": "mydigits"}).dataset.name == "mydigits"


def test_a_remote_that_is_a_folder_of_another_machine_is_called_so(clones: Clones) -> None:
    (clones.home / "remote").rename(clones.home / "elsewhere")
    with pytest.raises(UserError, match=r"(?s)recorded in data.dvc.*'local' is .*remote, a folder of the machine") as e:
        recipes.load("mlp", {"dataset.name": "mydigits"})
    assert "dvc remote add --default --force shared URL_OR_FOLDER, then: dvc pull" in e.value.remedy
    dvc(clones.two, "remote", "add", "--default", "--force", "shared", str(clones.home / "elsewhere"))
    dvc(clones.two, "pull")
    assert recipes.load("mlp", {"dataset.name": "mydigits"}).dataset.name == "mydigits"


def test_a_clone_without_any_remote_says_so(clones: Clones) -> None:
    dvc(clones.two, "remote", "remove", "local")
    with pytest.raises(UserError, match="the project names no remote of DVC"):
        recipes.load("mlp", {"dataset.name": "mydigits"})


def test_what_is_kept_in_a_folder_beside_the_checkout_is_said_to_be(clones: Clones) -> None:
    said = versioning.push("mydigits")
    assert "its remote 'local', a folder of this machine" in said
    assert str(clones.home / "remote") in said
