"""The handle of a version: what it proves, what a card alone proves, and how often bytes are read for it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from support.trained import digits

from genfoundry import files
from genfoundry.dataset import Card, card_of, folder_digest, open_version, read_card, seal, verify
from genfoundry.errors import UserError
from genfoundry.project.root import data_dir, state_dir


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed from here on."""
    found: list[str] = []
    plain = hashlib.file_digest

    def counted(file, algorithm):
        found.append(Path(file.name).name)
        return plain(file, algorithm)

    monkeypatch.setattr(files.hashlib, "file_digest", counted)
    return found


def test_a_version_is_opened_in_one_pass_over_bytes_that_were_just_written(root, read):
    version = digits(root)
    assert len(read) == len({*read}), "sealing reads a file twice"
    read.clear()
    found = open_version(version)
    assert (found.folder, found.version, found.spec) == (data_dir() / "digits", version, version.spec)
    assert sorted(read) == sorted([*found.card.files, "card.json", "card.json"])  # the card is asked first
    assert folder_digest(found.folder) == version.digest


def test_a_card_is_proved_by_the_digest_and_no_other_file_is_read(root, read):
    version = digits(root)
    read.clear()
    assert card_of(version) == read_card(data_dir() / "digits")
    assert read == ["card.json"]


def test_a_card_that_was_changed_is_no_card_of_the_version(root):
    version = digits(root)
    path = data_dir() / "digits" / "card.json"
    path.write_text(path.read_text().replace('"licence": "', '"licence": "not '))
    with pytest.raises(UserError, match="not on this machine"):
        card_of(version)


def test_one_bit_makes_a_version_that_does_not_open_and_the_file_is_named(root):
    version = digits(root)
    path = data_dir() / "digits" / "test-images.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(UserError, match=r"test-images\.npy was changed after it was sealed"):
        open_version(version)


def test_the_copy_that_fetch_brought_stands_in_for_a_changed_working_tree(root):
    version = digits(root)
    copy = state_dir("datasets") / version.digest
    shutil.copytree(data_dir() / "digits", copy)
    (data_dir() / "digits" / "manifest.csv").write_text("changed")
    assert open_version(version).folder == copy


def test_a_working_tree_at_another_version_is_not_read_at_all(root, read):
    old = digits(root)
    copy = state_dir("datasets") / old.digest
    shutil.copytree(data_dir() / "digits", copy)
    seal(data_dir() / "digits", read_card(data_dir() / "digits").model_copy(update={"title": "another"}))
    read.clear()
    assert open_version(old).folder == copy
    assert read.count("train-images.npy") == 1


def test_a_stranger_beside_the_files_of_the_card_is_named(root):
    version = digits(root)
    (data_dir() / "digits" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"not on its card: notes\.txt"):
        verify(data_dir() / "digits", version.digest)


def test_a_card_without_a_spec_was_not_sealed_by_a_build(root):
    folder = root / "data" / "mine"
    folder.mkdir(parents=True)
    card = Card(name="mine", kind="image", title="", licence="CC0", source="", consent="")
    (folder / "card.json").write_text(card.model_dump_json())
    with pytest.raises(UserError, match="has no spec"):
        verify(folder)
