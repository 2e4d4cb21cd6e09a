"""A task of a project's own, one folder, is listed, judged, served, told of and asked for; genfoundry is as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
TASK = {
    "__init__.py": "",
    "about.py": '''
from genfoundry import task
from genfoundry.task import Option, wish

PURPOSE = "For tinting {noun} that were grey."
LIMITS = "A tint that pleases is not one that was there."
MAKES = True
NEEDS = ("sample",)
KINDS = ("image",)


class Plan(task.Plan):
    tints: int = 4


class Wishes(task.Wishes):
    """A tint becomes tint.txt."""

    hue: int = wish(120, Option(flag="--hue", lacking="tints nothing"), "Degrees on the wheel", ge=0, lt=360)


def usage(name, spec):
    return f"tinted = model.predict(greys)  # {spec.height} rows"
''',
    "judge.py": """
from genfoundry.records import Score
from genfoundry.task import Judgement


def judge(model, dataset, plan, extractor, out):
    score = Score(name=f"tint_{plan.tints}", value=1, low=0, high=2, higher_is_better=True)
    return Judgement(score.name, (score,), {"tints": plan.tints}, {})
""",
    "predictor.py": """
import numpy as np


class Predictor:
    def __init__(self, model):
        self.model = model

    def predict(self, data, params=None):
        return data + 1


def signature(model):
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    grey = Schema([TensorSpec(np.dtype("uint8"), (-1, model.spec.height))])
    return ModelSignature(inputs=grey, outputs=grey)
""",
    "generate.py": """
from genfoundry.files import write_atomic
from genfoundry.task import Generated


def write(model, dataset_version, wishes, origin, out):
    return Generated(origin, [write_atomic(out / "tint.txt", f"{wishes.hue}")], [])
""",
}
FAMILY = '''"""A tinter, by nobody.

No paper.
"""

from __future__ import annotations

import torch
from torch import nn

from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Model


class Tinter(Model[ImageBatch, ImageSpec]):
    """Noise around a level that is learned; it starts where the training data lie."""

    kind = "image"
    task = "colouring"

    class Config(Model.Config):
        """Nothing to set."""

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.level = nn.Parameter(torch.zeros(1))
        self.register_buffer("mean", torch.zeros(1))

    def before_training(self, batches):
        self.mean.fill_(sum(float(batch.images.mean()) for batch in batches()))

    def optimizers(self):
        return {"level": torch.optim.SGD(self.parameters(), 0.1)}

    def training_step(self, batch, step, update):
        loss = (batch.images.mean() - self.mean - self.level).square().mean()
        update("level", loss)
        return {"error": loss.detach()}

    def sample(self, like, generator=None):
        noise = torch.rand(like.images.shape, generator=generator)
        return (noise + self.level + self.mean).clamp(-1, 1).detach()
'''
SEEN = """
import json, sys
from pathlib import Path
import torch
from click.testing import CliRunner
from genfoundry import catalog, identity, recipe, served, task
from genfoundry.tracking.published import _write_mlmodel
from genfoundry.training.loader import load_model
from genfoundry_flows.commands.generate import generate
from genfoundry_flows.commands.models import models
from support import contracts
from support.tracked import DATA, PASS, evaluation
from genfoundry.report.model_card import describe, describe_model

home = Path(sys.argv[1])
listed = {row["family"]: row for row in json.loads(CliRunner().invoke(models, ["--json"]).stdout)}
contracts.check_model("acme_lab:tinter", contracts.IMAGE_SPECS[2], home / "model")
_write_mlmodel(home / "model" / "MLmodel", "0" * 32, load_model(home / "model"))
import mlflow
import numpy as np
loaded = mlflow.pyfunc.load_model(str(home / "model"))
found = evaluation("key", "0" * 32, "f" * 64)
found = found.model_copy(update={"checkpoint": found.checkpoint.model_copy(update={"family": "acme_lab:tinter"})})
text = "dataset: {name: digits}\\nmodel: {family: tinter}\\ntraining: {max_steps: 10}\\nevaluation: {tints: 7}\\n"
plan = recipe.parse("mine", text).evaluation
print(json.dumps({
    "task": listed["acme_lab:tinter"]["task"],
    "fits": listed["acme_lab:tinter"]["tasks"],
    "card": describe("m", found, PASS, None, "#"),
    "page": describe_model("m", found, 1, "#"),
    "signature": str(loaded.metadata.signature.inputs),
    "answer": loaded.predict(np.zeros((2, 8), np.uint8)).tolist(),
    "asked": [param.name for param in generate.get_params(generate.make_context("generate", ["m", "-o", "x"]))],
    "help": CliRunner().invoke(generate, ["--help"]).stdout,
    "plan": plan.model_dump(),
    "judged": task.of("colouring").judge(None, None, plan, None, None).primary,
    "key": len(identity.evaluation_key(found.checkpoint, plan, None)),
    "mean": float(load_model(home / "model").mean),
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What is said of a project's own task, and of a family of its own that is for it."""
    home = tmp_path_factory.mktemp("project")
    (home / "genfoundry.toml").write_text('package = "acme_lab"')
    for name, text in {
        **{f"tasks/colouring/{name}": text for name, text in TASK.items()},
        "models/tinter.py": FAMILY,
    }.items():
        path = home / "acme_lab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    env = {**os.environ, "PYTHONPATH": str(HERE / "tests"), "GENFOUNDRY_ROOT": str(home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SEEN, str(home)], cwd=home, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_it_is_listed_and_its_family_keeps_every_contract(seen):
    assert (seen["task"], seen["fits"]) == ("colouring", ["colouring", "generation"])
    assert seen["mean"] != 0  # fitted before the first step, and travelled with the weights


def test_its_words_are_on_the_card(seen):
    assert "For tinting images that were grey." in seen["card"]
    assert "tinted = model.predict(greys)  # 8 rows" in seen["card"]
    assert "genfoundry generate m --seed 7 -o DIR" in seen["page"]


def test_it_is_served_by_its_own_signature(seen):
    assert "uint8" in seen["signature"]
    assert seen["answer"] == [[1] * 8] * 2


def test_its_wishes_are_options_and_its_plan_is_keys_of_a_recipe(seen):
    assert "--hue" not in seen["help"]  # which imports nothing of a project
    assert "hue" in seen["asked"]
    assert (seen["plan"]["tints"], seen["judged"]) == (7, "tint_7")
    assert seen["key"] == 64
