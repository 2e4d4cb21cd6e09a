"""Data of a right form whose content can't be true, or is lost on the way: warned of, or refused where a split is dead.

Each fault lies in a series or set of its own; Great Expectations runs once for all of those that only warn.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from genfoundry_flows.commands.data import data
from PIL import Image, ImageCms

from genfoundry.data.building import write_sealed
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card, read_card
from genfoundry.kinds.image import storage as images
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.project.root import data_dir
from genfoundry.records import Check, DatasetVersion, ValidatedDataset
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.ingest import add
from genfoundry.stages.validate import InvalidData, validate_dataset

LENIENT = Validation(max_bad_fraction=0.9, min_rows=1)
RANDOM = np.random.default_rng(5)
HOURS = 1440
STEPS = np.arange(HOURS)
DAILY = np.sin(2 * np.pi * STEPS / 24)
SPEC = SeriesSpec(freq="h", season=24, context=48, horizon=24)
CARD = Card(
    name="faults", kind="series", title="One fault a series", licence="CC0-1.0", source="a test", consent="none",
    spec=SPEC, splits={"val": "2024-02-12T00:00:00", "test": "2024-02-18T00:00:00"},
)  # fmt: skip


def temperature() -> np.ndarray:
    return (15 + 5 * DAILY + RANDOM.normal(0, 0.5, HOURS)).round(2)


def changed(where: slice | np.ndarray, value: float) -> np.ndarray:
    values = temperature()
    values[where] = value
    return values


FAULTS = {
    "gone": changed(np.arange(29) * 45 + 7, -9999.0),
    "once": changed(np.array([100]), 999.9),
    "stuck": changed(slice(500, 980), 17.25),
    "zero": changed(slice(0, 480), 0.0),
    "meter": (1e9 + 10 * DAILY).round(3),
    "rising": (1e9 + np.cumsum(1 + 0.5 * DAILY)).round(3),
}
SOUND = {
    "temperature": temperature(),
    "counts": RANDOM.poisson(0.2, HOURS).astype(float),
    "holiday": (STEPS // 24 % 17 == 0).astype(float),
    "night": np.maximum(DAILY + RANDOM.normal(0, 0.01, HOURS), 0).round(3),
    "price": np.repeat(RANDOM.normal(100, 9, 10).round(2), 144),
    "rain": np.where(RANDOM.random(HOURS // 12).repeat(12) < 0.1, RANDOM.gamma(1, 3, HOURS).round(1), 0.0),
    "weekdays": np.where(STEPS // 24 % 7 < 5, RANDOM.poisson(60, HOURS), 0).astype(float),
}


def frame(name: str, values: np.ndarray, begin: int = 0) -> pd.DataFrame:
    stamps = pd.date_range("2024-01-01", periods=HOURS, freq="h")[begin : begin + len(values)]
    return pd.DataFrame({"unique_id": name, "ds": stamps, "y": values})


def save(parts: list[pd.DataFrame], **more: object) -> DatasetVersion:
    card = CARD.model_copy(update=more)
    folder = data_dir() / card.name
    return write_sealed(folder, card.model_copy(update={"spec": SPEC}), parts)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> ValidatedDataset:
    """All faults that only warn, and what looks like one and is none, in one set."""
    parts = [frame(name, values) for name, values in {**FAULTS, **SOUND}.items()]
    parts += [frame("early", temperature()[:800]), frame("late", temperature()[-300:], HOURS - 300)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(tmp_path_factory.mktemp("faults")))
        return validate_dataset(save(parts), LENIENT)


def found(judged: ValidatedDataset, name: str) -> Check:
    return next(check for check in judged.checks if check.name == name)


def refused(version: DatasetVersion, policy: Validation = LENIENT) -> list[str]:
    with pytest.raises(InvalidData) as caught:
        validate_dataset(version, policy)
    return [check.sentence for check in caught.value.judged.checks if not check.passed and check.severity == "critical"]


def test_a_code_for_missing_values_is_named_with_count_share_place_and_remedy(judged):
    check = found(judged, "extreme values")
    assert (check.passed, check.severity) == (False, "warning")
    assert (
        "'y' of 'gone' is -9999 in 29 of 1,440 values (2.01%), first at 2024-01-01 07:00, and else " in check.sentence
    )
    assert "'y' of 'once' is 999.9 in 1 of 1,440 values" in check.sentence
    assert "genfoundry data add PATH --name faults --na=-9999 --na=999.9 --force" in check.sentence
    assert check.sentence.startswith("2 of 15 ")


def test_the_remedy_for_a_code_works_as_it_is_written(tmp_path):
    path = tmp_path / "meter.csv"
    frame("a", FAULTS["gone"]).to_csv(path, index=False)
    version = add(path, "mine", licence="CC0", consent="none").version
    sentence = found(validate_dataset(version, LENIENT), "extreme values").sentence
    command = shlex.split(sentence.partition("genfoundry data ")[2].replace("PATH", str(path)))
    assert CliRunner().invoke(data, command).exit_code == 0
    mended = validate_dataset(fetch_dataset("mine"), Validation())
    assert found(mended, "extreme values").passed
    assert "29 of 1,440 values of 'y' are missing" in " ".join(check.sentence for check in mended.warnings)


def test_a_stuck_recorder_is_named_with_value_length_share_and_place(judged):
    check = found(judged, "stuck values")
    assert (check.passed, check.severity) == (False, "warning")
    assert "'y' of 'stuck' is 17.25 for 480 values (33.3%) from 2024-01-21 20:00" in check.sentence
    assert "'y' of 'zero' is 0 for 480 values (33.3%) from 2024-01-01 00:00" in check.sentence
    assert check.sentence.startswith("2 of 15 ")


def test_a_channel_that_float32_flattens_is_named_with_its_numbers(judged):
    flat, fewer = found(judged, "float32: values vary"), found(judged, "float32: distinct values")
    assert (flat.passed, fewer.passed) == (False, False)
    assert "'y' of 'meter' has 13 distinct values near 1e+09, and 1 in float32" in flat.sentence
    assert "'y' of 'rising' has 1,440 distinct values near 1e+09, and 23 in float32" in fewer.sentence
    assert flat.sentence.startswith("1 of 15 ")
    assert fewer.sentence.startswith("2 of 15 ")


def test_series_that_a_split_does_not_use_are_named(judged):
    check = found(judged, "splits: every series is used")
    assert (check.passed, check.severity) == (False, "warning")
    assert "train lacks 1 of 15, 'late', val lacks 2 of 15, 'early', 'late', test lacks 1 of 15, 'early'." in (
        check.sentence
    )


def test_what_only_looks_like_a_fault_is_not_warned_of(judged):
    told = " ".join(check.sentence for check in judged.warnings)
    assert [name for name in SOUND if f"'{name}'" in told] == []


def test_a_channel_that_is_constant_in_float32_is_refused():
    sentences = refused(save([frame("meter", FAULTS["meter"])]), Validation())
    assert sentences == [
        "1 of 1 are constant in float32, in which models are trained: "
        "'y' of 'meter' has 13 distinct values near 1e+09, and 1 in float32."
    ]


def test_a_split_that_is_constant_in_every_series_is_refused_by_name():
    stuck = changed(slice(960, None), 13.5)
    sentences = refused(save([frame("a", stuck), frame("b", changed(slice(1150, None), 2.0))]))
    assert sentences == [
        "1 of 3 splits are dead, y is constant in every series of them: test (576 values, always 13.5, as in 'a')."
    ]


def test_one_series_that_varies_keeps_a_split_alive():
    parts = [frame("a", changed(slice(960, None), 13.5)), frame("b", temperature())]
    assert found(validate_dataset(save(parts), LENIENT), "splits: y varies").passed


def test_numbers_that_float64_rounds_are_taken_with_their_names_and_warned_of(tmp_path):
    whole = [2**53 + 1 + 10**10 * (step % 24) for step in STEPS]  # apart enough for float32
    path = tmp_path / "meter.csv"
    frame("a", np.array(whole, dtype=object)).to_csv(path, index=False)
    version = add(path, "faults", licence="CC0", consent="none").version
    check = found(validate_dataset(version, LENIENT), "conversion: numbers are kept")
    assert (check.passed, check.severity) == (False, "warning")
    assert "'y': 1,440 whole numbers beyond 2^53 were rounded" in check.sentence
    assert "(row 2: 9007199254740993 became 9007199254740992)" in check.sentence


def save_pictures(folder: Path, count: int, make) -> Path:
    folder.mkdir()
    for number in range(count):
        picture, options = make(number)
        picture.save(folder / f"{number:03}.png", **options)
    return folder


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (16, 16, 3)).astype(np.uint8)


def take(folder: Path, **options) -> ValidatedDataset:
    version = add(folder, "pictures", licence="CC0", consent="none", **options).version
    return validate_dataset(version, LENIENT)


def wide_profile() -> bytes:
    """sRGB's profile with the primaries of red and green exchanged: a stand-in for a profile of other colours."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def test_twelve_bits_in_files_of_sixteen_are_warned_of_with_the_factor(tmp_path):
    def twelve(number: int):
        return Image.fromarray(np.random.default_rng(number).integers(0, 4096, (16, 16)).astype(np.uint16)), {}

    check = found(take(save_pictures(tmp_path / "in", 30, twelve)), "pixels: range")
    assert (check.passed, check.severity) == (False, "warning")
    assert "train 0 to 16, test 0 to 16" in check.sentence
    assert "30 of 30 pictures have 16 bits, and of their 65,535 the highest value is 4,09" in check.sentence
    assert "Multiply the files' values by 16, and add them again." in check.sentence


