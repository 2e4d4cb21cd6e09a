"""A file's digest is remembered in one process, and a changed file is always seen."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from pathlib import Path

import pytest

from genfoundry import files
from genfoundry.files import file_digest

OLD_ENOUGH = files.YOUNG / 1e9 + 0.1  # seconds


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The algorithm of every reading of a file from here on."""
    found: list[str] = []
    plain = hashlib.file_digest

    def counted(file, algorithm):
        found.append(algorithm)
        return plain(file, algorithm)

    monkeypatch.setattr(files.hashlib, "file_digest", counted)
    return found


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that were written long enough ago; each test has one or two of its own."""
    folder = tmp_path_factory.mktemp("aged")
    for name in ("once", "two", "rewritten", "replaced", "other", "meanwhile", "threads", "moved", "linked"):
        (folder / name).write_bytes(name.encode() * 1000)
    time.sleep(OLD_ENOUGH)
    return folder


def true(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_old_file_is_read_once(aged, readings):
    found = {file_digest(aged / "once") for _ in range(3)}
    assert found == {true(aged / "once")}
    assert readings == ["sha256"]


def test_each_algorithm_has_its_own_digest(aged, readings):
    path = aged / "two"
    assert file_digest(path, "md5") != file_digest(path) == file_digest(path)
    assert file_digest(path, "md5") == hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert readings == ["md5", "sha256"]


def test_a_file_that_was_just_written_is_read_each_time(tmp_path, readings):
    (tmp_path / "new").write_bytes(b"1")
    assert file_digest(tmp_path / "new") == file_digest(tmp_path / "new")
    assert len(readings) == 2


def test_a_file_of_the_future_is_read_each_time(tmp_path, readings):
    (tmp_path / "new").write_bytes(b"1")
    os.utime(tmp_path / "new", (2**32, 2**32))
    assert file_digest(tmp_path / "new") == file_digest(tmp_path / "new")
    assert len(readings) == 2


def test_a_change_of_the_same_size_with_its_time_set_back_is_seen(aged):
    path = aged / "rewritten"
    before, when = file_digest(path), path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))
    assert path.stat().st_mtime_ns == when.st_mtime_ns
    assert file_digest(path) == true(path) != before


def test_another_file_at_the_same_path_is_seen(aged):
    path = aged / "replaced"
    before = file_digest(path)
    (aged / "other").replace(path)
    assert file_digest(path) == true(path) != before


def test_a_file_that_changes_while_it_is_read_is_not_remembered(aged, monkeypatch, readings):
    path, counted = aged / "meanwhile", files.hashlib.file_digest

    def disturbed(file, algorithm):
        found = counted(file, algorithm)
        path.write_bytes(b"changed")
        return found

    monkeypatch.setattr(files.hashlib, "file_digest", disturbed)
    file_digest(path)
    monkeypatch.setattr(files.hashlib, "file_digest", counted)
    assert file_digest(path) == true(path)


def test_threads_that_ask_at_once_wait_for_one_reading(aged, monkeypatch, readings):
    counted = files.hashlib.file_digest

    def slow(file, algorithm):
        time.sleep(0.2)
        return counted(file, algorithm)

    monkeypatch.setattr(files.hashlib, "file_digest", slow)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(file_digest(aged / "threads"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [true(aged / "threads")] * 8
    assert len(readings) == 1


def test_a_hard_link_is_the_same_file(aged, readings):
    os.link(aged / "linked", aged / "link")  # which changes the inode, so it is new again
    time.sleep(OLD_ENOUGH)
    assert file_digest(aged / "linked") == file_digest(aged / "link")
    assert len(readings) == 1


def test_no_more_than_so_many_files_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_known", {})
    monkeypatch.setattr(files, "MOST_KNOWN", 3)
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"x" * number)
        assert file_digest(tmp_path / str(number)) == true(tmp_path / str(number))
    assert len(files._known) == 3


def test_whatever_is_done_to_files_their_digests_are_true(tmp_path):
    """The model is the plain reading. Steps come at all distances from one tick of the clock to more than `YOUNG`."""
    chance = random.Random(0)
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(b"0000")
    for step in range(400):
        path, other = chance.sample(paths, 2)
        content = bytes(chance.choices(b"01", k=4))
        match chance.randrange(4):
            case 0:
                path.write_bytes(content)
            case 1:
                with path.open("r+b") as file:
                    file.write(content[:1])
            case 2:
                when = path.stat()
                path.write_bytes(content)
                os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))
            case 3:
                (tmp_path / "new").write_bytes(content)
                (tmp_path / "new").replace(other)
        assert [file_digest(each) for each in paths] == [true(each) for each in paths], step
        if step in (100, 200, 300):
            time.sleep(OLD_ENOUGH)
            assert [file_digest(each) for each in paths] == [true(each) for each in paths], step
