"""`genfoundry ci` in a fresh clone, by the steps of the shipped workflow: what it runs, what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from support import cloned

STEPS = cloned.HERE / ".github" / "workflows" / "pull-request.yml"
TINY = """
title: Small, on the digits
dataset: {name: digits}
model: {family: FAMILY}
training: {max_steps: 500, batch_size: 64, ema_decay: 0.9, sample_every: 500, snapshot_every: 500}
evaluation: {}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A clone whose base holds a small recipe, with a virtual environment as `make install` leaves it."""
    origin = cloned.repository(tmp_path_factory.mktemp("origin"))
    (origin / "flows" / "recipes" / "gan.yaml").write_text(TINY.replace("FAMILY", "gan"), encoding="utf-8")
    cloned.commit(origin, "A small recipe")
    checkout = cloned.clone(origin, tmp_path_factory.mktemp("clone") / "checkout")
    script = checkout / ".venv" / "bin" / "genfoundry"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m genfoundry_flows.cli "$@"\n')
    script.chmod(0o755)
    (checkout / ".venv" / ".installed").touch()
    return checkout


@pytest.fixture(scope="module")
def env(project, tmp_path_factory) -> dict[str, str]:
    return cloned.environment(project, tmp_path_factory.mktemp("packages"))


@pytest.fixture
def branch(project, request) -> Path:
    """The clone on a new branch from the base; what the test left is thrown away."""
    cloned.git(project, "switch", "--quiet", "--force-create", request.node.name[:40], "origin/main")
    yield project
    cloned.git(project, "reset", "--quiet", "--hard")
    cloned.git(project, "clean", "--quiet", "--force", "-d")


def dry(env, *arguments):
    done = cloned.genfoundry(env, "ci", "--dry-run", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.servers
def test_a_comment_in_a_family_selects_its_recipes_and_no_other(branch, env):
    path = branch / "src" / "genfoundry" / "models" / "dcgan.py"
    path.write_text(path.read_text() + "\n# A comment.\n")
    cloned.commit(branch, "A comment")
    found = dry(env)
    recipes = (branch / "flows" / "recipes").glob("*.yaml")
    family = {p.stem for p in recipes if yaml.safe_load(p.read_text())["model"]["family"] == "dcgan"}
    assert {*found["run"], *found["not_run"]} == family
    assert {"dcgan", "dcgan-hinge"} <= set(found["run"])


@pytest.mark.slow
@pytest.mark.servers
def test_the_working_tree_counts_and_documents_do_not(branch, env):
    (branch / "docs" / "new.md").write_text("New.\n")
    assert dry(env)["run"] == []
    cloned.edit(branch / "flows" / "recipes" / "gan.yaml", "batch_size: 64", "batch_size: 32")
    found = dry(env)
    assert found["run"] == ["gan"]
    page = Path(found["page"]).read_text()
    assert "with uncommitted changes" in page
    assert "its recipe" in page


@pytest.mark.slow
@pytest.mark.servers
def test_data_of_another_version_select_their_readers(branch, env):
    text = (branch / "data.dvc").read_text()
    digest = yaml.safe_load(text)["meta"]["datasets"]["sunspots"]
    (branch / "data.dvc").write_text(text.replace(digest, "0" * 32 + ".dir"))
    found = dry(env)
    assert found["run"] == ["deepar-sunspots"]
    assert f"{digest[:12]} → 000000000000" in Path(found["page"]).read_text()


@pytest.mark.slow
@pytest.mark.servers
def test_a_recipe_that_does_not_parse_fails_and_a_removed_one_is_named(branch, env):
    cloned.edit(branch / "flows" / "recipes" / "gan.yaml", "max_steps", "max_stepz")
    (branch / "flows" / "recipes" / "rnn.yaml").unlink()
    done = cloned.genfoundry(env, "ci", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["run"] == []
    assert found["removed"] == ["rnn"]
    assert "did you mean 'max_steps'?" in found["broken"]["gan"]
    assert "did you mean 'max_steps'?" in Path(found["page"]).read_text()


@pytest.mark.slow
@pytest.mark.servers
def test_a_key_that_a_family_has_no_more_breaks_its_recipes_and_fails(branch, env):
    path = branch / "src" / "genfoundry" / "models" / "rnn.py"
    path.write_text(path.read_text().replace("hidden", "units"))
    done = cloned.genfoundry(env, "ci", "--dry-run", "--json")
    assert done.returncode == 1, done.stderr
    assert "unknown key 'model.hidden'" in json.loads(done.stdout)["broken"]["rnn"]


STUB = """
import os, pathlib, time
pathlib.Path(os.environ["GENFOUNDRY_ROOT"], "child").write_text(str(os.getpid()))
time.sleep(300)
"""
STOPPED = """
import signal, sys
from pathlib import Path
from genfoundry_flows.review import revisions, sides
from genfoundry_flows.commands.ci import stop
signal.signal(signal.SIGTERM, stop)
root = Path(sys.argv[1])
head = revisions.git(root, "rev-parse", "HEAD")
with revisions.checked_out(revisions.Revisions(root, root, head, head, False)) as tree:
    with sides.of_checkout(tree) as code:
        sides.tried(code, root, ["gan"], [])
