"""A kind of data is one folder: a project whose own package has `kinds/toy` takes such data in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from genfoundry_flows import recipes

TEMPLATE = Path(recipes.__file__).parents[1] / "templates" / "kind"  # the smallest kind that keeps every promise
ROAD = """
import json, sys
from pathlib import Path
from genfoundry import kind
from genfoundry.data.policy import Validation, Watch
from genfoundry.dataset import open_version
from genfoundry.errors import UserError
from genfoundry.stages.ingest import add
from genfoundry.stages.intake_options import intake_options
from genfoundry.stages.measure_drift import measure_drift
from genfoundry.stages.validate import validate_dataset
from genfoundry.stages.watch import Look
import shutil, torch

home = Path(sys.argv[1])
said = {"licence": "CC0", "consent": "made by a test", "max_bad_fraction": 0.2}
first = add(home / "first.toy", "numbers", scale=2, **said)
old = first.version
judged = validate_dataset(old, Validation(min_rows=1))
shutil.copytree(open_version(old).folder, home / ".genfoundry" / "datasets" / old.digest)
new = add(home / "second.toy", "numbers", force=True, **said).version
split = kind.of(old).rows.open_split(open_version(old).folder, "train", old.spec)
refused = []
for wrong in ({"size": 8}, {"na": ("-1",)}, {"kind": "tyo"}):
    try:
        add(home / "first.toy", "numbers", **wrong, **said)
    except UserError as error:
        refused.append(error.found)
print(json.dumps({
    "version": old.model_dump(mode="json"), "counts": first.counts, "checks": [c.sentence for c in judged.checks],
    "batch": split.batch(torch.arange(3)).numbers.tolist(), "drift": measure_drift(old, new, Watch()).model_dump(),
    "refused": refused, "options": [option.flag for option in intake_options()],
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two texts of numbers, and the kind `toy` in its own package."""
    home = tmp_path_factory.mktemp("project")
    (home / "genfoundry.toml").write_text('package = "acme_lab"')
    toy = shutil.copytree(TEMPLATE, home / "acme_lab" / "kinds" / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    for path in toy.glob("*.py"):
        path.write_text(path.read_text().replace("template", "toy"))
    (home / "first.toy").write_text("\n".join(["nonsense", *(str(n % 50) for n in range(400))]))
    (home / "second.toy").write_text("\n".join(str(100 + n / 7) for n in range(400)))
    return home


def called(home: Path, *command: str) -> str:
    env = {**os.environ, "GENFOUNDRY_ROOT": str(home), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, *command], cwd=home, env=env, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


@pytest.fixture(scope="module")
def found(home: Path) -> dict[str, Any]:
    return json.loads(called(home, "-c", ROAD, str(home)).splitlines()[-1])


def test_its_data_are_added_validated_opened_and_watched(found: dict[str, Any]) -> None:
    assert found["version"]["spec"] == {"kind": "toy", "highest": 98.0}
    assert found["counts"] == {"found": 401, "used": 400, "quarantined": 1, "skipped": 0}
    assert "Every number of test is in its range." in found["checks"]
    assert found["batch"] == [0.0, 2.0, 4.0]
    assert found["drift"]["exceeds"]
    assert found["drift"]["new_rows"] == 400


def test_its_options_are_its_own(found: dict[str, Any]) -> None:
    assert {"--scale", "--size", "--freq"} <= {*found["options"]}
    size, na, typo = found["refused"]
    assert size == "--size 8 with a text of numbers: numbers have no pixels."
    assert na == "--na -1 with a text of numbers: numbers have no cells."
    assert typo == "--kind tyo: there is no such kind of data; did you mean 'toy'?"


def test_help_imports_nothing_of_the_project_and_its_options_are_there_when_they_are_used(home: Path) -> None:
    assert "--scale" not in called(home, "-m", "genfoundry_flows.cli", "data", "add", "--help")
    said = ("--scale", "3", "--max-bad-fraction", "0.2", "--json")
    added = called(
        home, "-m", "genfoundry_flows.cli", "data", "add", str(home / "first.toy"), "--name", "tripled", *said
    )
    assert '"highest": 147.0' in added
