"""The pipelines' files: every linter passes, every action is pinned, and every step is a command that exists."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from genfoundry_flows.cli import cli

HERE = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((HERE / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def jobs(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]


def scripts(path: Path) -> list[str]:
    """What a GitHub workflow runs, one text a step."""
    return [step["run"] for job in jobs(path).values() for step in job["steps"] if "run" in step]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "BIN": str(BIN)}
    return subprocess.run([root / ".ci" / "lint"], env=env, capture_output=True, text=True)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The files that the linters read, in a place where they may be broken."""
    for name in (".ci", ".github", "docker"):
        if (HERE / name).exists():
            shutil.copytree(HERE / name, tmp_path / name)
    shutil.copy(HERE / ".gitlab-ci.yml", tmp_path)
    return tmp_path


def test_the_linters_find_nothing():
    done = lint(HERE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "linter"),
    [
        (".github/workflows/ci.yml", "08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "v5", "unpinned-uses"),
        (".github/workflows/retrain.yml", "run: .ci/retrain", "run: .ci/retrain ${{ inputs.recipes }}", "injection"),
        (".github/workflows/nightly.yml", "17 2 * * *", "17 25 * * *", "cron"),
        (".github/workflows/pull-request.yml", "    timeout-minutes: 120\n", "", "timeout-minutes"),
        (".gitlab-ci.yml", "  script: [make test, make test-servers]", "  script: {make: test}", "script"),
    ],
)
def test_the_linters_find_what_is_planted(copied, file, old, new, linter):
    path = copied / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = lint(copied)
    assert done.returncode != 0
    assert linter in done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_nothing_is_interpolated_into_a_command(path: Path):
    for line in path.read_text(encoding="utf-8").splitlines():
        assert "uses:" not in line or PINNED.search(line), line
    assert not [script for script in scripts(path) if "${{" in script]


def test_only_the_job_that_runs_no_code_of_the_change_may_write():
    writers = {path.stem for path in WORKFLOWS if re.search(r": write\b", path.read_text(encoding="utf-8"))}
    assert writers == {"comment"}
    (job,) = jobs(HERE / ".github" / "workflows" / "comment.yml").values()
    assert not [step for step in job["steps"] if "uses" in step]  # no checkout
    words = re.findall(r"[\w./-]+", "\n".join(scripts(path_of("comment"))))
    assert not {"make", "python", "python3", "pip", "bash", "sh", "source", "eval"} & set(words)


def path_of(stem: str) -> Path:
    return HERE / ".github" / "workflows" / f"{stem}.yml"


def commands() -> list[str]:
    gitlab = yaml.safe_load((HERE / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    found = [line for job in gitlab.values() if isinstance(job, dict) for line in job.get("script", [])]
    return sorted({*found, *(each for path in WORKFLOWS if path.stem != "comment" for each in scripts(path))})


@pytest.mark.parametrize("command", commands())
def test_every_step_is_a_command_that_exists(command: str):
    first, *rest = shlex.split(command.partition("|")[0])
    if first == "make":
        makefile = (HERE / "Makefile").read_text(encoding="utf-8")
        assert [re.search(rf"^{target}:", makefile, re.M) for target in rest].count(None) == 0
    elif first == ".venv/bin/genfoundry":
        cli.commands[rest[0]].make_context(rest[0], rest[1:])  # parses, runs nothing
    else:
        assert os.access(HERE / first, os.X_OK), command


def test_typed_values_are_data(tmp_path: Path):
    """What a person types into the form of `retrain` is a recipe's name, whatever it looks like."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(HERE / ".ci" / "retrain", tmp_path / ".ci")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    env = {**os.environ, "GENFOUNDRY_ROOT": str(tmp_path)}
    for recipes, overrides, says in (
        ("$(touch${IFS}here);touch", "", "There is no recipe '$(touch${IFS}here);touch'"),
        ("--all", "", "There is no recipe '--all'"),
        ("gan", "training.max_steps=1 model.latent_dmi=$(id)", "did you mean 'latent_dim'?"),
    ):
        typed = {"RECIPES": recipes, "OVERRIDES": overrides, "BUDGET": "quick"}
        done = subprocess.run([tmp_path / ".ci" / "retrain"], env={**env, **typed}, capture_output=True, text=True)
        assert done.returncode == 2
        assert says in done.stderr
    assert not (tmp_path / "here").exists()
