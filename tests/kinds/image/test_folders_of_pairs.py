"""Two folders of images that make pairs: what has no partner or another ratio is named, and nothing is resized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from genfoundry_flows.commands.data import data
from PIL import Image
from support.contracts import train

from genfoundry import kind
from genfoundry.data.policy import Validation
from genfoundry.dataset import read_card, seal
from genfoundry.errors import UserError
from genfoundry.kinds.image import storage as image_kind
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add
from genfoundry.stages.validate import InvalidData, validate_dataset
from genfoundry.training.loader import build_model

pytestmark = pytest.mark.usefixtures("project")
RANDOM = np.random.default_rng(11)
PAIRS = 10


@pytest.fixture(autouse=True)
def _same_pictures_whatever_ran_before() -> None:
    RANDOM.bit_generator.state = np.random.default_rng(11).bit_generator.state


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """`hr` and `lr`: ten colour images of 24×16, and each one's every second pixel."""
    for number in range(PAIRS):
        put(tmp_path, str(number))
    return tmp_path


def put(home: Path, name: str, size: tuple[int, int] = (24, 16), ratio: int = 2) -> np.ndarray:
    pixels = RANDOM.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    save(home / "hr" / f"{name}.png", pixels)
    save(home / "lr" / f"{name}.webp", pixels[::ratio, ::ratio])
    return pixels


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))


def take(home: Path, **options) -> Intake:
    settings = {"licence": "CC0", "consent": "drawn by a test", "max_bad_fraction": 1.0, "test_fraction": 0.4}
    settings["paired"] = home / "lr"
    return add(home / "hr", "pairs", **settings | options)


def refused(home: Path, **options) -> str:
    """What a folder is refused with; nothing of it is kept, and every file is accounted for."""
    with pytest.raises(UserError) as caught:
        take(home, **options)
    assert not (data_dir() / "pairs").exists()
    return str(caught.value)


def put_aside(taken: Intake) -> dict[str, str]:
    return {item.path: item.reason for item in taken.quarantined}


def test_pairs_are_taken_as_they_are_and_stay_together(home: Path) -> None:
    taken = take(home)
    assert taken.version.spec == ImageSpec(channels=3, height=16, width=24, source=(3, 8, 12))
    assert taken.counts == {"found": 20, "used": 20, "quarantined": 0, "skipped": 0}
    assert taken.policy["pairs"] == "paired by name: 24×16 from 12×8, a ratio of 2"
    card = read_card(data_dir() / "pairs")
    assert (sum(card.counts.values()), card.source) == (10, "user's folder hr, paired with lr")
    for split in image_kind.SPLITS:
        images, _, sources = image_kind.read(data_dir() / "pairs", split)
        np.testing.assert_array_equal(images[:, :, ::2, ::2], sources)
    assert take(home).version == taken.version


def test_the_split_is_that_of_the_targets_alone(home: Path) -> None:
    take(home)
    chosen = image_kind.read(data_dir() / "pairs", "test").images
    for number in range(PAIRS):
        save(home / "lr" / f"{number}.webp", RANDOM.integers(0, 256, (8, 12, 3)).astype(np.uint8))
    take(home, force=True)
    np.testing.assert_array_equal(image_kind.read(data_dir() / "pairs", "test").images, chosen)


