"""What images must fulfil: checks on the manifest, one row an image, and on the arrays' outlines."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.data.expectations import CheckedTable, Expectation, agree, exactly, filled, printable
from genfoundry.data.policy import Validation
from genfoundry.dataset import Card
from genfoundry.errors import UserError
from genfoundry.kinds.image import storage, suite_of_pixels
from genfoundry.kinds.image import suite_of_pairs as pairs
from genfoundry.kinds.image.spec import ImageSpec

if TYPE_CHECKING:
    import pandas as pd

NUMBERS, TEXTS = ("index", "mean", "std", "label"), ("split", "source", "sha256", "phash")
OUTLIER = 8.0  # standard deviations of an image's mean or contrast from those of its split
NEAR = 2.0  # grey levels of 255, on average, between near-copies of the same perceptual hash


def tables(folder: Path, spec: ImageSpec, card: Card, policy: Validation) -> list[CheckedTable]:
    """One table a split of the manifest, one of the splits' arrays, and one of the classes.

    Raises:
        UserError: the manifest does not parse.
    """
    manifest = _manifest(folder, TEXTS if spec.source is None else (*TEXTS, storage.SOURCE_SHA))
    parts = {split: manifest[manifest["split"] == split].reset_index(drop=True) for split in storage.SPLITS}
    for frame in parts.values():
        frame["copy_of"] = _first_at(frame["sha256"], frame["sha256"], earlier=True)
    parts["test"]["in_train"] = _first_at(parts["test"]["sha256"], parts["train"]["sha256"])
    parts["test"]["near_train"] = _near_copies(folder, parts["test"], parts["train"])
    rows = [
        CheckedTable(frame, _rows_suite(split, card.counts.get(split, 0), spec, policy))
        for split, frame in parts.items()
    ]
    if storage.GIVEN in manifest:
        rows = [each._replace(suite=(*each.suite, _given(split))) for each, split in zip(rows, parts, strict=True)]
    rows[1] = rows[1]._replace(suite=rows[1].suite + _LEAKS)
    arrays = [_arrays(folder, spec, parts), *suite_of_pixels.tables(folder, card), *pairs.tables(folder, spec, parts)]
    return [*rows, *arrays, *_classes(spec, card, parts, policy)]


def _manifest(folder: Path, texts: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    types = dict.fromkeys(NUMBERS, "float64") | dict.fromkeys((*texts, storage.GIVEN), "str")
    empty = {column: ["", "nan"] for column in (*NUMBERS, "sha256", "phash")}
    path = folder / storage.MANIFEST
    try:
        frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=empty)
    except ValueError as error:
        raise UserError(f"{path} does not parse: {error}", remedy="build the dataset again") from None
    if lacking := {*NUMBERS, *texts} - {*frame.columns}:
        raise UserError(f"{path} has no column {', '.join(sorted(lacking))}.", remedy="build the dataset again")
    return frame


def _first_at(wanted: pd.Series, among: pd.Series, earlier: bool = False) -> pd.Series:
    """For each hash the first position of the same one in `among`; NaN for none, or for itself if `earlier`."""
    first = among[~among.duplicated()].dropna()
    found = wanted.map(dict(zip(first, first.index, strict=True))).astype("float64")
    return found.where(found < found.index) if earlier else found


def _near_copies(folder: Path, test: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    """For each test image the train image of the same perceptual hash whose pixels are within NEAR; NaN for none."""
    import pandas as pd

    near = np.full(len(test), np.nan)
    ours, theirs = storage.read(folder, "test").images, storage.read(folder, "train").images
    if (len(ours), len(theirs)) != (len(test), len(train)) or ours.shape[1:] != theirs.shape[1:]:
        return near  # the arrays' own checks say so
    left, right = (frame[["phash", "mean"]].dropna().rename_axis("at").reset_index() for frame in (test, train))
    left = left[test["in_train"].iloc[left["at"]].isna().to_numpy()]
    pairs = pd.merge_asof(
        left.sort_values("mean"), right.sort_values("mean"), on="mean", by="phash", direction="nearest", tolerance=NEAR
    ).dropna()
    for here, there in zip(pairs["at_x"].astype(int), pairs["at_y"].astype(int), strict=True):
        if np.abs(ours[here].astype(np.int16) - theirs[there]).mean() <= NEAR:
            near[here] = there
    return near


def _rows_suite(split: str, count: int, spec: ImageSpec, policy: Validation) -> tuple[Expectation, ...]:
    what = f"{split} image"
    return (
        exactly(f"{split}: row count", count, f"rows of {split} in {storage.MANIFEST}"),
        Expectation(
            f"{split}: enough images", "ExpectTableRowCountToBeBetween", {"min_value": policy.min_rows},
            met=f"At least {policy.min_rows:,} {what}s.",
            unmet=f"{{observed}} {what}s are fewer than the {policy.min_rows:,} that the recipe asks for.",
            remedy="add images, or lower validation.min_rows",
        ),
        *(filled(f"{split}: {key} filled in", key, f"{key} cells of {split}") for key in ("label", "sha256")),
        *(Expectation(
        f"{split}: blank images", "ExpectColumnValuesToBeBetween",
        {"column": "std", "min_value": 0, "strict_min": True},
        met=f"No {split} image is blank.", unmet=f"{{bad}} of {{of}} {split} images are blank (std 0): rows {{where}}.",
        remedy="remove them, or raise validation.max_bad_fraction",
        severity="warning", tolerance=policy.max_bad_fraction,
    ), _outlying(split, "mean", "brightness"), _outlying(split, "std", "contrast")),
        _labelled(split, spec),
        *suite_of_pixels.alike(split, count),
        Expectation(
            f"{split}: duplicates", "ExpectColumnValuesToBeNull", {"column": "copy_of"}, severity="warning",
            met=f"No {what} comes twice.",
            unmet=f"{{bad}} of {{of}} {what}s are exact copies of an earlier one ({{share}}): {{where}}.",
            remedy="remove the copies", row="{position} = {copy_of:.0f}",
        ),
    )  # fmt: skip


def _outlying(split: str, column: str, word: str) -> Expectation:
    return Expectation(
        f"{split}: {word}", "ExpectColumnValueZScoresToBeLessThan",
        {"column": column, "threshold": OUTLIER, "double_sided": True}, severity="warning",
        met=f"The {word} of every {split} image is within {OUTLIER:g} standard deviations of the others'.",
        unmet=f"{{bad}} of {{of}} {split} images stand out by their {word}: {{where}}.",
        remedy="look at them", row=f"row {{position}} ({column} {{{column}:.1f}})",
    )  # fmt: skip


def _labelled(split: str, spec: ImageSpec) -> Expectation:
    labels = list(range(spec.num_classes)) or [storage.UNLABELLED]
    wanted = f"0 to {spec.num_classes - 1}" if spec.num_classes else f"{storage.UNLABELLED} (unlabelled)"
    return Expectation(
        f"{split}: labels", "ExpectColumnValuesToBeInSet", {"column": "label", "value_set": labels},
        met=f"Every label of {split} is {wanted}.",
        unmet=f"{{bad}} of {{of}} labels of {split} are not {wanted}: {{where}}.",
        remedy="correct the labels or the card's class_names", row="row {position} has {label:.0f}",
    )  # fmt: skip


def _given(split: str) -> Expectation:
    """Only training images may be marked as a user's own val."""
    known = ["", storage.VAL] if split == "train" else [""]
    return Expectation(
        f"{split}: given splits", "ExpectColumnValuesToBeInSet", {"column": storage.GIVEN, "value_set": known},
        met=f"Every mark of {split} is one that it may have.",
        unmet=f"{{bad}} of {{of}} marks of {split} are not {' or '.join(map(repr, known))}: {{where}}.",
        remedy="build the dataset again", row="row {position} has {given}",
    )  # fmt: skip


