"""Building, adding and recording: byte for byte the same, whole or not at all, and DVC's own digests."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from genfoundry import catalog
from genfoundry.data.building import build_folder, embedded, place
from genfoundry.data.versions import dvc as versioning
from genfoundry.dataset import folder_digest, read_card, shipped, verify
from genfoundry.datasets import fashion_mnist
from genfoundry.errors import UserError
from genfoundry.kinds.image import storage as image_kind
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import add, build, build_all, status

REPOSITORY = Path(__file__).parents[2]
ABSENT = "0" * 32 + ".dir"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(root))
    return root


@pytest.fixture
def versioned(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project under DVC, with a remote beside it."""
    (project / ".dvc").mkdir()
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    text = "[core]\n    no_scm = true\n    analytics = false\n    remote = local\n"
    (project / ".dvc" / "config").write_text(text + "['remote \"local\"']\n    url = ../../remote\n    verify = true\n")
    return project


def dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout


def three_images(home: Path, number: int = 0) -> Path:
    home.mkdir(exist_ok=True)
    for index in range(3):
        pixels = np.random.default_rng(number + index).integers(0, 256, (16, 16)).astype(np.uint8)
        Image.fromarray(pixels).save(home / f"{index}.png")
    return home


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_builds_are_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = build("digits")
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "elsewhere"))
    second = build("digits")
    assert second == first
    assert contents(project / "data/digits") == contents(tmp_path / "elsewhere/data/digits")


def test_a_package_that_is_not_there_is_named_with_the_file_it_carries() -> None:
    assert shipped("vega_datasets", "_data/stocks.csv").is_file()
    for package, path in (("vega_datasets", "lost.csv"), ("no_such_package", "lost.csv"), ("json.decoder", "lost.csv")):
        with pytest.raises(UserError, match=f"{package}, which carries lost.csv, is not installed whole"):
            shipped(package, path)


def test_digits_are_the_digits(project: Path) -> None:
    build("digits")
    train, test = (image_kind.read(data_dir() / "digits", split) for split in image_kind.SPLITS)
    assert (train.images.shape, test.images.shape) == ((1442, 1, 8, 8), (355, 1, 8, 8))
    assert np.bincount(np.r_[train.labels, test.labels]).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert train.labels[:5].tolist() == [0, 1, 2, 3, 4]


def test_what_is_whole_is_kept_and_what_was_changed_is_named(project: Path) -> None:
    version = build("digits")
    before = (data_dir() / "digits" / "train-images.npy").stat().st_ino
    assert build("digits") == version
    assert (data_dir() / "digits" / "train-images.npy").stat().st_ino == before
    with (data_dir() / "digits" / "test-labels.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x07")
    with pytest.raises(UserError, match=r"test-labels.npy was changed(.|\n)*--force"):
        build("digits")
    assert build("digits", force=True) == version
    assert not list(data_dir().glob(".building-*"))


def test_a_damaged_dataset_of_a_user_is_added_again_not_built(project: Path, tmp_path: Path) -> None:
    def take_in(force: bool = False) -> str:
        home = three_images(tmp_path / "home")
        return add(home, "mine", licence="own", consent="own", force=force).version.digest

    digest = take_in()
    with (project / "data" / "mine" / "manifest.csv").open("a") as file:
        file.write("more\n")
    with pytest.raises(UserError, match=r"manifest.csv was changed(.|\n)*dvc checkout") as caught:
        verify(project / "data" / "mine")
    assert "genfoundry data add PATH --name mine [--paired SOURCES] --force" in caught.value.remedy
    assert "data build" not in caught.value.remedy
    assert take_in(force=True) == digest
    verify(project / "data" / "mine", digest)


def test_a_failed_build_leaves_what_was_there(project: Path) -> None:
    version = build("digits")

    def fail(folder: Path):
        (folder / "half.npy").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"data is full: [\d,.]+ MB are free there, more than"):
        place(data_dir() / "digits", fail)
    verify(data_dir() / "digits", version.digest)
    assert [path.name for path in data_dir().iterdir()] == ["digits"]


