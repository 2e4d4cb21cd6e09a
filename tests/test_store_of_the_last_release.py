"""A project as the last release left it, before the house was opened: it is read, and trained once where keys changed.

`fixtures/store-of-the-last-release.tar.xz` holds its registry and data: `mlp` on digits (two versions, the second is
champion), the classifier `cnn` that judges `gan` on digits, and `rnn` on stock prices; its jobs were tidied away.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.stores import run, unpacked

from genfoundry import tracking

CHAMPIONS = {"mlp-digits": 2, "cnn-digits": 1}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("store-of-the-last-release", tmp_path_factory.mktemp("last"))


@pytest.fixture(autouse=True)
def _here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(project))


def test_one_command_brings_its_addresses_along_and_nothing_is_wrong_with_it() -> None:
    mended = run("reconcile")
    assert mended.exit_code == 0, mended.output
    looked = run("doctor", "--deep")
    assert looked.exit_code == 0, looked.output
    for name, version in CHAMPIONS.items():  # what trains anew is said beforehand, and is nothing wrong
        assert f"'{name}' version {version} would be trained anew: it is of another release." in looked.output


def test_its_versions_load_and_its_champions_are_compared_and_rolled_back() -> None:
    for name, version in CHAMPIONS.items():
        assert tracking.aliases(name)["champion"] == version
        for info in tracking.list_versions(name):
            tracking.load_version(name, info.version)
    compared = run("registry", "compare", "mlp-digits", "1", "2")
    assert compared.exit_code == 0, compared.output
    assert "Accuracy" in compared.output or "accuracy" in compared.output
    assert tracking.rollback("mlp-digits", reason="a test") == 1
    tracking.promote("mlp-digits", 2, reason="a test")


def test_what_it_registered_generates(tmp_path: Path) -> None:
    made = run("generate", "gan-digits", "-n", "3", "--seed", "1", "-o", str(tmp_path / "three"))
    assert made.exit_code == 0, made.output
    assert len([*(tmp_path / "three").glob("0*.png")]) == 3


@pytest.mark.slow
def test_what_has_another_key_now_is_trained_once_and_its_equal_weights_make_no_version(project: Path) -> None:
    """Keys follow from what the code means since; the weights are the same on the kind of processor of the store, whose
    float32 rounds as here. On another kind they may differ in their last bits, and are a version of their own.
    """
    before = {info.tags["weights_digest"] for info in tracking.list_versions("mlp-digits")}
    command = [sys.executable, "-m", "genfoundry_flows.cli", "run", "mlp", "--data", "digits"]
    command += ["--set", "training.max_steps=400"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    told = []
    for _ in range(2):
        done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, check=True)
        told.append(done.stdout + done.stderr)
    assert re.search(r"mlp +train +done", told[0]), told[0]
    assert "mlp on digits is trained anew: it is of another release." in told[0]
    assert "trained anew" not in told[1]
    assert re.search(r"mlp +train +SKIPPED", told[1]), told[1]
    versions = tracking.list_versions("mlp-digits")
    equal = {info.tags["weights_digest"] for info in versions} == before
    assert [info.version for info in versions] == ([2, 1] if equal else [3, 2, 1])
    assert tracking.aliases("mlp-digits")["champion"] in ([2] if equal else [2, 3])