_LEAKS = (
    Expectation(
        "leak from train into test", "ExpectColumnValuesToBeNull", {"column": "in_train"},
        met="No test image is also a training image.",
        unmet="{bad} of {of} test images are training images too, so scores on them mean nothing: {where}.",
        remedy="remove them from one of the two", row="test {position} = train {in_train:.0f}",
    ),
    Expectation(
        "near-copies of train in test", "ExpectColumnValuesToBeNull", {"column": "near_train"}, severity="warning",
        met="No test image is nearly the same as a training image.",
        unmet="{bad} of {of} test images are nearly the same as a training image ({share}): {where}.",
        remedy="look at the pairs", row="test {position} ≈ train {near_train:.0f}",
    ),
)  # fmt: skip


def _arrays(folder: Path, spec: ImageSpec, parts: dict[str, pd.DataFrame]) -> CheckedTable:
    """One row a split: what its two arrays are, beside the manifest's rows."""
    import pandas as pd

    outlines = [_outline(folder, split, frame) for split, frame in parts.items()]
    shape = "×".join(map(str, spec.shape))
    suite = (
        exactly("splits", len(parts), "splits"),
        agree("arrays: number of images", "images", "rows", "images {split}: {images} in the array, {rows} listed"),
        agree("arrays: number of labels", "labels", "rows", "labels {split}: {labels} in the array, {rows} listed"),
        agree("arrays: labels", "other_labels", "none", "{split}: {other_labels} labels are not the manifest's"),
        agree("arrays: pixels", "other_pixels", "none", "{split}: {other_pixels} images have another sha256"),
        Expectation(
            "arrays: shape", "ExpectColumnValuesToBeInSet", {"column": "shape", "value_set": [f"uint8 {shape}"]},
            met=f"Images are uint8, {shape}, as the card says.", unmet=f"The card says uint8 {shape}: {{where}}.",
            remedy="build the dataset again", row="{split} is {shape}",
        ),
    )  # fmt: skip
    return CheckedTable(pd.DataFrame(outlines), suite)


