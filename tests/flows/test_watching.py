"""Data change, and exactly the right recipes are trained again: real servers, the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.services import mlflow_server, prefect_server

GENFOUNDRY = str(Path(sys.executable).with_name("genfoundry"))
RECIPES = ("gan", "vae", "rnn")
LOOKED_AFTER = (*RECIPES, "--data", "shapes", "--data", "load", "--json")
TINY = {
    "training.max_steps": 20, "training.batch_size": 16, "evaluation.num_samples": 16, "evaluation.seeds": 1,
    "evaluation.origins": 1, "validation.min_rows": 10, "watch.min_new_rows": 40,
}  # fmt: skip
WISH = {"licence": "CC0", "consent": "made by a test"}


class Project:
    """A project under DVC whose tracker and orchestrator are servers."""

    def __init__(self, root: Path, **servers: str) -> None:
        self.root, self.servers = root, servers
        (root / ".dvc").mkdir(parents=True)
        (root / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
        self.env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "DVC_SITE_CACHE_DIR": str(root / "site"),
                    "OMP_NUM_THREADS": "1", **servers}  # fmt: skip

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A process of this project."""
        return subprocess.run(command, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=500)

    def watch(self, *arguments: str, **overrides: object) -> dict:
        """What `genfoundry watch` printed, by dataset, and what it trained."""
        settings = [part for key, value in {**TINY, **overrides}.items() for part in ("--set", f"{key}={value}")]
        done = self.run(GENFOUNDRY, "watch", *(arguments or LOOKED_AFTER), *settings)
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads(done.stdout)
        return {look["dataset"]: look for look in found["looks"]} | {"results": found["results"]}

    def take(self, path: Path, name: str, **wish: object) -> None:
        """Bring a new version in, by the flow."""
        script = f"from genfoundry_flows.ingest import ingest; ingest({str(path)!r}, {name!r}, **{ {**WISH, **wish}!r})"
        done = self.run(sys.executable, "-c", script)
        assert done.returncode == 0, done.stderr[-3000:]

    def versions(self, *names: str) -> list[int]:
        """The newest version of each of these registered models."""
        address = f"{self.servers['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/registered-models/get-latest-versions?name="
        answers = [json.load(urllib.request.urlopen(address + name, timeout=20)) for name in names]
        return [int(answer["model_versions"][0]["version"]) for answer in answers]

    def ask(self, route: str, question: dict) -> Any:
        """What Prefect's server says."""
        address, body = f"{self.servers['PREFECT_API_URL']}/{route}", json.dumps(question).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def last_run(self) -> dict:
        """The newest flow run of `watch-data`."""
        flows = {"name": {"any_": ["watch-data"]}}
        return self.ask("flow_runs/filter", {"flows": flows, "sort": "START_TIME_DESC", "limit": 1})[0]


def shapes(folder: Path, count: int, seed: int, contrast: float = 1.0) -> Path:
    """Images of noise, beside those that are there."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    for number in range(count):
        pixels = 128 + contrast * (rng.integers(0, 256, (8, 8)) - 128.0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{seed}-{number}.png")
    return folder


def load(file: Path, steps: int = 1000) -> Path:
    """A daily wave of hours."""
    stamps = pd.date_range("2024-01-01", periods=steps, freq="h")
    y = 20 + 5 * np.sin(2 * np.pi * np.arange(steps) / 24) + np.random.default_rng(0).standard_normal(steps)
    pd.DataFrame({"unique_id": "a", "ds": stamps, "y": y}).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two datasets that came in by the flow; three recipes that `watch` trained because they never were."""
    home = tmp_path_factory.mktemp("watched")
    with mlflow_server(home / "mlflow") as mlflow, prefect_server(home / "prefect") as prefect:
        made = Project(home / "project", MLFLOW_TRACKING_URI=mlflow, PREFECT_API_URL=prefect)
        made.take(shapes(home / "shapes", 270, seed=0), "shapes", size=8)
        made.take(load(home / "load.csv"), "load", freq="h", season=24, horizon=12, context=24)
        first = made.watch()
        assert {name: first[name]["decision"] for name in ("shapes", "load")} == {
            "shapes": "RETRAIN",
            "load": "RETRAIN",
        }
        assert set(first["results"]) == {"gan on shapes", "vae on shapes", "rnn on load"}
        yield made


