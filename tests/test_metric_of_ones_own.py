"""A new metric is one file: its score is computed, and its words are said, by code that was not touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.installed import METRIC

import genfoundry

CODE = """
import json, sys
from pathlib import Path

sys.path[:0] = [sys.argv[1], *sys.argv[2].split(":")]
import genfoundry
assert Path(genfoundry.__file__).is_relative_to(sys.argv[1]), genfoundry.__file__

from demo import page, image_view
from rich.console import Console
from support.toys import Toy, scores_of
from test_leaderboard import version

from genfoundry.dataset import verify
from genfoundry.identity import judging_modules
from genfoundry.report.leaderboard import leaderboard
from genfoundry.report.tables import as_markdown
from genfoundry.tasks.generation.about import Plan
from genfoundry.tasks.generation.judge import judge

folder, out = Path(sys.argv[3]), Path(sys.argv[4])
found = judge(Toy(), verify(folder), Plan(num_samples=60, seeds=1), None, out)
name, = (name for name in scores_of(found) if name.startswith("spread_ratio"))
judged = version("toy", 1.0)
evaluation = judged.evaluation.model_copy(update={"scores": found.scores, "primary": name})
judged = judged.model_copy(update={"evaluation": evaluation})
view = image_view("a", "gan", "", "", 1.0).model_copy(update={"version": judged})
console = Console(record=True, width=100, file=open(out / "terminal", "w"))
console.print(leaderboard([judged]))
print(json.dumps({
    "name": name,
    "score": scores_of(found)[name].model_dump(),
    "subjects": len([score for score in found.scores if score.name == name]),
    "page": page([view]),
    "terminal": console.export_text(),
    "markdown": as_markdown([judged]),
    "depends": "genfoundry.metrics.spread" in judging_modules("generation", "image"),
}))
"""


def test_a_metric_that_is_added_is_scored_and_told_everywhere(mnist_folder: Path, tmp_path: Path) -> None:
    package = shutil.copytree(
        Path(genfoundry.__file__).parent, tmp_path / "copy" / "genfoundry", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "metrics" / "spread.py").write_text(METRIC)
    out, tests = tmp_path / "out", Path(__file__).parent
    out.mkdir()
    paths = f"{tests}:{tests / 'report'}"
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(package.parent), paths, str(mnist_folder), str(out)],
        env=os.environ | {"GENFOUNDRY_ROOT": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["name"].endswith("_60")
    assert 0.8 < said["score"]["low"] <= said["score"]["value"] <= said["score"]["high"] < 1.2
    assert said["score"]["higher_is_better"]
    assert said["subjects"] == 4  # the model, real, copy, noise
    assert said["depends"]
    for place in ("page", "terminal", "markdown"):
        assert "Relative spread" in said[place], place
    assert "Do samples vary as much as real examples?" in said["page"]