def _outline(folder: Path, split: str, frame: pd.DataFrame) -> dict[str, object]:
    images, labels, _ = storage.read(folder, split)
    both = min(len(frame), len(labels), len(images))
    return {
        "split": split,
        "rows": len(frame),
        "images": len(images),
        "labels": len(labels),
        "shape": f"{images.dtype} {'×'.join(map(str, images.shape[1:]))}",
        "other_labels": int((frame["label"].to_numpy()[:both] != labels[:both]).sum()),
        "other_pixels": pairs.others(images, frame["sha256"]),
        "none": 0,
    }


def _classes(spec: ImageSpec, card: Card, parts: dict[str, pd.DataFrame], policy: Validation) -> list[CheckedTable]:
    if not spec.num_classes:
        return []
    import pandas as pd

    counts = pd.DataFrame({s: f["label"].value_counts().reindex(range(spec.num_classes)) for s, f in parts.items()})
    counts = counts.fillna(0).astype(int).reset_index(drop=True)
    names = card.class_names or tuple(map(str, counts.index))
    counts["name"] = [printable(names[i]) if i < len(names) else f"number {i}" for i in counts.index]
    counts["times"] = counts["train"].max() / counts["train"].where(counts["train"] > 0)
    return [CheckedTable(counts, _classes_suite(spec.num_classes, int(counts["train"].max()), policy), row="{name}")]


def _classes_suite(number: int, largest: int, policy: Validation) -> tuple[Expectation, ...]:
    return (
        exactly("classes", number, "classes"),
        _occupied("train", "critical"),
        _occupied("test", "warning"),
        Expectation(
            "class balance", "ExpectColumnValuesToBeBetween",
            {"column": "times", "max_value": policy.max_class_imbalance}, severity="warning",
            met=f"No class has less than 1/{policy.max_class_imbalance:g} of the largest one's {largest:,} images.",
            unmet=f"{{bad}} of {{of}} classes have less than 1/{policy.max_class_imbalance:g} of the largest one's "
                  f"{largest:,} training images: {{where}}.",
            remedy="add images of them, or raise validation.max_class_imbalance", row="{name} has {train}",
        ),
    )  # fmt: skip


def _occupied(split: str, severity) -> Expectation:
    return Expectation(
        f"{split}: no class is empty", "ExpectColumnValuesToBeBetween", {"column": split, "min_value": 1},
        met=f"Every class has images in {split}.", unmet=f"{{bad}} of {{of}} classes have no {split} image: {{where}}.",
        remedy="add images of it, or take it off the card's class_names", severity=severity,
    )  # fmt: skip
