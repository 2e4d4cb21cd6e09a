"""Images on disk and in a batch, with and without what they are paired with."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from support import cards

from genfoundry.kinds.image import storage
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
