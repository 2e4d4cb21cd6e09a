"""A user's CSV or Parquet of series: nothing is guessed, and a bad cell is named by its row."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kinds.series import storage as series_kind
from genfoundry.kinds.series.calendar import Horizon, default_horizon
from genfoundry.kinds.series.frequency import infer_frequency
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add

HOURS = 400


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path / "project"


def lines(count: int = HOURS) -> list[str]:
    """A CSV of hours with two channels, line by line; line 0 is the header."""
    stamps = pd.date_range("2026-01-01", periods=count, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    rows = [f"a,{stamp},{np.sin(hour / 4):.4f},{hour % 7}" for hour, stamp in enumerate(stamps)]
    return ["unique_id,ds,y,wind", *rows]


def take(path: Path, **options) -> Intake:
    return add(path, "mine", **{"licence": "CC0", "consent": "made by a test", "force": True, **options})


def take_lines(home: Path, rows: list[str], **options) -> Intake:
    path = home / "table.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return take(path, **options)


def edited(change: Callable[[list[str]], object]) -> list[str]:
    rows = lines()
    change(rows)
    return rows


def cell(row: int, column: int, value: str) -> Callable[[list[str]], object]:
    """Change one cell; the header is row 1, as an editor counts."""

    def change(rows: list[str]) -> None:
        cells = rows[row - 1].split(",")
        cells[column] = value
        rows[row - 1] = ",".join(cells)

    return change


def column(number: int, value: str) -> Callable[[list[str]], object]:
    def change(rows: list[str]) -> None:
        for row in range(2, len(rows) + 1):
            cell(row, number, value)(rows)

    return change


def text_of(rows: list[str]) -> str:
    return "\n".join(rows)


REFUSED = {
    "text in numbers": (cell(7, 2, "n/a"), r"Column 'y' holds text among its numbers: row 7: 'n/a'\."),
    "decimal comma": (lambda r: r.__setitem__(5, 'a,2026-01-01 04:00:00,"1,5",1'), r"row 6: '1,5'(.|\n)*decimal point"),
    "boolean": (cell(3, 3, "TRUE"), r"Column 'wind' holds text among its numbers: row 3: 'TRUE'"),
    "text channel": (column(3, "north"), r"Column 'wind' holds text only(.|\n)*drop the column 'wind'"),
    "infinity": (cell(9, 2, "-Infinity"), r"Column 'y' is infinite or too large in row 9: '-Infinity'"),
    "overflow": (cell(9, 2, "1e39"), r"too large in row 9: '1e39'"),
    "constant channel": (column(3, "4"), r"Channel 'wind' is constant: always 4(.|\n)*drop the column 'wind'"),
    "missing channel": (column(3, "NA"), r"Channel 'wind' is missing in every row(.|\n)*drop the column 'wind'"),
    "constant target": (column(2, "0"), r"Channel 'y' is constant: always 0"),
    "bad time": (cell(12, 1, "yesterday"), r"Column 'ds' is no time in row 12: 'yesterday'"),
    "no time": (cell(12, 1, ""), r"Column 'ds' is no time in row 12: ''"),
    "ambiguous time": (cell(2, 1, "01/02/2026"), r"row 2: '01/02/2026'(.|\n)*day and month can't be told apart"),
    "mixed zones": (cell(4, 1, "2026-01-01 02:00:00Z"), r"time zone in row 4: .*, and none in row 2: "),
    "no name": (cell(5, 0, " "), r"Column 'unique_id' is empty in row 5"),
    "contradiction": (
        lambda r: r.append("a,2026-01-01 03:00:00,9.9,1"),
        r"2 rows contradict each other, the first at 2026-01-01 03:00:00 of 'a': rows 5, 402\.",
    ),
    "between the steps": (cell(20, 1, "2026-01-01 18:07:00"), r"not on the grid of 'h'.*row 20: '2026-01-01 18:07:00'"),
    "short row": (lambda r: r.__setitem__(400, "a,2026-01-17 15:00:00,0.5"), r"row 401 has 3\.(.|\n)*4 cells"),
    "long row": (lambda r: r.__setitem__(4, r[4] + ",1"), r"row 5 has 5\."),
    "duplicate header": (lambda r: r.__setitem__(0, "unique_id,ds,y,y"), r"has two columns 'y'"),
    "spaces hide a duplicate": (lambda r: r.__setitem__(0, "unique_id,ds,y, y "), r"has two columns 'y'"),
    "nameless column": (lambda r: r.__setitem__(0, "unique_id,ds,y,"), r"column 4 has no name"),
    "missing column": (lambda r: r.__setitem__(0, "unique_id,dss,y,wind"), r"no column 'ds'; did you mean 'dss'\?"),
    "header only": (lambda r: r.__delitem__(slice(1, None)), r"has a header and no row"),
    "semicolons": (
        lambda r: r.__setitem__(slice(None), [row.replace(",", ";") for row in r]),
        r"separates its columns with semicolons",
    ),
    "open quote": (lambda r: r.__setitem__(6, 'a,"2026-01-01 05:00:00,1,2'), r"that begins after row 6 does not"),
    "too short": (lambda r: r.__delitem__(slice(50, None)), r"None of 1 series is long enough: 'a' has 49 steps"),
    "too short to split": (lambda r: r.__delitem__(slice(220, None)), r"219 steps leave 151 to train on"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_table_is_refused_by_row_and_column(tmp_path: Path, case: str) -> None:
    change, message = REFUSED[case]
    with pytest.raises(UserError, match=message):
        take_lines(tmp_path, edited(change))
    assert not (data_dir() / "mine").exists()


BYTES = {
    "empty": (b"", "table.csv is empty: 0 bytes"),
    "blank": (b"\n\n", "holds only blank lines"),
    "gzip": (gzip.compress(b"ds,y\n"), "is a gzip file"),
    "zip": (b"PK\x03\x04rest of it", "is a ZIP archive"),
    "latin1": ("ds,y\n2026-01-01,1\ncafé,2\n".encode("latin1"), r"row 3: the byte 0xe9 is no UTF-8(.|\n)*iconv"),
    "utf16": ("ds,y\n".encode("utf-16"), "is UTF-16(.|\n)*iconv -f utf-16"),
    "zero byte": (b"ds,y\n2026-01-01,\0\n", "row 2: holds a zero byte"),
    "image": (b"\xff\xd8\xff\xe0rest of it", "is one image; images come in a folder"),
    "magic only": (b"PAR1PAR1", "is a damaged Parquet file"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_table_are_named(tmp_path: Path, case: str) -> None:
    content, message = BYTES[case]
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        take(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == content


def test_a_good_table_keeps_its_gaps_as_missing_and_says_so(tmp_path: Path) -> None:
    rows = lines()
    cell(11, 2, "")(rows)  # a missing cell
    del rows[50:53]  # three hours that were not recorded: 49, 50, 51
    del rows[20]
    taken = take_lines(tmp_path, rows)
    assert taken.version.spec == SeriesSpec(
        freq="h", season=24, horizon=24, context=168, channels=("y", "wind"), num_series=1
    )
    assert taken.policy["gaps"] == (
        "2 gaps of 4 steps in all, kept as missing: "
        "'a' 2026-01-01 19:00:00 (1 steps); 'a' 2026-01-03 01:00:00 (3 steps)"
    )
    axis = series_kind.read(data_dir() / "mine")
    assert len(axis.values) == HOURS
    assert np.flatnonzero(axis.mask == 0).tolist() == [9, 19, 49, 50, 51]
    assert np.isclose(axis.values[8], round(float(np.sin(2)), 4))
    card = read_card(data_dir() / "mine")
    assert (card.splits["val"], card.splits["test"]) == ("2026-01-12T16:00:00", "2026-01-14T08:00:00")  # 280, 320
    assert card.counts == {"train": 275, "val": 40, "test": 80}


def test_repeated_and_unsorted_rows_are_mended_and_said(tmp_path: Path) -> None:
    rows = lines()
    expected = take_lines(tmp_path, rows).version
    series = (data_dir() / "mine" / "series.parquet").read_bytes()
    rows[100], rows[101] = rows[101], rows[100]
    rows.append(rows[30])
    taken = take_lines(tmp_path, rows)
    assert taken.policy["order"] == "rows sorted by time: 1 went back, the first in row 102"
    assert taken.policy["duplicates"] == "1 rows that repeat another, dropped"
    assert (data_dir() / "mine" / "series.parquet").read_bytes() == series
    assert taken.version.digest != expected.digest  # the card tells what was done


def test_series_too_short_or_without_a_value_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = lines()
    rows += [row.replace("a,", "short,", 1) for row in lines(30)[1:]]
    rows += [f"void,{row.split(',')[1]},NaN,1" for row in lines()[1:]]
    taken = take_lines(tmp_path, rows)
    assert taken.counts == {"found": 3, "used": 1, "quarantined": 0, "skipped": 2}
    assert {(item.path, item.reason) for item in taken.skipped} == {("short", "TOO_SHORT"), ("void", "NO_VALUE")}
    report = json.loads((data_dir().parent / ".genfoundry/quarantine/mine/quarantine.json").read_text())
    assert report["counts"] == taken.counts


def test_a_name_may_be_left_out_and_na_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "<b>sales.csv"
    path.write_text("\n".join(row.partition(",")[2] for row in lines()) + "\n")
    take(path)
    assert series_kind.read(data_dir() / "mine").ids == ("<b>sales",)
    both = [*lines(), *(row.replace("a,", "Namibia,", 1) for row in lines()[1:])]
    take_lines(tmp_path, both)
    assert series_kind.read(data_dir() / "mine").ids == ("Namibia", "a")


def test_times_with_a_zone_become_utc(tmp_path: Path) -> None:
    rows = [row.replace(":00:00,", ":00:00+05:00,") for row in lines()]
    taken = take_lines(tmp_path, rows)
    assert taken.policy["time"] == "converted to UTC"
    assert str(series_kind.read(data_dir() / "mine").stamps[0]) == "2025-12-31T19:00:00.000000"


def test_the_user_may_set_the_rhythm(tmp_path: Path) -> None:
    taken = take_lines(tmp_path, lines(), season=12, horizon=6, context=48, test_fraction=0.1)
    assert taken.version.spec == SeriesSpec(
        freq="h", season=12, horizon=6, context=48, channels=("y", "wind"), num_series=1
    )
    with pytest.raises(UserError, match="--freq fortnight"):
        take_lines(tmp_path, lines(), freq="fortnight")
    with pytest.raises(UserError, match="--horizon -1 is no number of steps"):
        take_lines(tmp_path, lines(), horizon=-1)


BERLIN = pd.date_range("2026-03-15", periods=HOURS, freq="h", tz="Europe/Berlin")  # summer time begins on 29 March
ZONES = {
    "none": (BERLIN.tz_convert("UTC").tz_localize(None).strftime("%Y-%m-%d %H:%M"), ""),
    "one offset": (BERLIN.tz_convert("-03:30").strftime("%Y-%m-%dT%H:%M:%S%z"), "-03:30"),
    "an offset in hours": (BERLIN.tz_convert("UTC").strftime("%Y-%m-%d %H:%M:%S+00"), "+00:00"),
    "Z": (BERLIN.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"), "+00:00"),
    "offsets that change": ([moment.isoformat() for moment in BERLIN], "+02:00"),
    "a zone": (BERLIN, "Europe/Berlin"),
    "a fixed zone": (BERLIN.tz_convert("+05:45"), "+05:45"),
    "UTC": (BERLIN.tz_convert("UTC"), "+00:00"),
}


@pytest.mark.parametrize(("given", "zone"), ZONES.values(), ids=[*ZONES])
def test_the_card_holds_the_zone_that_times_came_in(given, zone: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"ds": given, "y": np.sin(np.arange(HOURS) / 4)})
    path = tmp_path / ("table.parquet" if isinstance(given, pd.DatetimeIndex) else "table.csv")
    frame = frame.sample(frac=1, random_state=0)  # the last moment counts, not the last row
    frame.to_parquet(path, index=False) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    taken = take(path)
    card = data_dir() / "mine" / "card.json"
    assert read_card(card.parent).zone == zone
    assert ("zone" in json.loads(card.read_text())) == bool(zone)  # so what was sealed before keeps its digest
    assert taken.policy["time"] == ("converted to UTC" if zone else "without a time zone, taken as UTC")
    stamps = series_kind.read(card.parent).stamps
    assert (stamps == BERLIN.tz_convert("UTC").tz_localize(None).to_numpy()).all()


def test_csv_and_parquet_give_the_same_series(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    take_lines(tmp_path, lines())
    from_csv = (data_dir() / "mine" / "series.parquet").read_bytes()
    frame = pd.read_csv(tmp_path / "table.csv", parse_dates=["ds"])
    frame["unique_id"] = frame["unique_id"].astype("category")
    frame.to_parquet(path)
    taken = take(path)
    assert (data_dir() / "mine" / "series.parquet").read_bytes() == from_csv
    path.rename(tmp_path / "named.csv")
    assert take(tmp_path / "named.csv").version.spec == taken.version.spec


def test_bad_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame = pd.DataFrame({"ds": pd.date_range("2026-01-01", periods=300, freq="h"), "y": np.arange(300.0)})
    frame.to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is a damaged Parquet file"):
        take(path)
    path.write_text("ds,y\n")
    with pytest.raises(UserError, match="is no Parquet file: it begins with b'ds,y"):
        take(path)
    frame.assign(tags=[["x"]] * 300).to_parquet(path)
    with pytest.raises(UserError, match="column 'tags' is of type list"):
        take(path)
    frame.assign(ds=range(300)).to_parquet(path)
    with pytest.raises(UserError, match="Column 'ds' is of type int64"):
        take(path)


def test_a_byte_order_mark_and_windows_lines_change_nothing(tmp_path: Path) -> None:
    take_lines(tmp_path, lines())
    plain = (data_dir() / "mine" / "series.parquet").read_bytes()
    (tmp_path / "table.csv").write_bytes(("\r\n".join(lines()) + "\r\n\r\n").encode("utf-8-sig"))
    take(tmp_path / "table.csv")
    assert (data_dir() / "mine" / "series.parquet").read_bytes() == plain


def stamped(stamps) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": "a", "ds": pd.DatetimeIndex(stamps).as_unit("us")})


@pytest.mark.parametrize(
    "freq", ["h", "3h", "15min", "D", "B", "W-WED", "MS", "ME", "QS-FEB", "QE-DEC", "YS-JAN", "YE-DEC"]
)
def test_the_frequency_is_found_through_gaps(freq: str) -> None:
    stamps = pd.date_range("2020-02-03", periods=100, freq=freq).delete([7, 50, 51])
    found = infer_frequency(stamped(stamps))
    assert pd.date_range(stamps[0], stamps[-1], freq=found).isin(stamps).sum() == 97
    assert len(pd.date_range(stamps[0], stamps[-1], freq=found)) == 100


def test_steps_that_do_not_agree_are_told_with_their_shares() -> None:
    mixed = [*pd.date_range("2026-01-01", periods=50, freq="h"), *pd.date_range("2026-02-01", periods=51, freq="2h")]
    with pytest.raises(UserError, match=r"50% are 0 days 02:00:00, 49% are 0 days 01:00:00"):
        infer_frequency(stamped(mixed))
    with pytest.raises(UserError, match="one row only"):
        infer_frequency(stamped(["2026-01-01"]))


@pytest.mark.parametrize(
    ("freq", "season"),
    [("h", 24), ("3h", 8), ("15min", 96), ("D", 7), ("B", 5), ("W-SUN", 52), ("MS", 12), ("QS-OCT", 4), ("YE-DEC", 1)],
)
def test_the_season_follows_the_frequency(freq: str, season: int) -> None:
    assert default_horizon(freq).season == season
    assert default_horizon("h") == Horizon(24, 24, 168)


def test_what_was_trained_on_is_never_tested_with_however_the_series_grow(tmp_path: Path) -> None:
    """A longer past, or a larger share of test, moved both boundaries back over what models had learned from."""
    rows = lines(600)
    was = take_lines(tmp_path, [rows[0], *rows[201:]], force=False).version.spec
    before = read_card(data_dir() / "mine").splits
    for options in ({}, {"test_fraction": 0.4}):
        assert take_lines(tmp_path, rows, **options).version.spec == was
        assert read_card(data_dir() / "mine").splits == before
    later = take_lines(tmp_path, lines(900))
    now = read_card(data_dir() / "mine").splits
    assert all(now[split] > before[split] for split in before)
    assert later.policy["split"] == f"in time: val from {now['val']}, test from {now['test']}"


def test_data_that_end_before_the_test_of_before_are_refused_or_split_anew(tmp_path: Path, project: Path) -> None:
    rows = lines(900)
    take_lines(tmp_path, rows)
    with pytest.raises(UserError, match=r"(val|test) would begin at .* and have \d+ steps, since no split") as caught:
        take_lines(tmp_path, rows[:500], force=False)
    assert caught.value.remedy.endswith("split in time anew: --force")
    anew = take_lines(tmp_path, rows[:500])
    shutil.rmtree(project / "data")
    assert take_lines(tmp_path, rows[:500]).version == anew.version