def test_classes_are_those_of_the_targets(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(8):
            put(tmp_path, f"{name}/{number}")
    taken = take(tmp_path)
    assert taken.class_names == ("cat", "dog")
    assert taken.counts["used"] == 32


def test_a_missing_partner_is_named_in_both_directions(home: Path) -> None:
    (home / "lr" / "3.webp").unlink()
    for number in range(7):
        save(home / "lr" / f"x{number}.png", np.zeros((8, 12, 3), np.uint8))
    found = refused(home)
    assert "Images have no partner: 1 of hr ('hr/3.png') and 7 of lr ('lr/x0.png', " in found
    assert "'lr/x4.png', …)" in found


def test_no_pairs_at_all_is_said(home: Path) -> None:
    for path in (home / "lr").iterdir():
        path.rename(path.with_stem(f"small-{path.stem}"))
    assert "No image of hr has the name of one of lr: 'hr/0.png', 'hr/1.png'" in refused(home)
    for path in (home / "lr").iterdir():
        path.unlink()
    assert "lr holds no file that could be an image" in refused(home)


def test_pairs_none_of_which_is_good_are_told_by_their_reasons(home: Path) -> None:
    for path in (home / "lr").iterdir():
        path.write_bytes(b"")
    assert "None of 10 pairs can be used: 10 EMPTY, 10 PARTNER." in refused(home)


@pytest.mark.parametrize("other", ["hr", "hr/../hr", "."])
def test_a_folder_is_not_paired_with_itself(home: Path, other: str) -> None:
    found = refused(home, paired=home / other)
    assert ("one lies in the other" if other == "." else "is paired with itself") in found


def test_what_is_no_pair_of_folders_is_refused(home: Path) -> None:
    assert "There is nothing at" in refused(home, paired=home / "nowhere")
    assert "0.webp is no folder" in refused(home, paired=home / "lr" / "0.webp")
    assert "--size 24 with --paired: pairs are taken as they are" in refused(home, size=24)
    with pytest.raises(UserError, match="is no folder"):
        add(home / "hr" / "0.png", "pairs", paired=home / "lr", licence="CC0", consent="drawn by a test")


def test_one_name_twice_is_refused(home: Path) -> None:
    save(home / "lr" / "4.png", np.zeros((8, 12, 3), np.uint8))
    assert "'lr/4.png' and 'lr/4.webp' differ in their suffix only" in refused(home)


def test_other_sizes_and_ratios_than_most_pairs_have_are_put_aside(home: Path) -> None:
    put(home, "large", (32, 32))
    put(home, "same", ratio=1)
    taken = take(home)
    assert put_aside(taken) == {
        "hr/large.png": "SIZE", "lr/large.webp": "SIZE", "hr/same.png": "RATIO", "lr/same.webp": "RATIO",
    }  # fmt: skip
    assert taken.quarantined[0].sentence == "a pair of 32×32 from 16×16, most are 24×16 from 12×8"
    assert taken.counts == {"found": 24, "used": 20, "quarantined": 4, "skipped": 0}
    assert all(len(item.sha256) == 64 for item in taken.quarantined)


def test_too_many_of_another_size_stop_the_run(home: Path) -> None:
    put(home, "large", (32, 32))
    assert "2 of 22 files are bad (2 SIZE)" in refused(home, max_bad_fraction=0.05)


def test_a_ratio_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, str(number))
        save(tmp_path / "lr" / f"{number}.webp", RANDOM.integers(0, 256, (8, 10, 3)).astype(np.uint8))
    assert "Most pairs (3 of 3) are 24×16 from 10×8, whose ratio is no whole number." in refused(tmp_path)


def test_folders_the_wrong_way_round_are_told(home: Path) -> None:
    with pytest.raises(UserError, match=r"12×8 from 24×16, whose ratio(.|\n)*the folder of the larger images first"):
        add(home / "lr", "pairs", paired=home / "hr", licence="CC0", consent="drawn by a test")


def test_targets_that_no_network_takes_are_refused_with_the_size_to_cut_to(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, str(number), (30, 18), 3)
    found = refused(tmp_path)
    assert "Most pairs (3 of 3) are 30×18 from 10×6, and the networks can't take such targets." in found
    assert "cut the pairs to 24×12 from 8×4" in found


def test_images_that_are_too_large_are_put_aside(home: Path) -> None:
    put(home, "wide", (260, 100))
    taken = take(home)
    assert put_aside(taken) == {"hr/wide.png": "TOO_LARGE", "lr/wide.webp": "PARTNER"}
    assert "260×100; pairs are taken as they are, so cut both into tiles" in taken.quarantined[0].sentence


@pytest.mark.parametrize("side", ["hr/5.png", "lr/5.webp"])
@pytest.mark.parametrize("damage", ["empty", "half", "link"])
def test_a_bad_partner_takes_the_other_along(home: Path, side: str, damage: str) -> None:
    path, content = home / side, (home / side).read_bytes()
    other = ({"hr/5.png", "lr/5.webp"} - {side}).pop()
    if damage == "link":
        path.rename(home / "elsewhere")
        path.symlink_to(home / "elsewhere")
    else:
        path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    taken = take(home)
    reason = {"empty": "EMPTY", "half": "TRUNCATED", "link": "SYMLINK"}[damage]
    assert put_aside(taken) == {side: reason, other: "PARTNER"}
    assert taken.counts == {"found": 20, "used": 18, "quarantined": 2, "skipped": 0}


