"""The identity of a result covers what makes it, and no more."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from genfoundry import catalog, identity

DECIDES = {
    "judging/features.py": "evaluation",
    "statistics/interval.py": "evaluation",
    "metrics/frechet.py": "evaluation",
    "task.py": "evaluation",
    "tasks/generation/judge.py": "evaluation",
    "tasks/forecasting/judge.py": "",  # no judge of images
    "metrics/forecast.py": "",
    "models/dcgan.py": "training, evaluation",
    "modelling/layers.py": "training, evaluation",
    "training/loop.py": "training",
    "kinds/image/suite.py": "validation",
    "models/vae.py": "",
    "report/page.py": "validation",  # which writes a page
    "tracking/runs.py": "",
}
CHANGED = """
import json, sys
from pathlib import Path
from genfoundry import identity
from genfoundry.data.policy import Validation
from genfoundry.recipe import EvaluationPlan
from genfoundry.records import Checkpoint, Cost, DatasetVersion
from genfoundry.kinds.image.spec import ImageSpec

def keys():
    spec = ImageSpec(channels=1, height=28, width=28, num_classes=10)
    data = DatasetVersion(name="d", kind="image", digest="d", spec=spec)
    weights = Checkpoint(
        recipe="r", family="dcgan", run_key="k", run_id="i", weights_digest="w", dataset=data, seed=0, cost=Cost()
    )
    return {
        "training": identity.run_key("dcgan", {}, {}, data),
        "evaluation": identity.evaluation_key(weights, EvaluationPlan(), None),
        "validation": identity.validation_key(data, Validation()),
    }

found = {}
for name in sys.argv[1:]:
    before, path = keys(), Path(identity.PACKAGE, name)
    path.write_bytes(path.read_bytes() + b"\\n")
    found[name] = ", ".join(what for what, key in keys().items() if key != before[what])
print(json.dumps(found))
"""


def test_a_changed_byte_changes_what_its_source_decides(tmp_path: Path):
    shutil.copytree(identity.PACKAGE, tmp_path / "genfoundry", ignore=shutil.ignore_patterns("__pycache__"))
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", CHANGED, *DECIDES]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == DECIDES


def test_imports_are_followed_into_functions_and_packages():
    source = b"from genfoundry import tracking\ndef f():\n    import genfoundry.kinds.image\n    from os import path\n"
    found = {
        path.relative_to(catalog.folder(".")).as_posix() for path in identity._imported(source, Path("/elsewhere"))
    }
    assert found == {"tracking/__init__.py", "kinds/image/__init__.py"}


def test_what_is_reached_goes_through_relative_imports(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("from . import b, absent\nfrom .sub.c import thing\nimport json\n")
    (tmp_path / "b.py").write_text("from genfoundry.errors import UserError\n")
    (tmp_path / "sub" / "c.py").write_text("from .. import d\n")
    (tmp_path / "d.py").write_text("from .a import thing\n")  # a circle ends
    (tmp_path / "e.py").write_text("")
    found = identity.reach([tmp_path / "a.py"])
    assert found == {*(tmp_path / name for name in ("a.py", "b.py", "sub/c.py", "d.py")), catalog.folder("errors.py")}