def test_pictures_that_fall_together_and_foreign_profiles_are_warned_of_with_their_counts(tmp_path):
    sound, foreign = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), wide_profile()

    def mixed(number: int):
        if number < 20:  # white discs on transparency: one white picture
            pixels = np.full((16, 16, 4), 255, np.uint8)
            pixels[: number % 15 + 1, :, 3] = 0
            return Image.fromarray(pixels), {}
        profile = {21: sound, 22: foreign, 23: foreign}.get(number)
        return Image.fromarray(noise(number)), {"icc_profile": profile} if profile else {}

    judged = take(save_pictures(tmp_path / "in", 60, mixed))
    apart, profiles = found(judged, "conversion: pictures stay apart"), found(judged, "conversion: colour profiles")
    assert (apart.passed, apart.severity, profiles.passed, profiles.severity) == (False, "warning", False, "warning")
    assert "55 distinct pictures became 41 (20 of 60 pictures have transparency, laid on white)" in apart.sentence
    assert profiles.sentence.startswith("2 of 60 pictures have another colour profile than sRGB, dropped and not conv")
    assert "2 sRGB" in profiles.sentence
    assert read_card(data_dir() / "pictures").policy["lost"].startswith("55 distinct pictures became 41; 20 of 60")


def test_transparency_that_loses_nothing_is_said_and_not_warned_of(tmp_path):
    def icon(number: int):
        pixels = np.zeros((16, 16, 4), np.uint8)
        pixels[..., 3] = noise(number)[..., 0]
        return Image.fromarray(pixels), {}

    check = found(take(save_pictures(tmp_path / "in", 20, icon)), "conversion: pictures stay apart")
    assert check.passed
    assert "20 of 20 pictures have transparency, laid on white" in check.sentence


def test_pictures_that_lose_nothing_have_the_card_they_always_had(tmp_path):
    judged = take(save_pictures(tmp_path / "in", 20, lambda number: (Image.fromarray(noise(number)), {})))
    written = (data_dir() / "pictures" / "card.json").read_text()
    assert '"content"' not in written
    assert not [check.name for check in judged.checks if check.name.startswith("conversion")]


def test_a_split_of_one_picture_again_and_again_is_refused():
    same = noise(1).transpose(2, 0, 1)
    examples = [images.ImageExample("train", same, -1, str(number)) for number in range(4)]
    examples += [images.ImageExample("test", noise(number).transpose(2, 0, 1), -1, str(number)) for number in (5, 6)]
    card = Card(name="same", kind="image", title="", licence="CC0", source="a test", consent="none")
    version = write_sealed(data_dir() / "same", card, examples)
    assert refused(version) == ["All 4 train images are the same: there is nothing to learn or to judge."]
