"""Real data passes; each kind of damage is refused, or warned of, in its own sentence."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from genfoundry.data.building import build_folder
from genfoundry.data.expectations import CheckedTable
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card, read_card, seal
from genfoundry.datasets import mnist_5k
from genfoundry.errors import UserError
from genfoundry.kinds.image import storage as images
from genfoundry.kinds.series import storage as series_files
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.kinds.series.suite_of_splits import SUITE
from genfoundry.project.root import data_dir
from genfoundry.stages.validate import InvalidData, _context, _judge, validate_dataset

POLICY = Validation()


@pytest.fixture(autouse=True)
def _own_root(tmp_path, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))


@pytest.fixture(scope="module")
def digits():
    return list(mnist_5k.examples())


@pytest.fixture
def few(digits):
    """400 training and 120 test digits, in order."""
    splits = {split: [example for example in digits if example.split == split] for split in images.SPLITS}
    return splits["train"][::10] + splits["test"][::8][:120]


def save_images(examples, card=mnist_5k.CARD):
    folder = data_dir() / card.name
    spec, counts = images.write(folder, examples, card)
    return seal(folder, card.model_copy(update={"spec": spec, "counts": counts}))


def found(validated, name):
    return next(check for check in validated.checks if check.name == name)


def refused(version, policy=POLICY):
    with pytest.raises(InvalidData) as caught:
        validate_dataset(version, policy)
    return caught.value


def failing(error):
    return {check.name for check in error.judged.checks if not check.passed and check.severity == "critical"}


def test_real_digits_pass_with_every_suite_counting_rows(digits, capfd):
    version = save_images(digits)
    capfd.readouterr()
    validated = validate_dataset(version, POLICY)
    assert capfd.readouterr() == ("", "")
    assert (validated.version, validated.counts) == (version, {"train": 4000, "test": 1000})
    assert {check.name for check in validated.warnings} <= {"near-copies of train in test"}
    assert found(validated, "train: row count").sentence == "4,000 rows of train in manifest.csv, as the card says."
    assert found(validated, "classes").passed


QUIET = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout)  # the handler that Prefect puts on the root
from genfoundry.data.policy import Validation
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.validate import validate_dataset
validate_dataset(fetch_dataset("digits"), Validation())
print(sorted(name for name in logging.root.manager.loggerDict if name.startswith("great_expectations"))[:1])
"""


def test_great_expectations_says_nothing_even_where_the_root_logger_prints_all():
    build_folder("digits")
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True)
    assert done.stdout == "['great_expectations']\n"
    assert done.stderr == ""


def test_a_test_image_that_was_trained_on_is_refused_with_the_pair(few):
    few[-2] = few[7]._replace(split="test")
    error = refused(save_images(few))
    assert failing(error) == {"leak from train into test"}
    assert "1 of 120 test images are training images too" in str(error)
    assert "test 118 = train 7" in str(error)
    assert "genfoundry data build mnist-5k" in str(error)


def test_a_nearly_equal_test_image_is_a_warning_with_the_pair(few):
    pixels = few[7].pixels.copy()
    pixels[0, 13, 13] ^= 1
    few[-2] = few[7]._replace(split="test", pixels=pixels)
    check = found(validate_dataset(save_images(few), POLICY), "near-copies of train in test")
    assert (check.passed, check.severity) == (False, "warning")
    assert "test 118 ≈ train 7" in check.sentence


@pytest.mark.parametrize(("number", "severity"), [(3, "warning"), (5, "critical")])
def test_blank_images_are_critical_above_the_stated_share(few, number, severity):
    rows = [17, 40, 99, 200, 300][:number]
    for row, grey in zip(rows, range(number), strict=True):
        few[row] = few[row]._replace(pixels=np.full((1, 28, 28), grey, np.uint8))
    version = save_images(few)
    if severity == "critical":
        assert "train: blank images" in failing(refused(version))
        return
    check = found(validate_dataset(version, POLICY), "train: blank images")
    assert check.sentence == "3 of 400 train images are blank (std 0): rows 17, 40, 99."
    assert (check.passed, check.severity) == (False, "warning")


def test_all_images_alike_are_refused_without_a_traceback(few):
    blank = np.zeros((1, 28, 28), np.uint8)
    error = refused(save_images([example._replace(pixels=blank) for example in few]))
    assert {"train: blank images", "test: blank images", "leak from train into test"} <= failing(error)
    assert "and 390 more" in str(error)


