"""Images on disk and in a batch, with and without what they are paired with."""

from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from support import cards

from genfoundry.kinds.image import storage
from genfoundry.kinds.image.growing import GrowingArray
from genfoundry.kinds.image.rows import ImageRows
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.image.storage import ImageExample

RANDOM = np.random.default_rng(3)


def example(split: str, name: str, paired: tuple[int, ...] | None = None) -> ImageExample:
    pixels, source = (None if s is None else RANDOM.integers(0, 256, s).astype(np.uint8) for s in ((3, 8, 12), paired))
    assert pixels is not None
    return ImageExample(split, pixels, -1, name, source)


def test_pairs_keep_their_rows_from_disk_to_batch(tmp_path: Path) -> None:
    examples = [example(split, f"{split}{n}", (1, 4, 6)) for split in storage.SPLITS for n in range(5)]
    spec, counts = storage.write(tmp_path, examples, cards.images())
    assert spec == ImageSpec(channels=3, height=8, width=12, source=(1, 4, 6))
    assert ImageSpec.model_validate_json(spec.model_dump_json()) == spec
    assert counts == {"train": 5, "test": 5}
    batch = ImageRows(tmp_path, "test").batch(torch.tensor([3, 0]))
    assert batch.source is not None
    for row, number in enumerate((3, 0)):
        for tensor, pixels in (
            (batch.images, examples[5 + number].pixels),
            (batch.source, examples[5 + number].paired),
        ):
            torch.testing.assert_close(tensor[row], torch.from_numpy(pixels) / 127.5 - 1)
    assert torch.equal(batch.repeat(2)[1:3].source, batch.source)  # pyright: ignore[reportArgumentType]
    with (tmp_path / storage.MANIFEST).open() as file:
        rows = list(csv.DictReader(file))
    assert rows[7][storage.SOURCE_SHA] == storage.sha256(examples[7].paired)  # pyright: ignore[reportArgumentType]


def test_where_nothing_is_paired_nothing_says_so(tmp_path: Path) -> None:
    spec, _ = storage.write(tmp_path, [example(split, split) for split in storage.SPLITS], cards.images())
    assert "source" not in spec.model_dump()
    assert "source" not in spec.model_dump_json()
    assert (tmp_path / storage.MANIFEST).read_text().splitlines()[0].endswith(",phash,label")
    assert sorted(path.name for path in tmp_path.glob("*-*")) == sorted(
        f"{split}-{what}.npy" for split in storage.SPLITS for what in ("images", "labels")
    )
    batch = ImageRows(tmp_path, "train").batch(torch.tensor([0]))
    assert batch.repeat(3).to("cpu").source is None


@pytest.mark.parametrize("other", [None, (1, 4, 4)])
def test_pairs_of_two_shapes_are_refused(tmp_path: Path, other) -> None:
    with pytest.raises(ValueError, match=r"odd.*(paired|expected uint8 \(1, 4, 6\) like first)"):
        storage.write(tmp_path, [example("train", "first", (1, 4, 6)), example("test", "odd", other)], cards.images())


@pytest.mark.parametrize("count", [1, 9, 10, 1001])
def test_a_growing_array_is_the_file_that_numpy_saves(tmp_path: Path, count: int) -> None:
    arrays = RANDOM.integers(0, 256, (count, 3, 5, 4)).astype(np.uint8)
    with GrowingArray(tmp_path / "grown.npy", arrays[0]) as grown:
        for array in arrays.transpose(0, 1, 3, 2):  # some of them not contiguous
            grown.append(array.swapaxes(1, 2))
    np.save(tmp_path / "saved.npy", arrays)
    assert (tmp_path / "grown.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_a_set_is_written_without_being_held(tmp_path: Path) -> None:
    side, count = 64, 1000

    def examples() -> Iterator[ImageExample]:
        for number in range(count):
            pixels = np.full((3, side, side), number % 251, np.uint8)
            yield ImageExample("test" if number % 10 == 0 else "train", pixels, -1, f"{number}")

    tracemalloc.start()
    storage.write(tmp_path, examples(), cards.images())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 0.2 * count * 3 * side**2


def test_a_split_without_an_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no example in test"):
        storage.write(tmp_path, [example("train", "a")], cards.images())


def test_names_that_csv_quotes_and_a_given_val_are_read_back(tmp_path: Path) -> None:
    names = ['with "quotes", commas', "two\nlines", "plain"]
    rows = [example("train", name)._replace(given=given) for name, given in zip(names, ("", "val", ""), strict=True)]
    storage.write(tmp_path, [*rows, example("test", "t")], cards.images())
    with (tmp_path / storage.MANIFEST).open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["source"] for row in found] == [*names, "t"]
    assert [row[storage.GIVEN] for row in found] == ["", "val", "", ""]
    assert storage.given_val(tmp_path).tolist() == [1]


def test_a_mapped_split_gives_the_batches_of_a_copied_one(tmp_path: Path) -> None:
    storage.write(tmp_path, [example(split, split, (1, 4, 6)) for split in (*storage.SPLITS, "train")], cards.images())
    copied, mapped = ImageRows(tmp_path, "train"), ImageRows(tmp_path, "train", budget=0)
    for name in ("images", "labels", "source"):
        torch.testing.assert_close(*(getattr(rows.batch(torch.tensor([1, 0])), name) for rows in (copied, mapped)))