def test_a_target_that_comes_twice_takes_its_source_along(home: Path) -> None:
    save(home / "hr" / "again.png", np.asarray(Image.open(home / "hr" / "1.png")))
    save(home / "lr" / "again.png", RANDOM.integers(0, 256, (8, 12, 3)).astype(np.uint8))
    taken = take(home)
    assert {item.path: item.reason for item in taken.skipped} == {
        "hr/again.png": "DUPLICATE", "lr/again.png": "DUPLICATE",
    }  # fmt: skip
    assert taken.counts == {"found": 22, "used": 20, "quarantined": 0, "skipped": 2}


def test_one_target_in_two_classes_is_in_neither_nor_are_its_sources(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(8):
            put(tmp_path, f"{name}/{number}")
    pixels = put(tmp_path, "cat/both")
    for folder, part in (("hr", pixels), ("lr", pixels[::2, ::2])):
        save(tmp_path / folder / "dog" / "both.png", part)
    assert put_aside(take(tmp_path)) == {
        "hr/cat/both.png": "CONFLICT", "hr/dog/both.png": "CONFLICT",
        "lr/cat/both.webp": "PARTNER", "lr/dog/both.png": "PARTNER",
    }  # fmt: skip


def test_grey_sources_of_colour_targets_stay_grey(tmp_path: Path) -> None:
    for number in range(8):
        pixels = put(tmp_path, str(number))
        (tmp_path / "lr" / f"{number}.webp").unlink()
        save(tmp_path / "lr" / f"{number}.png", pixels[:, :, 0])
    spec = take(tmp_path).version.spec
    assert spec == ImageSpec(channels=3, height=16, width=24, source=(1, 16, 24))


def test_progress_runs_to_its_end(home: Path) -> None:
    calls: list[tuple[int, int]] = []
    take(home, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 40) for done in range(1, 41)]


def test_pairs_are_validated_and_sources_that_are_not_the_listed_ones_refused(home: Path) -> None:
    version = take(home).version
    policy = Validation(min_rows=2)
    passed = {check.name for check in validate_dataset(version, policy).checks if check.passed}
    assert passed >= {"pairs: number of sources", "pairs: pixels", "pairs: shape"}
    folder = data_dir() / "pairs"
    swapped = np.load(folder / "test-sources.npy")[::-1, :, :, :8]
    rows = len(swapped)
    np.save(folder / "test-sources.npy", np.concatenate([swapped, swapped[:1]]))
    with pytest.raises(InvalidData) as caught:
        validate_dataset(seal(folder, read_card(folder)), policy)
    wrong = {check.name: check.sentence for check in caught.value.judged.checks if not check.passed}
    assert f"test: {rows + 1} sources, {rows} images listed" in wrong["pairs: number of sources"]
    assert f"test: {rows} sources have another sha256" in wrong["pairs: pixels"]
    assert "test is uint8 3×8×8" in wrong["pairs: shape"]


def test_srgan_learns_from_what_was_taken(home: Path) -> None:
    version = take(home).version
    model = build_model("srgan", version.spec, {"scale": 2, "width": 8, "blocks": 1, "pixel_steps": 1})
    split = kind.of(version).rows.open_split(data_dir() / "pairs", "train", version.spec)
    batch = split.batch(torch.arange(len(split)))
    assert isinstance(batch, ImageBatch)
    before = model.sample(batch)
    assert train(model, batch)
    made = model.sample(batch)
    assert made.shape == batch.images.shape
    assert not torch.equal(made, before)
    assert not torch.equal(made, model.sample(ImageBatch(batch.images, batch.labels))), "the sources were not used"


def test_the_command_takes_pairs_and_names_the_recipe(home: Path) -> None:
    done = CliRunner().invoke(data, ["add", str(home / "hr"), "--paired", str(home / "lr"), "--name", "pairs"])
    assert done.exit_code == 0, done.output
    assert "pairs: paired by name: 24×16 from 12×8, a ratio of 2" in done.output
    assert "Next: genfoundry run srgan --set model.scale=2 --data pairs" in done.output