def test_a_class_without_training_images_is_refused_by_name(few):
    error = refused(save_images([e for e in few if (e.split, e.label) != ("train", 3)]))
    assert failing(error) == {"train: no class is empty"}
    assert "1 of 10 classes have no train image: '3'." in str(error)


def test_an_unbalanced_class_is_a_warning_with_its_count(few):
    kept = [e for e in few if (e.split, e.label) != ("train", 3)]
    kept += [e for e in few if (e.split, e.label) == ("train", 3)][:1]
    check = found(validate_dataset(save_images(kept), POLICY), "class balance")
    assert check.sentence.endswith("1/20 of the largest one's 40 training images: '3' has 1.")
    relaxed = validate_dataset(save_images(kept), Validation(max_class_imbalance=50))
    assert found(relaxed, "class balance").passed


def test_duplicates_inside_a_split_are_a_warning(few):
    few[31] = few[12]
    check = found(validate_dataset(save_images(few), POLICY), "train: duplicates")
    assert check.sentence == "1 of 400 train images are exact copies of an earlier one (0.25%): 31 = 12."


def test_an_image_unlike_the_others_is_a_warning(few):
    few[50] = few[50]._replace(pixels=np.full((1, 28, 28), 255, np.uint8) - few[50].pixels)
    check = found(validate_dataset(save_images(few), POLICY), "train: brightness")
    assert (check.passed, check.severity) == (False, "warning")
    assert "row 50 (mean " in check.sentence


def test_a_tiny_split_is_refused_unless_the_recipe_allows_it(few):
    version = save_images(few[:440])
    error = refused(version)
    assert "40 test images are fewer than the 50 that the recipe asks for" in str(error)
    assert validate_dataset(version, Validation(min_rows=20)).counts["test"] == 40


def test_a_label_outside_the_classes_is_refused_with_its_row(few):
    few[5] = few[5]._replace(label=11)
    error = refused(save_images(few))
    assert "1 of 400 labels of train are not 0 to 9: row 5 has 11." in str(error)


def test_unlabelled_images_need_no_class(few):
    card = mnist_5k.CARD.model_copy(update={"class_names": ()})
    validated = validate_dataset(save_images([e._replace(label=images.UNLABELLED) for e in few], card), POLICY)
    assert "class balance" not in {check.name for check in validated.checks}
    assert found(validated, "train: labels").passed


def test_a_hostile_class_name_stays_text(few):
    names = ("{bad}", "\x1b[2J", *"23456789")
    card = mnist_5k.CARD.model_copy(update={"class_names": names})
    error = refused(save_images([e for e in few if e.split == "test" or e.label > 1], card))
    assert "no train image: '{bad}', '\\x1b[2J'." in str(error)


def test_a_card_that_counts_otherwise_is_refused(few):
    version = save_images(few)
    folder = data_dir() / version.name
    version = seal(folder, read_card(folder).model_copy(update={"counts": {"train": 500, "test": 120}}))
    error = refused(version)
    assert failing(error) == {"train: row count"}
    assert "400 rows of train in manifest.csv; the card says 500." in str(error)


def test_arrays_that_are_not_what_manifest_and_card_say_are_refused(few):
    version = save_images(few)
    folder = data_dir() / version.name
    images, labels = (np.load(folder / f"train-{what}.npy") for what in ("images", "labels"))
    np.save(folder / "train-images.npy", images[:, :, :14].astype(np.float32))
    np.save(folder / "train-labels.npy", np.roll(labels, 1)[:-1])
    error = refused(seal(folder, read_card(folder)))
    assert failing(error) == {"arrays: shape", "arrays: pixels", "arrays: labels", "arrays: number of labels"}
    assert "train is float32 1×14×28" in str(error)
    assert "train: 399 in the array, 400 listed" in str(error)


def test_an_empty_manifest_cell_is_refused(few):
    version = save_images(few)
    manifest = data_dir() / version.name / images.MANIFEST
    lines = manifest.read_text().splitlines()
    cells = lines[9].split(",")
    lines[9] = ",".join([*cells[:3], "", *cells[4:7], ""])
    manifest.write_text("\n".join(lines) + "\n")
    error = refused(seal(manifest.parent, read_card(manifest.parent)))
    assert {"train: label filled in", "train: sha256 filled in"} <= failing(error)
    assert "1 of 400 label cells of train are empty: 8." in str(error)


