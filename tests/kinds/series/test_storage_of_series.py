import numpy as np
import pandas as pd
import pytest
from support import cards

from genfoundry import catalog
from genfoundry.dataset import seal
from genfoundry.errors import UserError
from genfoundry.kinds.series import storage
from genfoundry.kinds.series.rows import SeriesRows
from genfoundry.kinds.series.spec import SeriesSpec

SPEC = SeriesSpec(freq="h", season=4, context=6, horizon=3, channels=("y", "wind"))
SPLITS = {"val": "2020-01-02T06:00:00", "test": "2020-01-02T18:00:00Z"}
NAN = float("nan")


def frame(name="a", hours=60, start="2020-01-01", first=0.0, drop=()):
    stamps = pd.date_range(start, periods=hours, freq="h", tz="UTC")
    values = first + np.arange(hours, dtype=float)
    return pd.DataFrame({"unique_id": name, "ds": stamps, "y": values, "wind": 1.0}).drop(list(drop))


def build(folder, *frames, spec=SPEC, splits=SPLITS):
    card = cards.series(spec, splits)
    full, counts = storage.write(folder, frames, card)
    seal(folder, card.model_copy(update={"spec": full, "counts": counts}))
    return full, counts


def test_gaps_become_missing_on_the_full_grid(tmp_path):
    spec, counts = build(tmp_path, frame(drop=(10, 11)), frame("b", 50, first=1000, drop=(49,)))
    axis = storage.read(tmp_path)
    assert (spec.num_series, axis.ids, axis.offsets.tolist()) == (2, ("a", "b"), [0, 60, 109])
    assert axis.mask[9:13].tolist() == [1, 0, 0, 1]
    assert axis.values[9:13].tolist() == [9, 0, 0, 12]
    assert counts == {"train": 28 + 30, "val": 12 + 12, "test": 18 + 7}
    assert axis.stamps[60] == np.datetime64("2020-01-01T00:00")


def test_the_same_data_in_any_order_makes_the_same_bytes(tmp_path):
    build(tmp_path / "one", frame("a"), frame("b"))
    build(tmp_path / "two", frame("b").sample(frac=1, random_state=0), frame("a"))
    assert (tmp_path / "one" / storage.FILE).read_bytes() == (tmp_path / "two" / storage.FILE).read_bytes()


def test_other_time_zones_are_turned_into_utc(tmp_path):
    local = frame().assign(ds=lambda table: table["ds"].dt.tz_convert("America/New_York"))
    build(tmp_path / "local", local)
    build(tmp_path / "utc", frame())
    assert (tmp_path / "local" / storage.FILE).read_bytes() == (tmp_path / "utc" / storage.FILE).read_bytes()


@pytest.mark.parametrize("split", storage.SPLITS)
def test_a_future_lies_whole_inside_its_split(tmp_path, split):
    spec, _ = build(tmp_path, frame(), frame("b", 50, first=1000))
    axis, windows = storage.read(tmp_path), storage.windows(tmp_path, split, spec)
    ends = {"train": 30, "val": 42, "test": 60}
    begins = {"train": 0, "val": 30, "test": 42}
    for number, start in zip(windows.series, windows.start, strict=True):
        cut = start - axis.offsets[number] + spec.context
        assert begins[split] <= cut
        assert cut + spec.horizon <= min(ends[split], np.diff(axis.offsets)[number])


def test_training_has_every_window_whose_future_ends_before_validation(tmp_path):
    spec, _ = build(tmp_path, frame())
    assert storage.windows(tmp_path, "train", spec).start.tolist() == list(range(30 - 6 - 3 + 1))
    assert storage.windows(tmp_path, "val", spec).start.tolist() == list(range(24, 24 + 12 - 3 + 1))


