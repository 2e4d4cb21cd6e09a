"""A dataset is taken out of a project, and what the project keeps is forgotten: what it was, and how it comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from genfoundry_flows.commands.data import data
from genfoundry_flows.commands.forget import forget
from support.cloned import commit, git
from support.tracked import DATA, PASS, trained
from support.two_clones import Clones, dvc

from genfoundry import tracking
from genfoundry.data.versions import dvc as versioning
from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.project.root import data_dir
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.ingest import build, build_all


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clones:
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Clones(tmp_path, monkeypatch)


def typed(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(data, words, input=answer)


def version_on(name: str, folder: Path) -> None:
    """A registered version that was trained on this dataset."""
    found = trained("run", folder, data=DATA.model_copy(update={"name": name}))
    tracking.register("tiny", found.checkpoint.run_id, found, PASS, "key", "A card.", {"dataset": name})


def test_removed_is_gone_from_both_and_comes_back_as_said(clones: Clones, tmp_path: Path) -> None:
    first = clones.add(clones.one, "a", 1).version.digest
    other = clones.add(clones.one, "b", 2).version.digest
    commit(clones.one, "Both")
    version_on("a", tmp_path / "model")
    asked = typed("remove", "a", answer="n\n")
    assert asked.exit_code == 1
    assert "trained on it: tiny version 1 (stays)" in asked.output
    assert (data_dir() / "a").is_dir()

    done = typed("remove", "a", "--yes")
    assert done.exit_code == 0, done.output
    assert versioning.recorded() == {"b": other}
    assert not (data_dir() / "a").exists()
    assert "up to date" in dvc(clones.one, "status")
    assert tracking.list_versions("tiny")[0].version == 1

    assert "git checkout HEAD -- data.dvc && dvc checkout data.dvc" in done.output
    git(clones.one, "checkout", "HEAD", "--", "data.dvc")
    dvc(clones.one, "checkout", "data.dvc")
    verify(data_dir() / "a", first)


def test_withdrawn_data_are_refused_and_what_they_trained_is_tagged(clones: Clones, tmp_path: Path) -> None:
    clones.add(clones.one, "a", 1)
    version_on("a", tmp_path / "model")
    done = typed("remove", "a", "--withdrawn", "two people took their consent back", "--yes")
    assert done.exit_code == 0, done.output
    assert "dvc gc --workspace --cloud" in done.output
    assert tracking.list_versions("tiny")[0].tags["withdrawn"] == "two people took their consent back"
    clones.add(clones.one, "a", 1)  # the same files again
    with pytest.raises(UserError, match=r"were withdrawn: two people took their consent back") as caught:
        fetch_dataset("a")
    assert "genfoundry data remove a" in caught.value.remedy
    assert typed("remove", "a", "--yes").exit_code == 0
    clones.add(clones.one, "a", 9)  # without them
    assert fetch_dataset("a").name == "a"


def test_a_removed_dataset_of_the_catalogue_comes_back_only_by_its_name(root: Path, monkeypatch) -> None:
    monkeypatch.setattr("genfoundry.catalog.names", lambda package: ["digits", "sunspots"])
    build("digits")
    done = typed("remove", "digits", "--yes")
    assert "comes back: genfoundry data build digits" in done.output
    assert [version.name for version in build_all()] == ["sunspots"]
    assert [version.name for version in build_all(["digits"])] == ["digits"]
    assert [version.name for version in build_all()] == ["digits", "sunspots"]


def test_what_is_not_there_is_named(root: Path) -> None:
    done = typed("remove", "sunspot")
    assert isinstance(done.exception, UserError)
    assert "There is no dataset 'sunspot' here" in str(done.exception)


def test_forget_says_how_much_asks_and_leaves_the_registry(root: Path) -> None:
    state = root / ".genfoundry"
    kept = [state / "mlflow.db", state / "mlartifacts" / "weights", state / "ledger" / "1" / "tiny.jsonl"]
    gone = [state / "jobs" / "1" / "snapshot", state / "reports" / "index.html", state / "datasets" / "1" / "rows.npy"]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0" * 2_000_000)
    told = CliRunner().invoke(forget, [])
    assert "trainings             2.0 MB   comes back by training again" in told.output
    assert all(path.exists() for path in gone)
    assert CliRunner().invoke(forget, ["--trainings"], input="n\n").exit_code == 1
    assert gone[0].exists()
    assert CliRunner().invoke(forget, ["--trainings", "--yes"]).exit_code == 0
    assert [path.exists() for path in gone] == [False, True, True]
    assert CliRunner().invoke(forget, ["--everything"], input="y\n").exit_code == 0
    assert [path.exists() for path in gone] == [False, False, False]
    assert all(path.exists() for path in kept)
    assert json.dumps(CliRunner().invoke(forget, ["--everything"]).output) == json.dumps("nothing is kept\n")
