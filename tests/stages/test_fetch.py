"""Fetching: whichever way the bytes come, they are hashed, and the file that differs is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genfoundry.data.versions import bringing
from genfoundry.dataset import open_version, verify
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.project.root import state_dir
from genfoundry.records import DatasetVersion
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.ingest import add


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    """A dataset that is recorded in data.dvc, lies in the remote, and is neither in data/ nor in the cache."""
    root, photos = tmp_path / "project", tmp_path / "photos"
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(root))
    (root / ".dvc").mkdir(parents=True)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    text = "[core]\n    no_scm = true\n    analytics = false\n    remote = local\n"
    (root / ".dvc" / "config").write_text(text + "['remote \"local\"']\n    url = ../../remote\n    verify = true\n")
    photos.mkdir()
    for index in range(5):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(photos / f"{index}.png")
    version = add(photos, "mine", licence="CC0", consent="made by a test").version
    shutil.rmtree(root / "data")
    shutil.rmtree(root / ".dvc/cache")
    return version


def test_a_clone_gets_the_recorded_version_from_the_remote(shared: DatasetVersion, tmp_path: Path) -> None:
    before = (tmp_path / "project/data.dvc").read_bytes()
    assert fetch_dataset("mine") == shared
    assert open_version(shared).folder == state_dir("datasets") / shared.digest
    assert (tmp_path / "project/data.dvc").read_bytes() == before
    shutil.rmtree(tmp_path / "remote")
    shutil.rmtree(tmp_path / "project/.dvc/cache", ignore_errors=True)
    assert fetch_dataset("mine") == shared  # it is here now


def test_a_truncated_object_in_the_remote_is_refused_by_name(shared: DatasetVersion, tmp_path: Path) -> None:
    md5 = file_of(shared, tmp_path, "train-images.npy")
    damaged = tmp_path / "remote/files/md5" / md5[:2] / md5[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"(?s)'mine'.*train-images.npy"):
        fetch_dataset("mine")
    assert not (state_dir("datasets") / shared.digest).exists()


def file_of(shared: DatasetVersion, tmp_path: Path, name: str) -> str:
    """The md5 of one file of the shared dataset."""
    whole = bringing.bring("mine", shared.digest, tmp_path / "whole/mine")
    assert whole == shared
    shutil.rmtree(tmp_path / "project/.dvc/cache", ignore_errors=True)
    return file_digest(tmp_path / "whole/mine" / name, "md5")


def test_a_remote_without_the_object_or_no_remote_says_what_to_do(shared: DatasetVersion, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "remote")
    with pytest.raises(UserError, match=r"(?s)recorded in data.dvc.* a folder of the machine where .*then: dvc pull"):
        fetch_dataset("mine")
    (tmp_path / "remote").mkdir()
    with pytest.raises(UserError, match=r"(?s)recorded in data.dvc but could not be had.*dvc pull.*dvc remote"):
        fetch_dataset("mine")


def test_a_changed_file_in_data_is_named(shared: DatasetVersion, tmp_path: Path) -> None:
    bringing.bring("mine", shared.digest, tmp_path / "project/data/mine")
    assert fetch_dataset("mine") == shared
    assert open_version(shared).folder == tmp_path / "project/data/mine"
    (tmp_path / "project/data/mine/test-labels.npy").unlink()
    with pytest.raises(UserError, match=r"test-labels.npy is missing"):
        fetch_dataset("mine")


def test_an_embedded_dataset_is_built_where_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    version = fetch_dataset("sunspots")
    verify(tmp_path / "data/sunspots", version.digest)
    assert fetch_dataset("sunspots") == version
    with pytest.raises(UserError, match=r"(?s)no dataset 'sunspot'; did you mean 'sunspots'.*data add PATH"):
        fetch_dataset("sunspot")


def test_a_version_that_is_not_the_recorded_one_is_told(shared: DatasetVersion, tmp_path: Path, caplog) -> None:
    bringing.bring("mine", shared.digest, tmp_path / "project/data/mine")
    path = tmp_path / "project/data.dvc"
    path.write_text(path.read_text().replace(shared.digest, "0" * 32 + ".dir"))
    assert fetch_dataset("mine") == shared
    assert f"data/mine is at version {shared.digest}, but data.dvc records 000" in caplog.text


def test_a_data_file_that_is_no_yaml_is_named(shared: DatasetVersion, tmp_path: Path) -> None:
    (tmp_path / "project/data.dvc").write_text("outs: [\n")
    with pytest.raises(UserError, match=r"(?s)data.dvc is not YAML.*git checkout data.dvc"):
        fetch_dataset("mine")