@pytest.mark.slow
@pytest.mark.servers
def test_data_change_and_the_right_recipes_follow(project: Project) -> None:
    photos = project.root.parent / "shapes"
    names = ("gan-shapes", "vae-shapes", "rnn-load")
    assert project.versions(*names) == [1, 1, 1]

    unchanged = project.watch()
    assert {unchanged[name]["decision"] for name in ("shapes", "load")} == {"SKIPPED"}
    assert project.last_run()["state_name"] == "SKIPPED"

    project.take(shapes(photos, 16, seed=1), "shapes", size=8)
    few = project.watch()
    assert few["shapes"]["decision"] == "NOT_WORTH_IT", few["shapes"]["sentence"]
    assert few["load"]["decision"] == "SKIPPED"
    assert "fewer than 40 came, and no measure of drift exceeds its noise" in few["shapes"]["sentence"]
    assert few["shapes"]["hours_saved"] > 0
    assert few["results"] == {}
    (page,) = project.ask("artifacts/latest/filter", {"artifacts": {"key": {"any_": ["watch-data"]}}})
    assert "**NOT_WORTH_IT**" in page["data"]

    project.take(shapes(photos, 30, seed=2, contrast=0.3), "shapes", size=8)
    assert project.watch(*LOOKED_AFTER, "--dry-run")["results"] == {}
    drifted = project.watch()
    assert drifted["shapes"]["decision"] == "RETRAIN"
    assert drifted["shapes"]["drift"]["exceeds"]
    assert drifted["shapes"]["known"]  # by the look that trained nothing
    assert set(drifted["results"]) == {"gan on shapes", "vae on shapes"}
    assert project.versions(*names) == [2, 2, 1]

    events = project.ask("events/filter", {"filter": {"event": {"prefix": ["genfoundry.data."]}}, "limit": 50})
    told = [(event["event"].rpartition(".")[2], event["resource"]["genfoundry.name"]) for event in events["events"]]
    assert told.count(("drifted", "shapes")) == 1
    assert ("changed", "load") in told


@pytest.mark.slow
@pytest.mark.servers
def test_champions_are_judged_on_todays_data(project: Project) -> None:
    """Of twenty steps the gate makes none, so this one is by force."""
    force = ("registry", "promote", "vae-shapes", "1", "--force", "--reason", "for the test")
    assert project.run(GENFOUNDRY, *force).returncode == 0
    done = project.run(GENFOUNDRY, "judge-champions", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    (found,) = json.loads(done.stdout)
    assert (found["model"], found["version"]) == ("vae-shapes", 1)
    assert found["state"] in ("AS_GOOD", "WORSE"), found
    assert found["now"]["name"] == found["then"]["name"]
    shown = json.loads(project.run(GENFOUNDRY, "registry", "show", "vae-shapes", "champion", "--json").stdout)
    assert (shown["version"], shown["tags"]["today"]) == (1, found["state"])


@pytest.mark.slow
@pytest.mark.servers
def test_a_look_at_unchanged_data_imports_no_client_of_mlflow(project: Project) -> None:
    script = (
        "import sys; from genfoundry_flows.servers.environment import prepare; prepare();"
        "from genfoundry_flows.watch import watch; watch(['load'], ['rnn'], {'watch.min_new_rows': 40});"
        "print({'mlflow', 'torch', 'great_expectations', 'dvc'} & set(sys.modules))"
    )
    done = project.run(sys.executable, "-c", script)
    assert done.stdout.strip() == "set()", done.stderr[-2000:]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gna",), "There is no recipe 'gna'; did you mean 'gan'?"),
        (("gan", "--set", "watch.min_rows=3"), "unknown key 'watch.min_rows'"),
        (("--data", "mnist"), "There is no dataset 'mnist'"),
    ],
)
def test_a_mistake_is_a_sentence_and_a_status(root: Path, arguments: tuple[str, ...], says: str) -> None:
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    done = subprocess.run([GENFOUNDRY, "watch", *arguments], env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
