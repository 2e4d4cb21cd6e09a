"""genfoundry as a user has it: a wheel in an environment of its own, and a project in a repository of the user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support import cloned
from support.services import free_port

TINY = {
    "training.max_steps": 30, "training.batch_size": 16, "evaluation.num_samples": 16, "evaluation.extractor": "null",
    "validation.min_rows": 10,
}  # fmt: skip

FAMILY = '''"""A perceptron of the project's own: one wide layer."""

from math import prod

from pydantic import Field
from torch import Tensor, nn

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.classifier import Classifier

from ..sizes import WIDTH


class Wide(Classifier):
    """Pixels, one hidden layer, class logits."""

    class Config(Classifier.Config):
        learning_rate: float = Field(default=2e-3, gt=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(prod(spec.shape), WIDTH), nn.ReLU())
        self.head = nn.Linear(WIDTH, spec.num_classes)

    def embed(self, batch: ImageBatch) -> Tensor:
        return self.hidden(batch.images)
'''

METRIC = '''"""Spread: whether samples vary as much as real examples do."""

import numpy as np

from genfoundry.metric import Metric, ScoreKind

SCORES = (
    ScoreKind(
        "spread_ratio",
        label="Relative spread",
        question="Do samples vary as much as real examples?",
        better="higher",
        low=0,
        headline=True,
    ),
)


class Spread(Metric):
    """`spread_ratio`: the deviation of generated features over that of real ones."""

    view = "deciding"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return {"spread_ratio": float(fake.std() / real.std())}
'''

DATASET = '''"""Bars: upright and level bars, 8 by 8, two classes."""

import numpy as np

from genfoundry.dataset import Card
from genfoundry.kinds.image.storage import ImageExample

CARD = Card(
    name="bars",
    kind="image",
    title="Bars, 400 of 8x8",
    description="One bright line in noise, upright or level.",
    licence="CC0",
    source="made by this file",
    consent="made by a program",
    class_names=("upright", "level"),
)


def examples():
    """Every bar; each fifth is held out."""
    random = np.random.default_rng(0)
    for index in range(400):
        image = random.integers(0, 90, (1, 8, 8)).astype("uint8")
        place, label = int(random.integers(8)), index % 2
        image[0][(slice(None), place) if label == 0 else (place, slice(None))] = 255
        yield ImageExample("test" if index % 5 == 4 else "train", image, label, f"bar {index}")
'''


def wheel(folder: Path) -> Path:
    """The wheel of this working tree."""
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(cloned.HERE)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return made


def environment(folder: Path, wheel: Path, python: str = sys.executable, *, pinned: bool = True) -> Path:
    """The programs of a fresh virtual environment that holds the wheel and what it asks for, from the registry."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120)
    pins = ["--constraint", str(cloned.HERE / "constraints.txt")] if pinned else []
    install = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *pins, str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "bin"


def pictures(folder: Path, number: int, seed: int = 0) -> Path:
    """Two classes of noise with a bright corner, 8 by 8."""
    random = np.random.default_rng(seed)
    for index in range(number):
        image = random.integers(0, 120, (8, 8)).astype("uint8")
        image[(slice(0, 3), slice(0, 3)) if index % 2 else (slice(5, 8), slice(5, 8))] = 255
        path = folder / ("left" if index % 2 else "right") / f"{seed}-{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


class Own:
    """A user's project: its folder, and the commands that the user gives in it."""

    def __init__(self, root: Path, binaries: Path, **env: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.binaries = root, binaries
        self.ports = {"GENFOUNDRY_MLFLOW_PORT": str(free_port()), "GENFOUNDRY_PREFECT_PORT": str(free_port())}
        ours = ("GENFOUNDRY_", "PREFECT_", "MLFLOW_", "PYTHON")
        clean = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        site = {"DVC_SITE_CACHE_DIR": str(root.parent / "dvc-site"), "OMP_NUM_THREADS": "1"}
        self.env = {**clean, **site, **self.ports, **env}

    def __call__(self, *words: str, status: int = 0, below: str = ".") -> str:
        """What `genfoundry WORDS` prints, given in a folder below the root."""
        command = [str(self.binaries / "genfoundry"), *words]
        done = subprocess.run(command, cwd=self.root / below, env=self.env, capture_output=True, text=True, timeout=600)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def run(self, *words: str, **settings: object) -> str:
        """`genfoundry run`, small."""
        parts = [part for key, value in {**TINY, **settings}.items() for part in ("--set", f"{key}={value}")]
        return self("run", *words, *parts)

    def write(self, name: str, text: str) -> None:
        """A file of the user's."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def versions(self) -> dict[str, int]:
        """The registered models as `registry list` has them, each with the number of its versions."""
        return {each["name"]: each["versions"] for each in json.loads(self("registry", "list", "--json"))}

    def prefect(self) -> str:
        """The API of the project's Prefect."""
        return self.env.get("PREFECT_API_URL") or f"http://127.0.0.1:{self.ports['GENFOUNDRY_PREFECT_PORT']}/api"


def ask(api: str, route: str, body: Any = None) -> Any:
    """What a Prefect server answers; asked again where its SQLite was busy."""
    data = None if body is None else json.dumps(body).encode()
    for attempt in range(10):
        request = urllib.request.Request(f"{api}{route}", data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503 or attempt == 9:
                raise
            time.sleep(1)
    raise AssertionError


def triggered(api: str, deployment: str, parameters: dict[str, Any], seconds: float = 400) -> dict[str, Any]:
    """A run of a deployment that has ended, as asked for by the button in Prefect's UI."""
    found = ask(api, f"/deployments/name/{deployment}")
    run = ask(api, f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})["id"]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = ask(api, f"/flow_runs/{run}")
        if state["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return state
        time.sleep(1)
    raise AssertionError(f"the run is still {state['state_name']}")
