"""What a user's numbers and pictures lose as they are read is counted and said; what stands for missing is named."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from genfoundry_flows.commands.data import data
from PIL import Image
from pyarrow import parquet

from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kinds.series import storage
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add

HOURS = 400
BIG = 2**53


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path / "project"


def table(y: object, **columns: object) -> pd.DataFrame:
    stamps = pd.date_range("2026-01-01", periods=HOURS, freq="h")
    return pd.DataFrame({"unique_id": "a", "ds": stamps, "y": y, **columns})


def wave() -> np.ndarray:
    return np.sin(np.arange(HOURS) / 4).round(4)


def take(path: Path, **options) -> Intake:
    return add(path, "mine", **{"licence": "CC0", "consent": "made by a test", "force": True, **options})


def stored() -> pd.DataFrame:
    return pd.read_parquet(data_dir() / "mine" / storage.FILE)


@pytest.mark.parametrize("words", [("--na", "-9999"), ("--na=-9999.0",), ("--na", "-9999", "--na", "n/a")])
def test_the_option_na_makes_a_code_missing_and_says_how_often(tmp_path, words):
    y = wave().astype(object)
    y[[7, 30, 31]] = -9999
    y[50] = "n/a" if "n/a" in words else y[50]
    table(y).to_csv(tmp_path / "t.csv", index=False)
    done = CliRunner().invoke(data, ["add", str(tmp_path / "t.csv"), "--name", "mine", *words])
    assert done.exit_code == 0, done.output
    cells = 3 + ("n/a" in words)
    assert stored()["y"].isna().sum() == cells
    assert f"stands for missing: {cells} cells of 'y'" in done.output
    assert read_card(data_dir() / "mine").policy["missing"].startswith("-9999")


@pytest.mark.parametrize("kind", ["int64", "float32", "float64"])
def test_na_holds_for_parquet_of_every_type(tmp_path, kind):
    y = (100 * wave()).astype(kind)
    y[5] = np.dtype(kind).type(-99.9)
    table(y).to_parquet(tmp_path / "t.parquet", index=False)
    take(tmp_path / "t.parquet", na=("-99" if kind == "int64" else "-99.9",))
    assert stored()["y"].isna().sum() == (y == y[5]).sum()


def test_na_that_no_cell_holds_is_said(tmp_path):
    table(wave()).to_csv(tmp_path / "t.csv", index=False)
    assert take(tmp_path / "t.csv", na=("-5",)).policy["missing"] == "-5 stands for missing: no cell holds it"


def test_na_is_refused_where_it_would_do_nothing(tmp_path):
    with pytest.raises(UserError, match="images have no cells"):
        take(tmp_path, na=("-1",))


def whole(step: int = 10**10) -> list[int]:
    return [BIG + 1 + step * (hour % 24) for hour in range(HOURS)]


@pytest.mark.parametrize(
    "y",
    [
        pytest.param(whole(), id="integers"),
        pytest.param([None, *whole()[1:]], id="integers with a gap"),
        pytest.param([Decimal(value) for value in whole()], id="decimals"),
        pytest.param(list(map(str, whole())), id="text"),
    ],
)
def test_whole_numbers_that_float64_can_not_hold_are_counted_from_every_type(tmp_path, y):
    columns = {"unique_id": ["a"] * HOURS, "ds": table(0)["ds"], "y": pa.array(y)}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    intake = take(tmp_path / "t.parquet")
    row, number = (1, BIG + 1) if y[0] else (2, BIG + 1 + 10**10)
    changed = sum(int(float(value)) != int(value) for value in y if value)
    assert changed > 300
    assert intake.policy["precision"] == (
        f"'y': {changed} whole numbers beyond 2^53 were rounded (row {row}: {number} became {float(number):.0f})"
    )
    assert read_card(data_dir() / "mine").content["y: rounded"] == changed


def test_decimals_that_become_one_number_are_counted_series_by_series(tmp_path):
    y = [f"0.10000000000000000{hour % 4}" if hour % 2 else str(hour) for hour in range(HOURS)]
    table(y).to_csv(tmp_path / "t.csv", index=False)
    assert take(tmp_path / "t.csv").policy["precision"] == "'y': 2 distinct values became 1"


def test_numbers_that_lose_nothing_leave_the_card_as_it_was(tmp_path):
    table(np.sin(np.arange(HOURS)), big=1e300 ** (1 / 10) * np.arange(HOURS)).to_csv(tmp_path / "t.csv", index=False)
    assert "precision" not in take(tmp_path / "t.csv").policy
    assert "content" not in json.loads((data_dir() / "mine" / "card.json").read_text())


def test_a_channel_that_is_constant_in_float64_alone_is_refused_with_the_reason(tmp_path):
    table([2**60 + hour % 7 for hour in range(HOURS)]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError, match=r"constant: always 1\.15292e\+18 once it is read in float64: (.*)7 distinct"):
        take(tmp_path / "t.csv")


def test_a_page_of_parquet_whose_checksum_is_broken_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    kept = pa.table({"unique_id": ["a"] * HOURS, "ds": table(0)["ds"], "y": np.random.default_rng(0).random(HOURS)})
    parquet.write_table(kept, path, compression="none", use_dictionary=False, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    at = content.index(kept["y"].to_numpy()[200].tobytes())
    content[at + 6] ^= 0x10  # another number, which no other check would see
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged Parquet file"):
        take(path)


def test_pictures_that_become_one_are_refused_with_the_reason(tmp_path):
    folder = tmp_path / "white"
    folder.mkdir()
    for number in range(12):
        pixels = np.full((16, 16, 4), 255, np.uint8)
        pixels[: number + 1, :, 3] = 0
        Image.fromarray(pixels).save(folder / f"{number}.png")
    with pytest.raises(UserError, match="12 distinct pictures became 1; 12 of 12 pictures have transparency"):
        take(folder)
    take(folder_of_distinct(tmp_path))


def folder_of_distinct(home: Path) -> Path:
    folder = home / "grey"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (16, 16)).astype(np.uint8)).save(
            folder / f"{number}.png"
        )
    return folder


@pytest.mark.parametrize(
    ("name", "options"),
    [("bad.jpg", {"exif": b"Exif\0\0II*\0", "dpi": (72, 72)}), ("bad.png", {"exif": b"II*\0"})],
)
def test_a_broken_exif_block_is_one_bad_file(tmp_path, name, options):
    folder = folder_of_distinct(tmp_path)
    Image.fromarray(np.full((16, 16, 3), 9, np.uint8)).save(folder / name, **options)
    [bad] = take(folder, max_bad_fraction=0.5).quarantined
    assert (bad.path, bad.reason) == (name, "CORRUPT")
    assert "its EXIF block does not parse" in bad.sentence
