"""A project of one's own from nothing: installed from the wheel, begun, worked in, beside another on one server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import cloned
from support.installed import DATASET, FAMILY, METRIC, Own, ask, environment, pictures, triggered, wheel
from support.services import mlflow_server, prefect_server, process

pytestmark = [pytest.mark.slow, pytest.mark.servers]

BIN = Path(sys.executable).parent
SMALL = {"training.max_steps": 30, "training.batch_size": 16, "evaluation.extractor": None}
MINE = "from: mlp\ntitle: Mine\ndataset: {name: digits}\nmodel: {family: wide}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return wheel(tmp_path_factory.mktemp("wheel"))


def own_entries(project: Own, package: str, width: int = 40) -> None:
    """What a user writes by hand: a family with a helper, a metric, a dataset, two recipes."""
    project.write(f"{package}/sizes.py", f"WIDTH = {width}\n")
    project.write(f"{package}/models/wide.py", FAMILY)
    project.write(f"{package}/metrics/spread.py", METRIC)
    project.write(f"{package}/datasets/bars.py", DATASET)
    project.write("recipes/mine.yaml", MINE)
    project.write("recipes/bars-gan.yaml", "from: gan\ndataset: {name: bars}\n")


def test_from_nothing(made, tmp_path):
    project = Own(tmp_path / "Größe Zwei", environment(tmp_path / "venv", made))
    cloned.git(project.root, "init", "--quiet", "--initial-branch=main")
    project("init", "--ci", "github", "--slug", "acme")
    cloned.commit(project.root, "A project")
    own_entries(project, "acme")
    try:
        worked_in(project)
    finally:
        project("down")
    cloned.git(project.root, "add", "--all")
    written = {
        "data.dvc",
        "acme/sizes.py",
        "acme/models/wide.py",
        "acme/models/ddpm.py",
        "acme/metrics/spread.py",
        "acme/datasets/bars.py",
    }
    staged = set(cloned.git(project.root, "diff", "--cached", "--name-only").splitlines())
    assert staged == written | {"recipes/mine.yaml", "recipes/bars-gan.yaml"}


def worked_in(project: Own) -> None:
    shown = project("models", below="recipes")
    assert "acme:wide" in shown
    project("new", "family", "ddpm", "--from", "gan")
    assert "kept    models/acme:ddpm" in project("check", "ddpm")
    project.run("first")
    project.run("recipes/mine.yaml")
    project.run("bars-gan")
    taken = project("data", "add", str(pictures(project.root.parent / "pics", 120)), "--name", "pics",
                    "--licence", "CC0", "--consent", "made by a test")  # fmt: skip
    assert "data.dvc" in taken
    assert list((project.root.parent / "acme-dvc-remote").rglob("*"))
    project.run("mine", "--data", "pics")
    assert set(project.versions()) == {f"acme--{name}" for name in ("first", "mine", "bars-gan", "mine--pics")}
    assert "Relative spread" in project("report", "--markdown")
    project("report")
    project("generate", "bars-gan/1", "-n", "4", "--output", str(project.root.parent / "made"))
    assert len(list((project.root.parent / "made").glob("*.png"))) >= 4
    shown = project("up")
    assert "acme--retrain-nightly" in shown
    api = project.prefect()
    run = triggered(api, "acme--retrain/acme--retrain-nightly", {"recipes": ["mine"], "overrides": SMALL})
    assert run["state_type"] == "COMPLETED", run["state"]
    looked = json.loads(project("watch", "mine", "--json"))
    assert looked["looks"][0]["dataset"] == "digits"
    assert "mine" in project("ci", "--base", "main", "--dry-run")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_newest_of_everything_installs_and_runs(made, tmp_path, version):
    python = next((path for path in candidates(version)), None)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    project = Own(tmp_path / "project", environment(tmp_path / "venv", made, python, pinned=False))
    project("init")
    project.run("first")
    assert list(project.versions().values()) == [1]


def candidates(version: str) -> list[str]:
    """The Pythons of a version that this machine has, on the path or by pyenv."""
    named = [found] if (found := shutil.which(f"python{version}")) else []
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = [*named, *map(str, pyenv)]
    return [each for each in found if subprocess.run([each, "-c", "import venv"], capture_output=True).returncode == 0]


DEPLOY = "from genfoundry_flows.servers import declarations as d, deployments; deployments.deploy(d.pool())"


def test_two_projects_on_one_mlflow_and_one_prefect_mix_nothing(tmp_path):
    """Recipes, deployments and modules of the same names; the families of one name differ in what they import."""
    with mlflow_server(tmp_path / "mlflow") as tracker, prefect_server(tmp_path / "prefect") as api:
        shared = {"MLFLOW_TRACKING_URI": tracker, "PREFECT_API_URL": api}
        projects = {name: Own(tmp_path / name, BIN, **shared) for name in ("acme", "umbra")}
        for width, (name, project) in enumerate(projects.items(), 1):
            project("init", "--slug", name, "--package", "lab")
            own_entries(project, "lab", 10 * width)
            command = [sys.executable, "-c", DEPLOY]
            subprocess.run(command, cwd=project.root, env=project.env, check=True, capture_output=True, timeout=300)
        names = {each["name"] for each in ask(api, "/deployments/filter", {})}
        assert len(names) == 6
        ran = {name: by_a_worker_of(project, name, tmp_path) for name, project in projects.items()}
        assert {name: run["work_pool_name"] for name, run in ran.items()} == {
            name: f"{name}--genfoundry" for name in projects
        }
        for name, project in projects.items():
            (model,) = project.versions()
            assert model.startswith(f"{name}--mine")
            judged = project("judge-champions", "--json")
            assert all(each["model"].startswith(f"{name}--") for each in json.loads(judged))
        experiments = subprocess.run(
            [sys.executable, "-m", "mlflow", "experiments", "search"],
            env={**projects["acme"].env}, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert "acme--genfoundry" in experiments
        assert "umbra--genfoundry" in experiments


def by_a_worker_of(project: Own, name: str, folder: Path) -> dict:
    """The run of the project's nightly, by its own worker, whose working folder is elsewhere."""
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", f"{name}--genfoundry", "--type", "process"]
    env = {**project.env, "GENFOUNDRY_ROOT": str(project.root), "PREFECT_HOME": str(folder / f"{name}-worker")}
    with process(worker, folder / f"{name}-elsewhere", "worker", **env):
        nightly = f"{name}--retrain/{name}--retrain-nightly"
        run = triggered(project.prefect(), nightly, {"recipes": ["mine"], "overrides": SMALL})
    assert run["state_type"] == "COMPLETED", run["state"]
    return run
