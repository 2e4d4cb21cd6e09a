"""The flow `ingest`, called as a worker calls it: pairs come in, are held against their card, and DVC records them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from genfoundry.dataset import folder_digest, read_card
from genfoundry.kinds.image import storage

CALL = """
import json, sys
from genfoundry_flows.servers.environment import make_home, prepare
prepare()
make_home()
from genfoundry_flows.ingest import ingest
from prefect.artifacts import Artifact
found = []
for wish in json.loads(sys.argv[1]):
    state = ingest(**wish, return_state=True)
    said = state.result(raise_on_failure=False)
    page = Artifact.get("ingest")
    found.append({"type": state.type.value, "page": page and page.data,
                  "said": str(said) if state.is_failed() else said.model_dump(mode="json")})
json.dump(found, open(sys.argv[2], "w"))
"""
PIXELS = np.random.default_rng(5)


def pair(home: Path, name: str) -> None:
    """A target of 16×16 and its every second pixel."""
    pixels = PIXELS.integers(0, 256, (16, 16, 3), np.uint8)
    for folder, side in (("hr", pixels), ("lr", pixels[::2, ::2])):
        (home / folder).mkdir(exist_ok=True)
        Image.fromarray(side).save(home / folder / f"{name}.png")


def called(root: Path, *wishes: dict) -> list[dict]:
    """What the flow came to with each of these parameters, one after the other, and the page that it left."""
    output = root / "found.json"
    command = [sys.executable, "-c", CALL, json.dumps(wishes), str(output)]
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "DVC_SITE_CACHE_DIR": str(root / "site"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(output.read_text())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project under DVC."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.servers
def test_pairs_come_in_change_and_are_refused_whole(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first, other, lone = (tmp_path_factory.mktemp(name) for name in ("first", "other", "lone"))
    for number in range(20):
        pair(first, str(number))
    (first / "hr" / "bad.png").write_bytes(b"no image")
    shutil.copy(first / "lr" / "0.png", first / "lr" / "bad.png")
    for home in (other, lone):
        shutil.copytree(first, home, dirs_exist_ok=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(other / "lr" / "7.png")
    (lone / "lr" / "3.png").unlink()

    wish = {"name": "pairs", "licence": "CC0", "consent": "drawn by a test", "max_bad_fraction": 0.1}
    wish |= {"follow_links": True, "ignore_splits": True, "test_fraction": 0.4}
    (first / "hr" / "1.png").rename(first / "linked.png")
    (first / "hr" / "1.png").symlink_to(first / "linked.png")
    places = [{"path": str(home / "hr"), "paired": str(home / "lr")} for home in (first, other, lone)]
    (project / "load.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n")
    places.append({"path": str(project / "load.csv"), "paired": str(first)})
    came, changed, refused, series = called(project, *(wish | place for place in places))

    assert [each["type"] for each in (came, changed, refused, series)] == ["COMPLETED"] * 2 + ["FAILED"] * 2
    assert "load.csv is no folder.\nExpected: two folders of images for --paired" in series["said"]
    assert came["said"]["spec"]["source"] == [3, 8, 8]
    assert came["said"]["digest"] != changed["said"]["digest"]  # though the targets are the same
    assert "Images have no partner: 1 of hr ('hr/3.png')" in refused["said"]
    folder = project / "data" / "pairs"
    recorded = yaml.safe_load((project / "data.dvc").read_text())["meta"]["datasets"]["pairs"]
    assert recorded == folder_digest(folder) == changed["said"]["digest"]
    assert read_card(folder).quarantined == 2  # the bad one with its partner
    sources = storage.read(folder, "train").sources, storage.read(folder, "test").sources
    assert sum(not source.any() for side in sources for source in side) == 1
    assert "- pairs: paired by name: 16×16 from 8×8, a ratio of 2" in came["page"]
    assert "- quarantined lr/bad.png: its partner hr/bad.png is bad" in came["page"]
