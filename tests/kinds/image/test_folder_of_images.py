"""A user's folder of images: every bad file is named with its reason, and the counts add up."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from genfoundry.data.decoding import decode, examine
from genfoundry.data.quarantine import IntakeTally, RefusedError
from genfoundry.dataset import folder_digest, read_card
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.kinds.image import images
from genfoundry.kinds.image import storage as image_kind
from genfoundry.kinds.image.splitting import SplitRequest
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add

RANDOM = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _same_pictures_whatever_ran_before() -> None:
    RANDOM.bit_generator.state = np.random.default_rng(7).bit_generator.state


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path / "project"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten good colour images of 20×20 to 29×24."""
    home = tmp_path / "photos"
    home.mkdir()
    for number in range(10):
        (home / f"{number}.png").write_bytes(encoded(picture(20 + number, 20 + number % 5)))
    return home


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 256, (height, width, 3)).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png(width: int, height: int, extra: bytes = b"") -> bytes:
    """A PNG whose header says `width` × `height` grey, with one byte of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def take(folder: Path, **options) -> Intake:
    settings = {"licence": "CC0", "consent": "drawn by a test", "max_bad_fraction": 1.0, "test_fraction": 0.4} | options
    return add(folder, "mine", **settings)


def reason_for(project: Path, folder: Path, name: str, content: bytes) -> tuple[str, str]:
    (folder / name).write_bytes(content)
    taken = take(folder)
    assert taken.counts == {"found": 11, "used": 10, "quarantined": 1, "skipped": 0}
    (item,) = taken.quarantined
    assert item.path == name
    assert item.sha256 == (file_digest(folder / name) if content else "")
    assert (folder / name).read_bytes() == content
    return item.reason, item.sentence


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


BIG = encoded(picture(64, 64))
JPEG = encoded(picture(64, 64), "JPEG")
WEBP = encoded(picture(64, 64), "WEBP")
TWO_FRAMES = {"save_all": True, "append_images": [picture(32, 32)]}
BAD = {
    "nothing.png": (b"", "EMPTY", "0 bytes"),
    "page.jpg": (b"<html><script>alert(1)</script>", "NOT_IMAGE", "b'<html><script>al'"),
    "moving.gif": (encoded(picture(32, 32), "GIF"), "NOT_IMAGE", "a GIF"),
    "drawing.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "NOT_IMAGE", "no image"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "TRUNCATED", f"after {len(JPEG) // 2} bytes"),
    "half.png": (BIG[: len(BIG) // 2], "TRUNCATED", "ends too early"),
    "half.webp": (WEBP[: len(WEBP) // 2], "TRUNCATED", "ends too early"),
    "flipped.png": (flipped(BIG), "CORRUPT", "does not decode"),
    "stub.png": (BIG[:14], "CORRUPT", "begins like a PNG"),
    "bomb.png": (encoded(Image.new("L", (12000, 12000))), "TOO_LARGE", "12000×12000"),
    "header.png": (png(30000, 30000), "TOO_LARGE", "900000000 pixels"),
    "text.png": (png(32, 32, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50 << 20)))), "CORRUPT", "too large"),
    "dot.png": (encoded(picture(1, 1)), "TOO_SMALL", "1×1"),
    "ribbon.png": (encoded(picture(20000, 20)), "ASPECT", "20000×20"),
    "moving.png": (encoded(picture(32, 32), "PNG", **TWO_FRAMES), "ANIMATED", "2 frames"),
    "moving.webp": (encoded(picture(32, 32), "WEBP", **TWO_FRAMES), "ANIMATED", "2 frames"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_set_apart_with_its_reason(project: Path, folder: Path, name: str) -> None:
    content, reason, words = BAD[name]
    found, sentence = reason_for(project, folder, name, content)
    assert found == reason
    assert words in sentence


def test_links_pipes_and_junk_are_neither_followed_nor_opened(project: Path, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(BIG)
    (folder / "link.png").symlink_to(secret)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    (folder / ".hidden.png").write_bytes(BIG)
    (folder / "Thumbs.db").write_bytes(b"junk")
    (folder / "README.md").write_text("about")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.png").write_bytes(BIG)
    taken = take(folder)
    assert {(item.path, item.reason) for item in taken.quarantined} == {
        ("link.png", "SYMLINK"), ("loop.png", "SYMLINK"), ("pipe.png", "SPECIAL"),
    }  # fmt: skip
    assert {(item.path, item.reason) for item in taken.skipped} == {
        (".hidden.png", "HIDDEN"), (".cache/x.png", "HIDDEN"), ("Thumbs.db", "SYSTEM"), ("README.md", "SIDE_FILE"),
    }  # fmt: skip
    assert taken.counts == {"found": 17, "used": 10, "quarantined": 3, "skipped": 4}


def test_a_file_that_changes_or_goes_while_it_is_read_is_set_apart(project: Path, folder: Path) -> None:
    def meddle(done: int, total: int) -> None:
        if done == 10:
            (folder / "3.png").unlink()
            (folder / "4.png").write_bytes(BIG)

    taken = take(folder, progress=meddle)
    assert [(item.path, item.reason) for item in taken.quarantined] == [
        ("3.png", "UNREADABLE"),
        ("4.png", "UNREADABLE"),
    ]
    assert taken.counts["used"] == 8


def test_too_much_that_is_bad_stops_the_run_and_keeps_the_list(project: Path, folder: Path) -> None:
    (folder / "nothing.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"1 of 11 files are bad \(1 EMPTY\):\n  nothing.png: EMPTY, 0 bytes"):
        take(folder, max_bad_fraction=0.01)
    assert not (data_dir() / "mine").exists()
    report = json.loads((project / ".genfoundry/quarantine/mine/quarantine.json").read_text())
    assert [item["path"] for item in report["quarantined"]] == ["nothing.png"]
    assert sum(report["counts"][key] for key in ("used", "quarantined", "skipped")) == report["counts"]["found"]


def test_hostile_names_are_kept_as_text(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "classes"
    names = ["<script>alert(1)", "--name\n=1+1", "…é", os.fsdecode(b"caf\xe9")]
    for name in names:
        (home / name).mkdir(parents=True)
        for number in range(8):
            (home / name / f"{number}.png").write_bytes(encoded(picture(16, 16)))
    taken = take(home)
    card = read_card(data_dir() / "mine")
    assert set(card.class_names) == {"<script>alert(1)", r"--name\n=1+1", "…é", r"caf\xe9"}
    assert taken.counts["used"] == 32
    assert {path.name for path in (data_dir() / "mine").iterdir()} == {
        "card.json", "manifest.csv", "train-images.npy", "train-labels.npy", "test-images.npy", "test-labels.npy",
    }  # fmt: skip


def test_classes_are_numbered_as_people_sort_and_counted(project: Path, tmp_path: Path) -> None:
    for name, count in (("11", 20), ("2", 10), ("b", 10), ("A", 10)):
        (tmp_path / "all" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "all" / name / f"{number}.webp").write_bytes(encoded(picture(28, 28), "WEBP", lossless=True))
    taken = take(tmp_path / "all")
    train, test = (image_kind.read(data_dir() / "mine", split).labels.tolist() for split in image_kind.SPLITS)
    assert taken.class_names == ("2", "11", "A", "b")
    assert [sum(taken.classes[name].values()) for name in taken.class_names] == [10, 20, 10, 10]
    assert taken.classes["11"] == {"train": train.count(1), "test": test.count(1)}


@pytest.mark.parametrize("what", ["empty class", "nested", "beside", "nothing", "one image"])
def test_a_folder_of_no_known_form_is_explained(project: Path, folder: Path, tmp_path: Path, what: str) -> None:
    classes = tmp_path / "classes"
    (classes / "cat").mkdir(parents=True)
    (classes / "cat" / "1.png").write_bytes(BIG)
    if what == "empty class":
        (classes / "dog").mkdir()
        (classes / "dog" / ".keep").write_text("")
        message = "Class folder 'dog' of .* holds no image"
    elif what == "nested":
        (classes / "train" / "dog").mkdir(parents=True)
        (classes / "train" / "dog" / "1.png").write_bytes(BIG)
        message = "holds 'train' beside 'cat': are the first given splits(.|\n)*as classes: move the images out"
    elif what == "beside":
        (classes / "loose.png").write_bytes(BIG)
        message = "1 files beside 1 folders: 'loose.png' beside 'cat'"
    elif what == "nothing":
        classes = tmp_path / "void"
        classes.mkdir()
        message = "no file that could be an image"
    else:
        message = (
            "Class folder 'cat' gives 1 usable, distinct images: [01] to train on(.|\n)*give more images of it: 10"
        )
    with pytest.raises(UserError, match=message):
        take(classes)


def test_a_class_of_which_nothing_can_be_used_stops_the_intake(project: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "two" / name).mkdir(parents=True)
        for number in range(20):
            content = encoded(picture(16, 16)) if name == "a" else b"no image"
            (tmp_path / "two" / name / f"{number}.png").write_bytes(content)
    with pytest.raises(UserError, match="Class folder 'b' gives 0 usable, distinct images"):
        take(tmp_path / "two")
    assert not (data_dir() / "mine").exists()


def test_duplicates_are_dropped_so_that_none_leaks_into_the_test(project: Path, folder: Path) -> None:
    for number in range(5):
        (folder / f"copy{number}.png").write_bytes((folder / "1.png").read_bytes())
    same_pixels = Image.open(folder / "2.png")
    (folder / "again.webp").write_bytes(encoded(same_pixels, "WEBP", lossless=True))
    taken = take(folder)
    assert taken.counts == {"found": 16, "used": 10, "quarantined": 0, "skipped": 6}
    assert {item.reason for item in taken.skipped} == {"DUPLICATE"}
    pixels = [image_kind.read(data_dir() / "mine", split).images for split in image_kind.SPLITS]
    assert len({row.tobytes() for split in pixels for row in split}) == 10


def test_one_image_in_two_classes_is_in_neither(project: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "two" / name).mkdir(parents=True)
        for number in range(8):
            (tmp_path / "two" / name / f"{number}.png").write_bytes(encoded(picture(16, 16)))
        (tmp_path / "two" / name / "both.png").write_bytes(BIG)
    taken = take(tmp_path / "two")
    assert {(item.path, item.reason) for item in taken.quarantined} == {
        ("a/both.png", "CONFLICT"), ("b/both.png", "CONFLICT"),
    }  # fmt: skip
    assert "b/both.png" in taken.quarantined[0].sentence


def test_the_default_size_is_near_the_images_own_and_said(project: Path, folder: Path) -> None:
    taken = take(folder)  # short sides 20 to 24, median 22, rounded half up
    assert taken.version.spec.shape == (3, 24, 24)  # pyright: ignore[reportAttributeAccessIssue]
    assert "resized to 24×24 (Lanczos): 9 of 10" in taken.policy["resize"] or "10 of 10" in taken.policy["resize"]
    assert read_card(data_dir() / "mine").policy == taken.policy


@pytest.mark.parametrize(("size", "near"), [(30, 28), (0, 8), (1000, 256)])
def test_a_size_that_no_network_takes_is_refused(project: Path, folder: Path, size: int, near: int) -> None:
    with pytest.raises(UserError, match=f"--size {size} is no size(.|\n)*--size {near}$"):
        take(folder, size=size)


def test_modes_follow_the_stated_policy(project: Path) -> None:
    """Closed form: one flat colour of each mode."""
    grey16 = Image.fromarray(np.full((16, 16), 25700, np.uint16))
    half_red = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    cases = [
        (encoded(grey16), 1, [100]),  # 25700 / 257
        (encoded(half_red), 3, [255, 255, 255]),  # wholly transparent: the white below
        (encoded(Image.new("LA", (16, 16), (0, 255))), 1, [0]),
        (encoded(Image.new("1", (16, 16), 1)), 1, [255]),
        (encoded(Image.new("RGB", (16, 16), (9, 8, 7)).quantize(2)), 3, [9, 8, 7]),
        (encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG"), 3, [255, 255, 255]),
        (encoded(Image.new("L", (16, 16), 50)), 3, [50, 50, 50]),
    ]
    for content, channels, colour in cases:
        pixels = decode(content, channels, 16)
        assert pixels.shape == (channels, 16, 16)
        assert pixels.reshape(channels, -1).T.tolist() == [colour] * 256


def test_a_photo_is_turned_upright(project: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    halves = Image.new("L", (16, 16))
    halves.paste(255, (0, 0, 8, 16))  # the left half is white
    pixels = decode(encoded(halves, "PNG", exif=exif), 1, 16)[0]
    assert pixels[:8].mean() == 255  # the upper half is
    assert pixels[8:].mean() == 0


def test_grey_stays_grey_and_one_colour_image_makes_all_rgb(project: Path, folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(encoded(picture(16, 16, "L")))
    assert take(folder).version.spec.channels == 1  # pyright: ignore[reportAttributeAccessIssue]
    (folder / "colour.png").write_bytes(encoded(picture(16, 16)))
    taken = take(folder, force=True)
    assert taken.version.spec.channels == 3  # pyright: ignore[reportAttributeAccessIssue]
    assert "found: 10 L, 1 RGB" in taken.policy["modes"]


def test_half_an_image_never_passes_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(RuntimeError, match="LOAD_TRUNCATED_IMAGES"):
        decode(BIG, 3, 16)


def test_the_suffix_is_not_believed(project: Path, folder: Path) -> None:
    (folder / "really_a_jpeg.png").write_bytes(JPEG)
    assert take(folder).counts["used"] == 11
    with pytest.raises(RefusedError, match="a PDF"):
        examine(b"%PDF-1.7 and so on, long enough")


def test_intake_is_deterministic_and_the_split_follows_the_pixels(project: Path, folder: Path, tmp_path: Path) -> None:
    first = take(folder)
    for path in list(folder.iterdir()):
        os.utime(path, (1, 1))
    assert take(folder, force=True).version == first.version
    chosen = {example.source: example.split for example in take_examples(folder)}
    (folder / "0.png").rename(folder / "renamed.png")
    again = {example.source: example.split for example in take_examples(folder)}
    assert again.pop("renamed.png") == chosen.pop("0.png")
    assert again == chosen


def take_examples(folder: Path):
    asked = SplitRequest(test_fraction=0.4)
    return images.take_images(folder, IntakeTally("mine", 0.0), 24, asked, lambda done, total: None).examples


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 1.0}, "--test-fraction 1.0"),
        ({"max_bad_fraction": 2.0}, "--max-bad-fraction 2.0"),
        ({"licence": " "}, "--licence is empty"),
        ({"consent": ""}, "--consent is empty"),
    ],
)
def test_a_wrong_request_is_refused(project: Path, folder: Path, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        take(folder, **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil", "--name evil"),
        ("-dash", "--name dash"),
        ("a/b", "--name a-b"),
        ("", "can't name"),
        ("x\n", "can't name"),
        ("digits", "a dataset of the catalogue"),
    ],
)
def test_a_name_that_is_no_name_is_refused(project: Path, folder: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        add(folder, name, licence="CC0", consent="drawn by a test")


def test_what_dvc_does_not_keep_is_not_replaced_unasked(project: Path, folder: Path) -> None:
    taken = take(folder)
    assert "not under DVC" in taken.kept
    assert take(folder).version == taken.version
    (folder / "1.png").unlink()
    with pytest.raises(UserError, match="There is another dataset 'mine' already"):
        take(folder)
    assert folder_digest(data_dir() / "mine") == taken.version.digest
    assert take(folder, force=True).version.digest != taken.version.digest


def test_progress_runs_to_its_end(project: Path, folder: Path) -> None:
    calls: list[tuple[int, int]] = []
    take(folder, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 20) for done in range(1, 21)]