def test_a_manifest_without_a_column_is_named(few):
    version = save_images(few)
    manifest = data_dir() / version.name / images.MANIFEST
    manifest.write_text(manifest.read_text().replace("phash", "hash", 1))
    version = seal(manifest.parent, read_card(manifest.parent))
    with pytest.raises(UserError, match=r"manifest\.csv"):
        validate_dataset(version, POLICY)


def test_changed_bytes_are_not_the_version_any_more(few):
    version = save_images(few)
    path = data_dir() / version.name / "train-images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"train-images\.npy was changed after it was sealed"):
        validate_dataset(version, POLICY)


def test_the_refusal_survives_the_way_between_processes(few):
    error = refused(save_images(few[:50] + few[400:]))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.judged) == (str(error), error.judged)


def test_flows_in_threads_do_not_disturb_each_other(few):
    good = save_images(few)
    few[-2] = few[7]._replace(split="test")
    bad = save_images(few, mnist_5k.CARD.model_copy(update={"name": "other"}))

    def verdict(version):
        try:
            return len(validate_dataset(version, POLICY).checks)
        except InvalidData as error:
            return failing(error)

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(verdict, [good, bad] * 2))
    assert verdicts[0] == verdicts[2] > 20
    assert verdicts[1] == verdicts[3] == {"leak from train into test"}


SPEC = SeriesSpec(freq="D", season=7, context=14, horizon=7, channels=("y", "wind"), num_series=2)
SERIES = Card(
    name="two", kind="series", title="Two series", licence="CC0-1.0", source="a sine", consent="nobody's",
    spec=SPEC, splits={"val": "2024-08-01T00:00:00", "test": "2024-10-01T00:00:00"},
)  # fmt: skip


def frames(length=360):
    steps = np.arange(length)
    stamps = pd.date_range("2024-01-01", periods=length, freq="D")
    return [
        pd.DataFrame({"unique_id": name, "ds": stamps, "y": np.sin(steps / 7 + k), "wind": np.cos(steps / 3 + k)})
        for k, name in enumerate("ab")
    ]


def save_series(parts, card=SERIES):
    folder = data_dir() / card.name
    spec, counts = series_files.write(folder, parts, card.model_copy(update={"spec": SPEC}))
    return seal(folder, card.model_copy(update={"spec": spec, "counts": counts}))


def rewrite_series(change):
    """Series as no builder of ours would write them: sealed after `change` of their frame."""
    folder = data_dir() / save_series(frames()).name
    change(pd.read_parquet(folder / series_files.FILE)).to_parquet(folder / series_files.FILE)
    return seal(folder, read_card(folder))


def test_good_series_pass():
    validated = validate_dataset(save_series(frames()), POLICY)
    assert validated.warnings == ()
    assert found(validated, "number of series").sentence == "2 series, as the card says."
    assert validated.counts == {"train": 2 * 213, "val": 2 * 61, "test": 2 * 86}


def test_missing_cells_and_the_longest_gap_are_a_warning_with_their_place():
    parts = frames()
    parts[1].loc[50:69, "y"] = np.nan
    validated = validate_dataset(save_series(parts), POLICY)
    assert found(validated, "'y' is observed").sentence == (
        "20 of 720 values of 'y' are missing (2.78%): 'b' 20 of 360, longest gap 20 from 2024-02-20 00:00."
    )
    assert found(validated, "gaps").sentence == (
        "1 of 4 channels have a gap longer than the horizon of 7 steps: 'y' of 'b', 20 steps from 2024-02-20 00:00."
    )
    assert {check.name for check in validated.warnings} == {"'y' is observed", "gaps"}


@pytest.mark.parametrize(
    ("value", "name", "sentence"),
    [
        (np.nan, "no channel is empty", "1 of 2 channels have no value at all: 'wind'."),
        (3.5, "no channel is constant", "1 of 2 channels are constant: 'wind' is always 3.5."),
    ],
)
def test_a_channel_that_says_nothing_is_refused(value, name, sentence):
    error = refused(save_series([part.assign(wind=value) for part in frames()]))
    assert name in failing(error)
    assert sentence in str(error)


def test_one_series_that_is_constant_is_a_warning_up_to_the_stated_share():
    parts = frames()
    parts[1]["wind"] = 2.0
    version = save_series(parts)
    assert "'wind' of 'b' is always 2" in str(refused(version))
    check = found(validate_dataset(version, Validation(max_bad_fraction=0.5)), "no channel of a series is constant")
    assert (check.passed, check.severity) == (False, "warning")


