"""Disks that are really full: the sentence, and that nothing is lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.small_disk import fill, small_disk
from support.trained import digits, order, start

from genfoundry.data.building import build_folder
from genfoundry.data.versions import dvc
from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.files import ROOM, DiskFull, write_atomic
from genfoundry.recipe import ModelSection
from genfoundry.records import ValidatedDataset
from genfoundry.stages import train
from genfoundry.stages.ingest import build
from genfoundry.training import snapshot
from genfoundry.training.job import RESULT, Result
from genfoundry.training.settings import Settings
from genfoundry.training.trainer import RESERVE

WEIGHTS = "model/weights.safetensors"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 48) as folder:
        yield folder


def until_snapshot(folder: Path, others: int = 0) -> None:
    """Wait until a snapshot lies in `folder`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if len(list(folder.glob("**/snapshot-*.json"))) > others:
            return
        time.sleep(0.005)
    raise AssertionError("no snapshot came")


def test_what_was_published_before_stays_whole(disk: Path) -> None:
    write_atomic(disk / "a", b"before")
    fill(disk, leave=1 << 20)
    with pytest.raises(
        DiskFull, match=r"The disk that holds .*disk is full: 1\.\d MB are free there, 3\.0 MB are need"
    ):
        write_atomic(disk / "a", bytes(3 * 10**6))
    assert (disk / "a").read_bytes() == b"before"
    assert {path.name for path in disk.iterdir()} == {"a", "filler"}


def test_a_build_without_room_leaves_the_other_datasets_whole(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(disk))
    before = build_folder("digits")
    filler = fill(disk, leave=10**6)
    with pytest.raises(DiskFull, match=r"holds .*data is full: 1\.\d MB are free there, more than 1\.\d MB are needed"):
        build_folder("mnist-5k")
    assert [path.name for path in (disk / "data").iterdir()] == ["digits"]
    verify(disk / "data" / "digits", before.digest)
    filler.unlink()
    assert build_folder("mnist-5k").name == "mnist-5k"


def test_a_cache_of_dvc_without_room_leaves_the_dataset_whole_and_records_it_later(disk, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(disk))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    (disk / ".dvc").mkdir()
    (disk / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    made = build_folder("mnist-5k")
    filler = fill(disk, leave=10**6)
    with pytest.raises(DiskFull, match=r"\.dvc is full: .* are needed"):
        build("mnist-5k")
    verify(disk / "data" / "mnist-5k", made.digest)
    assert dvc.recorded() == {}
    filler.unlink()
    assert build("mnist-5k") == made
    assert dvc.recorded() == {"mnist-5k": made.digest}


@pytest.mark.slow
@pytest.mark.servers
def test_a_training_that_fills_the_disk_fails_in_a_sentence_and_goes_on_later(root: Path, disk: Path) -> None:
    digits(root)
    order(root, root / "undisturbed", max_steps=200)
    assert start(root / "undisturbed").wait() == 0
    order(root, disk, max_steps=200)
    child = start(disk)
    until_snapshot(disk)
    filler = fill(disk)
    assert child.wait() == 1
    result = Result.model_validate_json((disk / RESULT).read_text())
    assert result.outcome == "FAILED"
    assert f"The disk that holds {disk} is full" in result.sentence
    assert "goes on from its last snapshot" in result.remedy
    assert "Traceback" not in (disk / "output.log").read_text()
    assert not (disk / RESERVE).exists()
    sound = snapshot.latest(disk)
    assert sound is not None
    assert 0 < sound[0] < 200
    filler.unlink()
    assert start(disk).wait() == 0
    events = [json.loads(line) for line in (disk / "journal.jsonl").read_text().splitlines() if line]
    assert [event["step"] for event in events if event["event"] == "resumed"] == [sound[0]]
    assert (disk / WEIGHTS).read_bytes() == (root / "undisturbed" / WEIGHTS).read_bytes()


@pytest.mark.slow
def test_the_training_process_asks_for_its_own_need_before_the_first_step(root: Path, disk: Path) -> None:
    digits(root)
    order(root, disk)
    fill(disk, leave=10**6)
    assert start(disk).wait() == 1
    result = Result.model_validate_json((disk / RESULT).read_text())
    assert result.outcome == "FAILED"
    assert "are needed" in result.sentence
    assert '"metrics"' not in (disk / "journal.jsonl").read_text()


def validated(root: Path) -> ValidatedDataset:
    digits(root)
    folder = root / "data" / "digits"
    return ValidatedDataset(version=verify(folder).version, counts={}, checks=())


SETTINGS = Settings(max_steps=400, batch_size=16, log_every=4, snapshot_every=8, sample_every=400, threads=1)
GAN = ModelSection.model_validate({"family": "gan"})


def test_no_training_begins_without_room(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(disk))
    with pytest.raises(DiskFull, match=rf"{ROOM // 10**6}\.0 MB are needed"):
        train.train_model("tiny", validated(disk), GAN, SETTINGS)
    assert not list((disk / ".genfoundry" / "jobs").glob("*/job.json"))


@pytest.mark.slow
def test_a_run_that_fills_the_disk_is_a_sentence_and_the_next_run_goes_on(tmp_path, monkeypatch) -> None:
    """Everything on one disk: data, job, tracker."""
    monkeypatch.setattr(train, "ROOM", 30 * 10**6)
    with small_disk(tmp_path / "disk", 64) as root:
        monkeypatch.setenv("GENFOUNDRY_ROOT", str(root))
        data = validated(root)
        fills: list[Path] = []
        threading.Thread(target=lambda: (until_snapshot(root), fills.append(fill(root)))).start()
        with pytest.raises(UserError, match=r"is full: .* are needed"):  # whichever process finds it first
            train.train_model("tiny", data, GAN, SETTINGS)
        (job,) = (root / ".genfoundry" / "jobs").iterdir()
        sound = snapshot.latest(job)
        assert sound is not None
        fills[0].unlink()
        assert train.train_model("tiny", data, GAN, SETTINGS).outcome == "COMPLETED"
        assert '"resumed", "time"' in (job / "journal.jsonl").read_text()
