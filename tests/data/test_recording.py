"""One dataset is recorded, and nothing else: two clones, a remote between them, and DVC itself as the judge."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from support.earlier import picture, save, sealed
from support.two_clones import Clones, dvc

from genfoundry.data.before import found
from genfoundry.data.versions import dvc as versioning
from genfoundry.dataset import folder_digest, verify
from genfoundry.errors import UserError
from genfoundry.kinds.image import earlier
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import add, build


def rows_before(name: str) -> dict[str, earlier.Place]:
    """On which side each image of the version before lies."""
    with found(name) as (before, _):
        images = earlier.read(before)
    assert images is not None
    return images.rows


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clones:
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return Clones(tmp_path, monkeypatch)


def listed(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "data").iterdir())


def test_a_colleagues_newer_version_stays_recorded_when_another_is_added(clones: Clones) -> None:
    """`git pull` without `dvc checkout`, then `data add b`: `a` was put back to the old version in data.dvc."""
    old = clones.add(clones.one, "a", 1).version.digest
    clones.second()
    dvc(clones.two, "pull")
    new = clones.add(clones.one, "a", 2).version.digest
    clones.pull(clones.two)

    taken = clones.add(clones.two, "b", 3)
    assert "and its remote" in taken.kept
    assert folder_digest(data_dir() / "a") == old  # what lies there is not touched either
    assert versioning.recorded() == {"a": new, "b": taken.version.digest}
    assert dvc(clones.two, "push") == "Everything is up to date.\n"

    clones.pull(clones.one)
    clones.enter(clones.one)
    dvc(clones.one, "pull")  # the colleague has both
    verify(data_dir() / "a", new)
    verify(data_dir() / "b", taken.version.digest)
    assert "up to date" in dvc(clones.one, "status")

    clones.enter(clones.two)
    dvc(clones.two, "fetch", "data.dvc")
    dvc(clones.two, "checkout", "data.dvc")
    verify(data_dir() / "a", new)
    assert "up to date" in dvc(clones.two, "status")


def test_a_clone_that_holds_nothing_records_one_and_builds_none(clones: Clones) -> None:
    first = clones.add(clones.one, "a", 1).version.digest
    clones.second()
    taken = clones.add(clones.two, "b", 3)
    assert listed(clones.two) == ["b"]  # the files of the other are not needed
    assert versioning.recorded() == {"a": first, "b": taken.version.digest}
    again = clones.add(clones.two, "b", 4)  # a part is replaced whole
    assert versioning.recorded() == {"a": first, "b": again.version.digest}
    dvc(clones.two, "pull", "--force")
    verify(data_dir() / "a", first)
    verify(data_dir() / "b", again.version.digest)


def test_what_lies_beside_is_not_recorded_with_it(clones: Clones) -> None:
    """Neither a dataset that nobody recorded, nor a file manager's, nor a dataset that was changed."""
    first = clones.add(clones.one, "a", 1).version.digest
    shutil.copytree(data_dir() / "a", data_dir() / "stray")
    (data_dir() / ".DS_Store").write_bytes(b"junk")
    (data_dir() / "a" / "manifest.csv").write_text("meddled with")
    taken = clones.add(clones.one, "b", 3)
    assert versioning.recorded() == {"a": first, "b": taken.version.digest}
    shutil.rmtree(data_dir())
    dvc(clones.one, "checkout", "data.dvc")
    assert listed(clones.one) == ["a", "b"]
    verify(data_dir() / "a", first)


def test_a_listing_that_nobody_has_is_made_again_from_what_is_built(clones: Clones) -> None:
    clones.enter(clones.one)
    digits = build("digits").digest
    for lost in (clones.one / ".dvc" / "cache", clones.home / "remote", clones.one / "data"):
        shutil.rmtree(lost)
    taken = clones.add(clones.one, "b", 3)
    assert versioning.recorded() == {"b": taken.version.digest, "digits": digits}


def test_a_listing_that_can_not_be_had_is_refused_before_the_work(clones: Clones) -> None:
    clones.add(clones.one, "a", 1)
    clones.second()
    remote = clones.home / "remote"
    remote.rename(clones.home / "away")
    before = (clones.two / "data.dvc").read_bytes()

    def never(done: int, total: int) -> None:
        raise AssertionError("the work has begun")

    with pytest.raises(UserError, match=r"no cache and no remote.*data/a is not there, data.dvc records") as caught:
        clones.add(clones.two, "b", 3, progress=never)
    assert (clones.two / "data.dvc").read_bytes() == before
    assert caught.value.remedy.startswith("dvc pull ")
    (clones.home / "away").rename(remote)
    dvc(clones.two, "pull")
    clones.add(clones.two, "b", 3)