def test_a_time_that_comes_twice_is_refused_with_its_place():
    version = rewrite_series(lambda frame: pd.concat([frame.iloc[:11], frame.iloc[10:]], ignore_index=True))
    error = refused(version)
    assert {"one row a time stamp", "time runs forward", "regular step"} <= failing(error)
    assert "2 of 721 rows share their series and time with another: 'a' at 2024-01-11 00:00" in str(error)


def test_unsorted_time_is_refused_with_the_first_inversion():
    error = refused(rewrite_series(lambda frame: frame.iloc[[*range(30), 31, 30, *range(32, len(frame))]]))
    assert failing(error) == {"time runs forward", "regular step"}
    assert "1 of 720 rows do not come after the row before: 'a' at 2024-01-31 00:00" in str(error)


def test_a_missing_row_breaks_the_regular_step():
    error = refused(rewrite_series(lambda frame: frame.drop(index=100)))
    assert "regular step" in failing(error)
    assert "'a' at 2024-04-11 00:00, due 2024-04-10 00:00" in str(error)


def test_infinite_values_are_refused():
    error = refused(rewrite_series(lambda frame: frame.assign(wind=frame["wind"].where(frame.index != 5, np.inf))))
    assert failing(error) == {"'wind' is finite"}
    assert "'a' at 2024-01-06 00:00 (inf)" in str(error)


def test_a_lost_series_and_lost_names_are_refused():
    error = refused(rewrite_series(lambda frame: frame[frame["unique_id"] == "a"]))
    assert {"number of series", "channels of all series", "splits: observed values"} <= failing(error)
    assert "1 series; the card says 2." in str(error)


def test_a_file_without_a_channel_is_named():
    version = rewrite_series(lambda frame: frame.drop(columns="wind"))
    with pytest.raises(UserError, match="has no column 'wind'"):
        validate_dataset(version, POLICY)


def test_text_in_a_channel_is_named():
    version = rewrite_series(lambda frame: frame.assign(wind="strong"))
    with pytest.raises(UserError, match="column 'wind' does not hold numbers"):
        validate_dataset(version, POLICY)


def test_a_split_too_short_for_a_window_is_refused():
    card = SERIES.model_copy(update={"splits": {"val": "2024-08-01T00:00:00", "test": "2024-12-23T00:00:00"}})
    error = refused(save_series(frames(), card))
    assert failing(error) == {"splits: windows"}
    assert "1 of 3 splits hold no window: test." in str(error)


def test_splits_in_the_wrong_order_are_refused():
    card = SERIES.model_copy(update={"splits": {"val": "2024-10-01T00:00:00", "test": "2024-08-01T00:00:00"}})
    assert {"splits: windows", "splits: enough values"} <= failing(refused(save_series(frames(), card)))


def test_a_split_that_reaches_into_the_next_is_refused():
    days = pd.to_datetime(["2024-03-01", "2024-04-01", "2024-05-01"])
    frame = pd.DataFrame(
        {
            "split": series_files.SPLITS, "observed": 200, "card": 200, "enough": 1, "windows": 9,
            "end": days + pd.Timedelta("3D"), "next": [days[1], days[1], pd.NaT], "varying": 1, "unused": 0,
        }
    )  # fmt: skip
    checks = [check for check, _ in _judge(_context(), CheckedTable(frame, SUITE), 0)]
    assert [check.sentence for check in checks if not check.passed] == [
        "1 of 3 splits reach into the one after them: val ends 2024-04-04 00:00, the next begins 2024-04-01 00:00."
    ]


def test_hostile_series_and_channel_names_stay_text():
    parts = [
        part.rename(columns={"wind": "{of} <b>"}).assign(unique_id="{bad}\x1b" + name)
        for name, part in zip("ab", frames(), strict=True)
    ]
    parts[0].loc[20:40, "{of} <b>"] = np.nan
    spec = SPEC.model_copy(update={"channels": ("y", "{of} <b>")})
    folder = data_dir() / "two"
    spec, counts = series_files.write(folder, parts, SERIES.model_copy(update={"spec": spec}))
    version = seal(folder, SERIES.model_copy(update={"spec": spec, "counts": counts}))
    check = found(validate_dataset(version, POLICY), "'{of} <b>' is observed")
    assert "21 of 720 values of '{of} <b>' are missing (2.92%): '{bad}\\x1ba' 21 of 360" in check.sentence