"""


def test_what_stops_a_review_stops_the_side_under_way_and_leaves_no_worktree(tmp_path):
    """The side is a stand-in that trains for five minutes."""
    recipes = tmp_path / "flows" / "recipes"
    recipes.mkdir(parents=True)
    (recipes / "gan.yaml").touch()
    (tmp_path / "flows" / "__init__.py").touch()
    (tmp_path / "flows" / "cli.py").write_text(STUB)
    cloned.git(tmp_path, "init", "--quiet")
    cloned.commit(tmp_path, "A stand-in")
    with subprocess.Popen([sys.executable, "-c", STOPPED, str(tmp_path)], stderr=subprocess.DEVNULL) as review:
        deadline = time.monotonic() + 60
        while not (noted := tmp_path / "child").exists() or not noted.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert cloned.git(tmp_path, "worktree", "list").count("\n") == 1
        review.terminate()
        review.wait(60)
    assert not psutil.pid_exists(int(noted.read_text()))
    assert cloned.git(tmp_path, "worktree", "list").count("\n") == 0


def steps(project, env, summary):
    """Run each `run:` step of the shipped workflow as a runner would; returns the last one."""
    (job,) = yaml.safe_load(STEPS.read_text(encoding="utf-8"))["jobs"].values()
    for step in job["steps"]:
        if "run" in step:
            own = {"BASE": "main", "GITHUB_STEP_SUMMARY": str(summary)}
            command = ["bash", "-e", "-c", step["run"]]
            done = subprocess.run(command, cwd=project, env={**env, **own}, capture_output=True, text=True, timeout=600)
            if done.returncode:
                break
    return done


@pytest.fixture(scope="module")
def rejected(project, env, tmp_path_factory):
    """A learning rate × 100 in a recipe, and a new recipe that diverges, through the workflow's steps."""
    cloned.git(project, "switch", "--quiet", "--force-create", "regression", "origin/main")
    recipes, summary = project / "flows" / "recipes", tmp_path_factory.mktemp("summary") / "summary.md"
    cloned.edit(recipes / "gan.yaml", "{family: gan}", "{family: gan, learning_rate: 0.1}")
    diverging = TINY.replace("{family: FAMILY}", "{family: vae, learning_rate: 0.2}")
    (recipes / "vae-new.yaml").write_text(diverging, encoding="utf-8")
    cloned.commit(project, "A regression, and a new recipe")
    done = steps(project, env, summary)
    pages = {path.name: path.read_bytes() for path in (project / "review").iterdir()}
    return done, pages, summary.read_text()


@pytest.mark.slow
@pytest.mark.servers
def test_a_planted_regression_is_rejected_on_a_page_that_shows_it(rejected):
    done, pages, _ = rejected
    assert done.returncode == 5, done.stderr[-2000:]
    page = pages["review.md"].decode()
    assert page.startswith("## genfoundry ci: 2 recipes: 2 rejected\n")
    rows = {line.split("**")[1]: line for line in page.splitlines() if line.startswith("| **") and " (" in line}
    before, after = (float(cell.split()[0]) for cell in rows["gan"].split("|")[2:4])
    assert after > 2 * before  # a distance
    assert "✕ REJECT" in rows["gan"]
    assert "**vae-new: ✕ REJECT**" in page
    assert "diverged before its first snapshot" in page
    for when in ("before", "after"):
        assert f'<img src="review-gan-{when}.png"' in page
        assert pages[f"review-gan-{when}.png"].startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.servers
def test_the_summary_is_the_page_without_pictures(rejected):
    _, pages, summary = rejected
    assert summary == pages["review-comment.md"].decode()
    assert "✕ REJECT" in summary
    assert "<img" not in summary


@pytest.mark.slow
@pytest.mark.servers
def test_a_review_registers_nothing_and_leaves_no_worktree(rejected, project, env):
    assert cloned.git(project, "worktree", "list").count("\n") == 0
    assert json.loads(cloned.genfoundry(env, "registry", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--base", "nowhere"), "There is no revision 'nowhere'"),
        (("--base", "--output=x"), "There is no revision '--output=x'"),
        (("--base", "HEAD", "--recipes", "dcgna"), "There is no recipe 'dcgna'; did you mean 'dcgan'?"),
    ],
)
def test_a_mistake_is_a_sentence_and_a_status(arguments, says, tmp_path):
    env = cloned.environment(cloned.HERE, tmp_path)
    done = cloned.genfoundry(env, "ci", *arguments)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_checkout_is_said(root):
    done = cloned.genfoundry({**os.environ, "GENFOUNDRY_ROOT": str(root)}, "ci")
    assert done.returncode == 2
    assert "is not a git checkout" in done.stderr
    cloned.git(root, "init", "--quiet")
    done = cloned.genfoundry({**os.environ, "GENFOUNDRY_ROOT": str(root)}, "ci")
    assert done.returncode == 2
    assert "is installed in" in done.stderr
    assert "genfoundry init" in done.stderr
