"""Two people's additions to `data.dvc` merge into both: two clones, real git, real DVC, a remote between them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from genfoundry_flows.commands.merging import set_up_merging
from support import cloned
from support.cloned import IDENTITY, commit, git
from support.two_clones import Clones, dvc

from genfoundry.data.versions import dvc as versioning
from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.project.root import data_dir


def merged(clone: Path, other: Path) -> int:
    """The status of git's merge of what the other clone committed."""
    command = ["git", "-C", str(clone), *IDENTITY, "pull", "--quiet", "--no-rebase", "--no-edit", str(other), "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).returncode


def genfoundry(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return cloned.genfoundry({**os.environ, "GENFOUNDRY_ROOT": str(root)}, *arguments)


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clones:
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return Clones(tmp_path, monkeypatch)


@pytest.fixture
def two(clones: Clones) -> Clones:
    """Both have `a`; then one adds `b` and the other `c`."""
    clones.add(clones.one, "a", 1)
    clones.second()
    clones.add(clones.one, "b", 2)
    clones.add(clones.two, "c", 3)
    commit(clones.one, "b")
    commit(clones.two, "c")
    return clones


def has(clone: Path, wanted: dict[str, str]) -> None:
    """A third person's `dvc pull` brings them all."""
    assert versioning.recorded() == wanted
    dvc(clone, "pull", "--force")
    for name, digest in wanted.items():
        verify(data_dir() / name, digest)
    assert "up to date" in dvc(clone, "status")


def all_digests(two: Clones) -> dict[str, str]:
    found = {}
    for clone in (two.one, two.two):
        two.enter(clone)
        found |= versioning.recorded()
    return found


@pytest.mark.slow
def test_git_merges_two_additions_into_both(two: Clones) -> None:
    wanted = all_digests(two)
    assert len(set_up_merging(two.two)) == 2
    assert set_up_merging(two.two) == []
    assert merged(two.two, two.one) == 0
    has(two.two, wanted)
    git(two.home, "clone", "--quiet", str(two.two), str(two.home / "third"))
    two.enter(two.home / "third")
    has(two.home / "third", wanted)


@pytest.mark.slow
def test_a_conflict_that_stands_is_said_and_mended_by_its_remedy(two: Clones) -> None:
    """Without the driver, git leaves its marks in the file."""
    wanted = all_digests(two)
    two.enter(two.two)
    assert merged(two.two, two.one) == 1
    for command in (("data", "list"), ("data", "status"), ("run", "mlp", "--data", "a"), ("doctor",)):
        said = genfoundry(two.two, *command)
        assert said.returncode in (1, 2), command
        assert "holds both sides of a merge that git could not finish" in said.stderr + said.stdout, command
        assert "genfoundry data merge" in said.stderr + said.stdout
        assert "Traceback" not in said.stderr
    done = genfoundry(two.two, "data", "merge")
    assert done.returncode == 0, done.stderr
    git(two.two, "add", "data.dvc")
    commit(two.two, "Both")
    has(two.two, wanted)


@pytest.mark.slow
def test_one_dataset_changed_on_both_sides_is_told_and_decided(two: Clones) -> None:
    ours = two.add(two.two, "a", 5).version.digest
    theirs = two.add(two.one, "a", 6).version.digest
    commit(two.one, "a")
    commit(two.two, "a")
    set_up_merging(two.two)
    assert merged(two.two, two.one) == 1
    said = genfoundry(two.two, "data", "merge")
    assert said.returncode == 2
    assert f"Both sides changed 'a' in data.dvc: it is {ours} here and {theirs} there" in said.stderr
    done = genfoundry(two.two, "data", "merge", "--theirs", "a")
    assert done.returncode == 0, done.stderr
    two.enter(two.two)
    assert versioning.recorded()["a"] == theirs
    assert {*versioning.recorded()} == {"a", "b", "c"}


def test_marks_that_were_committed_are_merged_too(two: Clones) -> None:
    wanted = all_digests(two)
    two.enter(two.two)
    assert merged(two.two, two.one) == 1
    commit(two.two, "By mistake")
    with pytest.raises(UserError, match="both sides of a merge"):
        versioning.recorded()
    assert genfoundry(two.two, "data", "merge").returncode == 0
    assert versioning.recorded() == wanted


def test_a_merge_where_none_stands_is_a_sentence(clones: Clones) -> None:
    clones.add(clones.one, "a", 1)
    done = genfoundry(clones.one, "data", "merge")
    assert done.returncode == 2
    assert "no merge that stands open" in done.stderr