def test_what_nobody_has_any_more_can_be_given_up(clones: Clones) -> None:
    """The second half of the remedy: `dvc commit --force data.dvc` where the newer version is lost for good."""
    clones.add(clones.one, "a", 1)
    clones.second()
    dvc(clones.two, "pull")
    clones.add(clones.one, "a", 2)
    clones.pull(clones.two)
    shutil.rmtree(clones.home / "remote")
    with pytest.raises(UserError, match=r"data/a is at .*, data.dvc records") as caught:
        clones.add(clones.two, "b", 3)
    assert "dvc commit --force data.dvc" in caught.value.remedy
    dvc(clones.two, "commit", "--force", "data.dvc")
    clones.add(clones.two, "b", 3)
    document = yaml.safe_load((clones.two / "data.dvc").read_text())
    assert {*document["meta"]["datasets"]} == {"a", "b"}
    shutil.rmtree(clones.two / "data")
    dvc(clones.two, "checkout", "data.dvc")
    assert listed(clones.two) == ["a", "b"]


def test_a_set_grows_in_a_clone_that_holds_none_of_it_and_no_image_changes_sides(clones: Clones) -> None:
    """The version before comes out of the remote, its card and manifest alone; one of the rule before, too."""
    clones.enter(clones.one)
    old = {"": {f"{n:03}.png": picture(n) for n in range(60)}}
    assert sealed("a", "a", old) == folder_digest(data_dir() / "a")
    versioning.record(verify(data_dir() / "a").version)
    rows = rows_before("a")
    clones.second()
    clones.enter(clones.two)
    home = clones.home / "grown"
    for number in range(90):
        save(home / f"{number:03}.png", picture(number))
    assert rows_before("a") == rows
    assert not (clones.two / "data").exists()
    taken = add(home, "a", licence="own", consent="own")
    assert taken.change == "60 images stay, 30 come, 0 go"
    grown = rows_before("a")
    assert rows.items() <= grown.items()
    assert versioning.recorded() == {"a": taken.version.digest}


def test_a_version_before_that_can_not_be_had_is_told_with_what_brings_it(clones: Clones) -> None:
    clones.add(clones.one, "a", 1)
    clones.second()
    clones.enter(clones.two)
    versioning.prepare()  # the listing is in the cache, its files are not
    (clones.home / "remote").rename(clones.home / "away")
    with pytest.raises(UserError, match=r"On which side each image of 'a' lies is not known: .*recorded in") as caught:
        clones.add(clones.two, "a", 2)
    assert caught.value.remedy.startswith("dvc remote add --default --force shared URL_OR_FOLDER, then: dvc pull ")
    taken = clones.add(clones.two, "a", 2, force=True)
    assert taken.change.startswith("the version before could not be read, so this one is split anew")
    assert versioning.recorded() == {"a": taken.version.digest}


def test_an_earlier_version_is_not_added_over_and_the_remedy_works(clones: Clones) -> None:
    """After `git pull` alone: to go on from the old version would put the colleague's classes and images back."""
    clones.add(clones.one, "a", 1)
    clones.second()
    dvc(clones.two, "pull")
    new = clones.add(clones.one, "a", 2).version.digest
    clones.pull(clones.two)
    before = (clones.two / "data.dvc").read_bytes()
    for seed in (1, 3):  # the same files as in the old version, and others
        with pytest.raises(UserError, match=f"data/a is at .*, an earlier version: data.dvc records {new}") as caught:
            clones.add(clones.two, "a", seed)
    assert caught.value.remedy.startswith("dvc checkout data.dvc, or dvc pull where DVC's cache lacks it")
    assert (clones.two / "data.dvc").read_bytes() == before
    dvc(clones.two, "pull")
    verify(data_dir() / "a", new)
    assert clones.add(clones.two, "a", 3).change == "0 images stay, 12 come, 12 go"


def test_what_was_placed_but_not_recorded_is_recorded_by_the_same_command(clones: Clones) -> None:
    clones.add(clones.one, "a", 1)

    def fail(version: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clones.add(clones.one, "a", 2, accept=fail)
    taken = clones.add(clones.one, "a", 2)
    assert versioning.recorded() == {"a": taken.version.digest}
    clones.enter(clones.one)
    with pytest.raises(KeyboardInterrupt):
        clones.add(clones.one, "a", 3, accept=fail)
    with pytest.raises(UserError, match="DVC keeps no copy of it") as caught:
        clones.add(clones.one, "a", 4)
    assert "bring the recorded version back: dvc checkout --force data/a" in caught.value.remedy
    shutil.copytree(data_dir() / "a", data_dir() / "stray")
    dvc(clones.one, "checkout", "--force", "data/a")
    verify(data_dir() / "a", taken.version.digest)
    assert listed(clones.one) == ["a", "stray"]  # and nothing else is touched