def test_builders_side_by_side_make_one_dataset(project: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(build("digits").digest)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_leftovers_of_a_killed_build_are_swept(project: Path) -> None:
    (data_dir() / ".building-dead").mkdir(parents=True)
    build("digits")
    assert [path.name for path in data_dir().iterdir()] == ["digits"]


def test_without_dvc_a_dataset_is_built_and_the_way_to_version_it_is_told(project: Path, caplog) -> None:
    version = build("digits")
    assert version.digest == folder_digest(project / "data/digits")
    assert "not under DVC" in caplog.text
    assert "dvc init" in caplog.text
    assert not (project / "data.dvc").exists()


def test_an_unknown_dataset_names_the_closest(project: Path) -> None:
    with pytest.raises(UserError, match="no dataset 'digit'; did you mean 'digits'"):
        build("digit")


def test_our_digest_is_dvcs_own(versioned: Path, tmp_path: Path) -> None:
    """DVC's hash of one folder by itself, and the digest that data.dvc's meta holds."""
    version = build("digits")
    other = tmp_path / "other"
    shutil.copytree(versioned / ".dvc", other / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    shutil.copytree(versioned / "data/digits", other / "digits")
    dvc(other, "add", "--quiet", "digits")
    assert yaml.safe_load((other / "digits.dvc").read_text())["outs"][0]["md5"] == version.digest
    document = yaml.safe_load((versioned / "data.dvc").read_text())
    assert document["meta"] == {"datasets": {"digits": version.digest}}
    assert document["outs"][0]["path"] == "data"
    assert "up to date" in dvc(versioned, "status")


def test_adding_records_pushes_and_forgets_no_other(versioned: Path, tmp_path: Path) -> None:
    digits = build("digits")
    shutil.rmtree(versioned / "data/digits")
    taken = add(three_images(tmp_path / "mine"), "mine", licence="CC0", consent="made by a test")
    assert versioning.recorded() == {"digits": digits.digest, "mine": taken.version.digest}
    assert "and its remote" in taken.kept
    listing = yaml.safe_load((versioned / "data.dvc").read_text())["outs"][0]["md5"]
    assert (tmp_path / "remote/files/md5" / listing[:2] / listing[2:]).is_file()

    shutil.rmtree(versioned / "data/mine")
    build("sunspots")
    assert set(versioning.recorded()) == {"digits", "mine", "sunspots"}
    dvc(versioned, "checkout", "data.dvc")
    verify(versioned / "data/mine", taken.version.digest)


def test_adding_again_is_a_new_version_and_the_same_again_is_none(versioned: Path, tmp_path: Path) -> None:
    first = add(three_images(tmp_path / "mine"), "mine", licence="CC0", consent="made by a test")
    before = (versioned / "data.dvc").read_bytes()
    again = add(tmp_path / "mine", "mine", licence="CC0", consent="made by a test")
    assert again.version == first.version
    assert (versioned / "data.dvc").read_bytes() == before
    second = add(three_images(tmp_path / "mine", 50), "mine", licence="CC0", consent="made by a test")
    assert second.version.digest != first.version.digest
    assert versioning.recorded() == {"mine": second.version.digest}


def test_a_remote_that_can_not_be_had_keeps_the_data(versioned: Path, tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file where the folder should be")
    taken = add(three_images(tmp_path / "mine"), "mine", licence="CC0", consent="made by a test")
    assert "kept in DVC's cache, but was not pushed: dvc push data.dvc failed" in taken.kept
    assert "To push it later: dvc push" in taken.kept
    verify(versioned / "data/mine", versioning.recorded()["mine"])


def test_no_remote_at_all_is_told(versioned: Path) -> None:
    (versioned / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    sentence = versioning.record(build_folder("sunspots"))
    assert "was not pushed" in sentence
    assert "remote" in sentence


def test_a_dataset_that_changes_before_it_is_recorded_is_not(versioned: Path) -> None:
    version = build_folder("digits")
    (versioned / "data/digits/manifest.csv").write_text("meddled with")
    with pytest.raises(UserError, match=r"digits/manifest.csv was changed"):
        versioning.record(version)
    assert versioning.recorded() == {}


def test_a_fresh_clone_rebuilds_what_data_dvc_records(project: Path, caplog) -> None:
    """The committed data.dvc, and no data: every embedded dataset comes out at its digest; data.dvc is not touched."""
    shutil.copytree(REPOSITORY / ".dvc", project / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    shutil.copy(REPOSITORY / "data.dvc", project)
    with caplog.at_level(logging.WARNING):
        built = {version.name: version.digest for version in build_all()}
    assert built == {name: digest for name, digest in versioning.recorded().items() if embedded(name)}
    assert not caplog.records
    assert (project / "data.dvc").read_bytes() == (REPOSITORY / "data.dvc").read_bytes()


def test_a_build_that_differs_from_the_record_is_named_and_changes_nothing(versioned: Path, caplog) -> None:
    version = build("digits")
    altered = (versioned / "data.dvc").read_text().replace(version.digest, ABSENT)
    (versioned / "data.dvc").write_text(altered)
    shutil.rmtree(versioned / "data/digits")
    assert build("digits") == version
    assert f"data/digits is at version {version.digest}, but data.dvc records {ABSENT}" in caplog.text
    assert (versioned / "data.dvc").read_text() == altered
    build("digits", force=True)
    assert versioning.recorded() == {"digits": version.digest}


def test_status_tells_each_state(versioned: Path, tmp_path: Path) -> None:
    digits = build("digits")
    add(three_images(tmp_path / "mine"), "mine", licence="CC0", consent="made by a test")
    add(three_images(tmp_path / "gone", 9), "gone", licence="CC0", consent="made by a test")
    build_folder("sunspots")
    shutil.rmtree(versioned / "data/gone")
    (versioned / "data/mine/manifest.csv").write_text("meddled with")
    rows = {row["name"]: row for row in status()}
    states = {name: row["state"] for name, row in rows.items()}
    assert states == dict.fromkeys(catalog.names("datasets"), "not built") | {
        "digits": "ok", "mine": "changed", "gone": "missing", "sunspots": "untracked",
    }  # fmt: skip
    assert "manifest.csv was changed" in rows["mine"]["problem"]
    assert rows["digits"]["digest"] == rows["digits"]["recorded"] == digits.digest
    assert rows["digits"]["counts"] == {"train": 1442, "test": 355}
    assert rows["digits"]["bytes"] == sum(seal.bytes for seal in read_card(data_dir() / "digits").files.values())


def test_fashion_mnist_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "FOLDER", tmp_path)
    with pytest.raises(UserError, match=r"train-images.* is missing(.|\n)*apt-get install dataset-fashion-mnist"):
        next(fashion_mnist.examples())
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8bhalf")
    with pytest.raises(UserError, match="does not unpack"):
        next(fashion_mnist.examples())


def test_fashion_mnist_is_the_pinned_one() -> None:
    home = fashion_mnist.FOLDER
    if not home.is_dir():
        pytest.skip("the Debian package dataset-fashion-mnist is not installed")
    images = fashion_mnist.read_idx(home / "t10k-images-idx3-ubyte.gz")
    labels = fashion_mnist.read_idx(home / "t10k-labels-idx1-ubyte.gz")
    assert (images.shape, np.bincount(labels).tolist()) == ((10000, 28, 28), [1000] * 10)
    assert labels[:3].tolist() == [9, 2, 1]  # ankle boot, pullover, trouser


def test_fashion_mnist_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + (3).to_bytes(4, "big") + b"\1\2\3"))
    with pytest.raises(UserError, match=r"unpacks to sha256 (.|\n)*Expected: 0402a96d"):
        fashion_mnist.read_idx(path)