def test_training_batches_never_hold_a_value_of_validation_or_test(tmp_path):
    spec, _ = build(tmp_path, frame(), frame("b", first=1000))
    rows = SeriesRows(tmp_path, "train", spec)
    batch = rows.batch(np_rows(len(rows)))
    assert (batch.past % 1000).max() < 30
    assert (batch.future % 1000).max() < 30
    assert ((batch.future // 1000).long() == batch.series[:, None]).all()  # a window never leaves its series
    assert (batch.future[:, 0] - batch.past[:, -1] == 1).all()


def np_rows(count):
    import torch

    return torch.arange(count)


def test_windows_with_little_to_see_are_left_out(tmp_path):
    spec, _ = build(tmp_path, frame(drop=(10, 11, 12, 13)))
    starts = storage.windows(tmp_path, "train", spec).start
    mask = storage.read(tmp_path).mask
    assert 8 not in starts  # two of six seen
    assert 4 not in starts  # nothing of the future seen
    assert 7 in starts  # three of six seen
    assert all(mask[s : s + 6].sum() >= 3 and mask[s + 6 : s + 9].sum() > 0 for s in starts)


def test_no_window_is_a_sentence(tmp_path):
    spec, _ = build(tmp_path, frame(), spec=SPEC.model_copy(update={"context": 500}))
    with pytest.raises(UserError, match="holds no window of 500 \\+ 3 steps"):
        storage.windows(tmp_path, "train", spec)


def test_rows_that_cannot_be_placed_are_a_sentence(tmp_path):
    twice = pd.concat([frame(), frame(hours=1)])
    with pytest.raises(UserError, match="'a' has two rows at 2020-01-01"):
        storage.write(tmp_path, [twice], cards.series(SPEC, SPLITS))
    off = frame().assign(ds=lambda table: table["ds"].where(table.index != 5, table["ds"] + pd.Timedelta("7min")))
    with pytest.raises(UserError, match="1 of 60 rows off the grid of frequency 'h', the first at 2020-01-01 05:07"):
        storage.write(tmp_path, [off], cards.series(SPEC, SPLITS))
    with pytest.raises(UserError, match="no column 'wind'"):
        storage.write(tmp_path, [frame().drop(columns="wind")], cards.series(SPEC, SPLITS))
    with pytest.raises(UserError, match="no series"):
        storage.write(tmp_path, [], cards.series(SPEC, SPLITS))


def test_the_calendar_by_hand():
    stamps = np.array(["2024-01-01T00:00", "2024-12-31T12:00"], "datetime64[us]")  # a Monday, a Tuesday
    found = storage.time_features(stamps, "h")
    assert storage.time_feature_names("h") == ("hour_of_day", "day_of_week", "day_of_month", "day_of_year")
    np.testing.assert_allclose(found[0], -0.5)
    np.testing.assert_allclose(found[1], [0, 1 / 7 - 0.5, 30 / 31 - 0.5, 365 / 366 - 0.5], rtol=1e-6)
    np.testing.assert_allclose(storage.time_features(stamps, "MS")[:, 0], [-0.5, 11 / 12 - 0.5], rtol=1e-6)


@pytest.mark.parametrize("freq", ["s", "15min", "h", "D", "B", "W-MON", "MS", "ME", "QS", "QE-DEC", "YS", "YS-JUL"])
def test_every_frequency_has_its_names_and_bounded_features(freq):
    stamps = np.datetime64("1890-03-03", "us") + np.arange(5000) * np.timedelta64(37, "h")
    found = storage.time_features(stamps, freq)
    assert found.shape == (5000, len(storage.time_feature_names(freq)))
    assert not found.size or (found.min() >= -0.5 and found.max() <= 0.5)


def test_an_unknown_frequency_is_a_sentence():
    with pytest.raises(UserError, match="'fortnight' is not known"):
        storage.time_feature_names("fortnight")


@pytest.mark.parametrize("name", ["nyc-weather", "sunspots", "stocks"])
def test_catalogue_datasets_are_what_their_cards_say(tmp_path, name):
    card = catalog.module("datasets", name).CARD
    spec, counts = storage.write(tmp_path, catalog.module("datasets", name).examples(), card)
    seal(tmp_path, card.model_copy(update={"spec": spec, "counts": counts}))
    assert spec == card.spec
    assert set(card.units) == set(spec.channels)
    for split in storage.SPLITS:
        assert len(storage.windows(tmp_path, split, spec).start) > 0


def test_nyc_weather_keeps_its_gaps(tmp_path):
    card = catalog.module("datasets", "nyc-weather").CARD
    _, counts = storage.write(tmp_path, catalog.module("datasets", "nyc-weather").examples(), card)
    axis = storage.read(tmp_path)
    assert sum(counts.values()) == 26_114
    assert len(axis.mask) - axis.mask.sum() == 76
    assert axis.values[axis.mask > 0].min() == pytest.approx(10.94)
