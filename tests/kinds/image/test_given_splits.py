"""Folders named train, test and val are the splits that they give; no file is lost whichever way they are read."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from genfoundry_flows.commands.data import SHOWN, data
from support.earlier import picture, save

from genfoundry.data.file_names import natural, split_of
from genfoundry.data.policy import Validation
from genfoundry.dataset import read_card, seal
from genfoundry.errors import UserError
from genfoundry.kinds.image import storage
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add
from genfoundry.stages.validate import InvalidData, validate_dataset


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path / "photos"


def fill(folder: Path, start: int, count: int) -> None:
    """`count` pictures, named alike in every folder."""
    for place in range(count):
        save(folder / f"i{place:03}.png", picture(start + place))


def take(home: Path, **options) -> Intake:
    taken = add(home, "mine", **{"licence": "own", "consent": "own", "force": True, "max_bad_fraction": 0.5, **options})
    found = taken.counts
    assert found["found"] == found["used"] + found["quarantined"] + found["skipped"]
    assert found["found"] == sum(path.is_file() for path in home.rglob("*"))
    assert found["used"] == sum(read_card(data_dir() / "mine").counts.values())
    return taken


def manifest() -> list[dict[str, str]]:
    with (data_dir() / "mine" / storage.MANIFEST).open() as file:
        return list(csv.DictReader(file))


def refused(home: Path, **options) -> UserError:
    with pytest.raises(UserError) as caught:
        take(home, **options)
    assert not (data_dir() / "mine").exists()
    return caught.value


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("training_set", "train"), ("trainset", "train"), ("TRAIN", "train"),
        ("test", "test"), ("Testing", "test"), ("test-images", "test"), ("test_set", "test"), ("eval", "test"),
        ("val", "val"), ("valid", "val"), ("Validation", "val"), ("val2017", "val"), ("dev", "val"),
        ("trains", ""), ("trainA", ""), ("contest", ""), ("images", ""), ("device", ""), ("train_station", ""),
    ],
)  # fmt: skip
def test_the_usual_spellings_are_known_and_no_other_word_is(name: str, split: str) -> None:
    assert split_of(name) == split


def test_names_are_in_the_order_that_people_sort() -> None:
    wanted = ["1", "2", "11", "a", "A", "a2", "A10", "b", "é"]
    assert sorted(sorted(wanted), key=natural) == ["1", "2", "11", "A", "a", "a2", "A10", "b", "é"]


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "Testing"), ("training_set", "test_set")])
@pytest.mark.parametrize("classes", [(), ("a", "b")])
def test_given_splits_are_the_splits(home: Path, train: str, test: str, classes: tuple[str, ...]) -> None:
    for place, name in enumerate(classes or ("",)):
        fill(home / train / name, 1000 * place, 20)
        fill(home / test / name, 1000 * place + 500, 5)
    taken = take(home, force=False)
    times = len(classes) or 1
    assert read_card(data_dir() / "mine").counts == {"train": 20 * times, "test": 5 * times}
    assert taken.class_names == classes
    assert all(row["source"].startswith((train if row["split"] == "train" else test) + "/") for row in manifest())
    assert taken.policy["split"] == (
        f"as given: train from '{train}' ({20 * times} images), test from '{test}' ({5 * times} images)"
    )
    assert read_card(data_dir() / "mine").rule == "given"
    assert "given" not in manifest()[0]
    assert take(home, force=False).version == taken.version


def test_a_given_val_is_training_images_that_are_marked_and_never_test(home: Path) -> None:
    fill(home / "train", 0, 60)
    fill(home / "valid", 500, 20)
    taken = take(home)
    rows = manifest()
    marked = [row for row in rows if row["given"] == "val"]
    assert {row["source"] for row in marked} == {f"valid/i{n:03}.png" for n in range(20)}
    assert {row["split"] for row in marked} == {"train"}
    tested = [row for row in rows if row["split"] == "test"]
    assert tested
    assert all(row["source"].startswith("train/") for row in tested)
    chosen = storage.given_val(data_dir() / "mine")
    pixels = storage.read(data_dir() / "mine", "train").images
    assert {pixels[i].tobytes() for i in chosen} == {picture(500 + n).tobytes() for n in range(20)}
    assert "val from 'valid' (20 images, kept as training images that are marked val)" in taken.policy["split"]
    assert taken.policy["split"].endswith(f"seed 0 lies below 0.2: {len(tested)} of 80")
    fill(home / "test", 900, 10)
    with pytest.raises(UserError, match="images lie in another split than in the version before"):
        take(home, force=False)  # what was tested with would be learned from
    assert take(home).policy["before"] == f"{len(tested)} images changed sides, since the given split says so"
    assert read_card(data_dir() / "mine").counts == {"train": 80, "test": 10}


def test_marks_are_validated(home: Path) -> None:
    for split, count in (("train", 60), ("val", 20), ("test", 20)):
        fill(home / split, {"train": 0, "val": 300, "test": 600}[split], count)
    version, policy = take(home).version, Validation(min_rows=2)
    assert {"train: given splits", "test: given splits"} <= {
        check.name for check in validate_dataset(version, policy).checks if check.passed
    }
    folder = data_dir() / "mine"
    text = (folder / storage.MANIFEST).read_text()
    line = next(line for line in text.splitlines() if line.startswith("test,0,"))
    (folder / storage.MANIFEST).write_text(text.replace(line, line + "val"))
    with pytest.raises(InvalidData, match="1 of 20 marks of test are not ''"):
        validate_dataset(seal(folder, read_card(folder)), policy)
    fill(home / "train", 0, 60)
    shutil.rmtree(home / "val")
    take(home)
    assert storage.given_val(folder).tolist() == []


def test_pixels_in_two_given_splits_stay_in_the_one_that_is_judged_on(home: Path) -> None:
    for split, start in (("train", 0), ("val", 300), ("test", 600)):
        fill(home / split, start, 20)
    save(home / "train" / "in_test.png", picture(600))
    save(home / "val" / "in_test_too.png", picture(601))
    save(home / "train" / "in_val.png", picture(300))
    save(home / "train" / "twice.png", picture(0))
    taken = take(home)
    assert {(item.path, item.reason, item.sentence) for item in taken.skipped} == {
        ("train/in_test.png", "DUPLICATE", "the same pixels as test/i000.png"),
        ("val/in_test_too.png", "DUPLICATE", "the same pixels as test/i001.png"),
        ("train/in_val.png", "DUPLICATE", "the same pixels as val/i000.png"),
        ("train/twice.png", "DUPLICATE", "the same pixels as train/i000.png"),
    }
    assert taken.policy["leaks"].startswith("3 images of a given train or val have the pixels of one in val or test")
    assert read_card(data_dir() / "mine").counts == {"train": 40, "test": 20}
    assert take(home).version == taken.version


def test_one_pool_loses_no_file_although_all_names_collide(home: Path) -> None:
    for place, split in enumerate(("train", "test", "val")):
        for number, name in enumerate(("a", "b")):
            fill(home / split / name, 1000 * place + 100 * number, 25)
    taken = take(home, ignore_splits=True)
    assert taken.counts == {"found": 150, "used": 150, "quarantined": 0, "skipped": 0}
    assert taken.class_names == ("a", "b")
    assert {name: sum(of.values()) for name, of in taken.classes.items()} == {"a": 75, "b": 75}
    assert {row["source"] for row in manifest()} == {
        f"{split}/{name}/i{n:03}.png" for split in ("train", "test", "val") for name in "ab" for n in range(25)
    }
    tested = {row["source"].split("/")[0] for row in manifest() if row["split"] == "test"}
    assert tested == {"train", "test", "val"}


def test_splits_beside_other_folders_are_told_in_both_readings(home: Path) -> None:
    for place, name in enumerate(("train", "test", "extra")):
        fill(home / name, 1000 * place, 30)
    error = refused(home)
    assert "holds 'test', 'train' beside 'extra': are the first given splits, or is each of all 3 a class?" in str(
        error
    )
    assert error.remedy == "as splits: move 'extra' out; as classes: --ignore-splits"
    assert take(home, ignore_splits=True).class_names == ("extra", "test", "train")
    (home / "extra").rename(home.parent / "extra")
    with pytest.raises(
        UserError, match=r"Classes 'extra', 'test', 'train' .* \(folders of such names are read as given"
    ):
        take(home, force=False)
    assert take(home).class_names == ()
    fill(home / "train" / "deep", 0, 1)
    (home.parent / "extra").rename(home / "extra")
    with pytest.raises(UserError, match="as classes: move the images out of the folders inside them, then --ignore-s"):
        take(home)


def test_a_class_of_that_name_that_the_set_has_stays_a_class(home: Path) -> None:
    for place, name in enumerate(("car", "train")):
        fill(home / name, 1000 * place, 30)
    take(home, ignore_splits=True)
    fill(home / "bus", 5000, 30)
    grown = take(home)
    assert grown.class_names == ("car", "train", "bus")
    assert "before" not in grown.policy


@pytest.mark.parametrize(
    ("folders", "found", "remedy"),
    [
        (("val/a", "val/b"), "holds 'val', and no training images", "--ignore-splits"),
        (
            ("train/a", "train/b", "test"),
            "holds class folders, and .*test images without a class",
            "give .*train alone",
        ),
        (
            ("train/a", "train/b", "test/a"),
            r"Class folder 'b' gives 25 .*: 25 to train on, 0 to test",
            "--ignore-splits",
        ),
        (
            ("train/a", "test/a", "test/b"),
            r"Class folder 'b' gives 25 .*: 0 to train on, 25 to test",
            "--ignore-splits",
        ),
        (
            ("photos/train/a", "photos/test/a"),
            "a folder inside a folder: 'photos/test'",
            "give .*photos/photos instead",
        ),
        (("a/train", "a/test", "b/train"), "a folder inside a folder: 'a/test'", "above the classes, as in test/a"),
        (("trainA", "trainB", "testA", "testB"), "splits of two domains", "--ignore-splits"),
    ],
)
def test_forms_that_can_not_be_read_are_explained(
    home: Path, folders: tuple[str, ...], found: str, remedy: str
) -> None:
    for place, folder in enumerate(folders):
        fill(home / folder, 1000 * place, 25)
    error = refused(home)
    assert re.search(found, error.found), error.found
    assert re.search(remedy, error.remedy), error.remedy


def test_an_empty_split_or_class_is_refused_and_one_that_val_lacks_is_not(home: Path) -> None:
    for place, folder in enumerate(("train/a", "train/b", "test/a", "test/b", "val/a")):
        fill(home / folder, 1000 * place, 25)
    (home / "val" / "b").mkdir()
    assert take(home).classes == {name: {"train": train, "test": 25} for name, train in (("a", 50), ("b", 25))}
    shutil.rmtree(data_dir())
    shutil.rmtree(home / "val")
    (home / "val").mkdir()
    assert "val holds no file that could be an image" in refused(home).found


TWINS = {"café": "cafe\u0301", "cat": "cat ", "Zoë": "Zoe\u0308 "}


@pytest.mark.parametrize("name", TWINS)
def test_names_that_look_alike_are_one_class_and_said(home: Path, name: str) -> None:
    for place, folder in enumerate((name, TWINS[name], "other")):
        fill(home / folder, 1000 * place, 25)
    taken = take(home)
    assert {name: sum(of.values()) for name, of in taken.classes.items()} == {name: 50, "other": 25}
    assert taken.policy["classes"] == f"'{name}' is 2 folders whose names look alike"
    shutil.rmtree(home / name)
    again = take(home)  # the other spelling is the same class
    assert again.class_names == taken.class_names
    assert "before" not in again.policy


def test_names_that_differ_in_case_are_two_classes_and_said(home: Path) -> None:
    for place, folder in enumerate(("Cat", "cat")):
        fill(home / folder, 1000 * place, 25)
    taken = take(home)
    assert taken.class_names == ("Cat", "cat")
    assert taken.policy["classes"] == "'Cat', 'cat' differ in their case only and are a class each"


@pytest.mark.parametrize("classes", [(), ("a", "b")])
def test_pairs_follow_the_given_splits_of_both_folders(tmp_path: Path, classes: tuple[str, ...]) -> None:
    def pair(split: str, name: str, start: int, count: int) -> None:
        for place in range(count):
            pixels = picture(start + place)
            save(tmp_path / "hr" / split / name / f"i{place}.png", pixels)
            save(tmp_path / "lr" / split / name / f"i{place}.png", pixels[:, ::2, ::2])

    for place, name in enumerate(classes or ("",)):
        pair("train", name, 1000 * place, 12)
        pair("val", name, 1000 * place + 300, 6)
        pair("test", name, 1000 * place + 600, 5)
    options = {"licence": "own", "consent": "own", "paired": tmp_path / "lr", "force": True}
    taken = add(tmp_path / "hr", "mine", **options)
    times = len(classes) or 1
    assert taken.counts == {"found": 46 * times, "used": 46 * times, "quarantined": 0, "skipped": 0}
    folder = data_dir() / "mine"
    assert read_card(folder).counts == {"train": 18 * times, "test": 5 * times}
    assert len(storage.given_val(folder)) == 6 * times
    for split in storage.SPLITS:
        images, _, sources = storage.read(folder, split)
        np.testing.assert_array_equal(images[:, :, ::2, ::2], sources)
    assert {*manifest()[0]} >= {storage.SOURCE_SHA, storage.GIVEN}
    (tmp_path / "lr" / "val").rename(tmp_path / "lr" / "dev")
    with pytest.raises(UserError, match="hr gives 'test', 'train', 'val', lr 'dev', 'test', 'train'"):
        add(tmp_path / "hr", "mine", **options)
    shutil.rmtree(tmp_path / "lr" / "dev")
    with pytest.raises(UserError, match=r"hr gives 'test', 'train', 'val', lr 'test', 'train'\."):
        add(tmp_path / "hr", "mine", **options)


def test_the_command_prints_the_classes_by_number_with_their_counts(home: Path) -> None:
    for place, name in enumerate(("2", "11", "10")):
        fill(home / "train" / name, 1000 * place, 20)
        fill(home / "test" / name, 1000 * place + 500, 5)
    (home.parent / "set").mkdir()
    (home.parent / "set" / "train").symlink_to(home / "train")
    done = CliRunner().invoke(data, ["add", str(home), "--name", "mine"])
    assert done.exit_code == 0, done.output
    assert "  3 classes:\n      0 2: 20 train, 5 test\n      1 10: 20 train, 5 test\n      2 11: 20" in done.output
    pooled = CliRunner().invoke(data, ["add", str(home), "--name", "pool", "--ignore-splits"])
    assert "split: an image is test where the hash" in pooled.output
    flags = ["add", str(home.parent / "set"), "--name", "linked"]
    refusal = CliRunner().invoke(data, flags)
    assert "links to folders, which are not followed: 'train'" in str(refusal.exception)
    assert CliRunner().invoke(data, [*flags, "--follow-links"]).exit_code == 0


def test_many_classes_are_cut_short_on_the_screen(home: Path) -> None:
    for place in range(SHOWN + 2):
        fill(home / "train" / str(place), 10 * place, 1)
        fill(home / "test" / str(place), 10 * place + 5, 1)
    done = CliRunner().invoke(data, ["add", str(home), "--name", "mine"])
    assert f"  {SHOWN + 2} classes:" in done.output
    assert f"     {SHOWN - 1} {SHOWN - 1}: 1 train, 1 test\n    … and 2 more (--json lists all)" in done.output
