"""What a served model answers: which class or series is meant, from which moment on, and in whose zone."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support.tracked import SPEC

from genfoundry.errors import UserError
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.served import _load_pyfunc
from genfoundry.tasks.forecasting.predictor import EVENLY, QUANTILES, Predictor
from genfoundry.tracking.published import _write_mlmodel
from genfoundry.training.loader import build_model, load_model, write_model

HOURLY = SeriesSpec(freq="h", season=24, context=48, horizon=4, num_series=2)
HOURS = pd.date_range("2024-10-25", periods=60, freq="h")
ROMAN = ("1", "10", "11", "12", "2", "3", "4", "5", "6", "7")  # folders' names as they sort as text


class Ramp(torch.nn.Module):
    """Continues a series by its last value plus 1, 2, 3, …, half a unit of noise, and a thousand per series' number."""

    def __init__(self, spec: SeriesSpec, names: tuple[str, ...]) -> None:
        super().__init__()
        self.spec, self.names, self.seen = spec, names, []

    def sample(self, like, generator=None):
        self.seen.append(like)
        noise = torch.rand(len(like), HOURLY.horizon, generator=generator) - 0.5
        return like.past[:, -1:] + torch.arange(1, HOURLY.horizon + 1) + noise + 1000 * like.series[:, None]


def forecasts(*names: str, spec: SeriesSpec = HOURLY) -> Any:
    return Predictor(Ramp(spec, names))  # pyright: ignore[reportArgumentType]


def past(name: str = "a", level: float = 0, **columns) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": name, "ds": HOURS, "y": level + np.arange(60.0), **columns})


def test_a_forecaster_serves_quantiles_after_each_series():
    served = forecasts("a", "b")
    given = pd.concat([past("a"), past("b", 1000)]).drop(index=[20])
    found = served.predict(given.sample(frac=1, random_state=0), {"seed": 1, "samples": 400})
    assert list(found.columns) == ["unique_id", "ds", "mean", "q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]
    assert list(found["ds"][:4]) == list(pd.date_range("2024-10-27 12:00", periods=4, freq="h"))
    np.testing.assert_allclose(found["mean"], [60, 61, 62, 63, 2060, 2061, 2062, 2063], atol=0.1)
    np.testing.assert_allclose(found["q0.9"] - found["q0.1"], 0.8, atol=0.1)
    assert [int(like.past_mask[0].sum()) for like in served.model.seen] == [47, 47]
    with pytest.raises(UserError, match="'a' covers 46 steps"):
        served.predict(given[given["ds"] >= HOURS[14]])


def test_the_name_of_a_series_decides_and_not_its_place():
    both = pd.concat([past("a"), past("b", 1000)])
    whole = forecasts("a", "b").predict(both)
    alone = forecasts("a", "b").predict(past("b", 1000))
    np.testing.assert_array_equal(alone["mean"], whole["mean"][4:])
    named = forecasts("b", "a").predict(both)  # in the training of this one, b was the first
    np.testing.assert_allclose(named["mean"].iloc[[0, 4]], [1060, 1060], atol=0.2)
    assert forecasts("1001", "b").predict(past(1001))["unique_id"].unique() == ["1001"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (past("c"), r"learned no series 'c'\.\nExpected: .*: 'a', 'b'\nTo mend it: leave these rows out"),
        (pd.concat([past("b"), past("c"), past("d")]), r"no series 'c' \(nor 1 more of those given\)"),
        (past(series=1), "'a' has the number 1 in the column `series`, which is 'b' in the training"),
        (past(y=np.nan), "'a' holds no value of y"),
        (past(y=[1.0] + [np.nan] * 58 + [2.0]), "'a' has 1 values in the 48 steps up to its last one"),
        (past(y=np.inf), "infinite or too large"),
        (past(y="much"), "holds no numbers in `y`"),
        (past().assign(unique_id=None), "rows without a unique_id"),
        (past().iloc[:0], "has no row"),
        (past().drop(columns="y"), "no column 'y'"),
        (past(ds=np.arange(60)), "Column 'ds' is of type int64"),
        (past(ds=HOURS + pd.Timedelta("7min") * (np.arange(60) == 9)), "1 of 60 rows off the grid of 'h'"),
        (pd.concat([past(), past()]), "two rows at one time"),
    ],
)
def test_a_past_that_says_nothing_is_refused(given, sentence):
    with pytest.raises(UserError, match=sentence):
        forecasts("a", "b").predict(given)


def test_of_many_series_the_sentence_names_the_closest_and_a_few():
    names = [f"store {number:04}" for number in range(3000)]
    with pytest.raises(UserError, match=r"'store 0000'.*\(3000 in all\)\nRemedy: did you mean 'store 0007'") as caught:
        forecasts(*names, spec=HOURLY.model_copy(update={"num_series": 3000})).predict(past("store 0007b"))
    assert len(str(caught.value)) < 400


def test_rows_behind_the_last_value_are_not_knowledge():
    known, ahead = past(), pd.date_range(HOURS[-1], periods=15, freq="h")[1:]
    later = pd.DataFrame({"unique_id": "a", "ds": ahead, "y": np.nan})
    expected = forecasts("a", "b").predict(known)
    pd.testing.assert_frame_equal(forecasts("a", "b").predict(pd.concat([known, later])), expected)
    assert expected["ds"].iloc[0] == ahead[0]


BERLIN = HOURS.tz_localize("UTC").tz_convert("Europe/Berlin")  # summer time ends within the past
AFTER = BERLIN[-1] + timedelta(hours=1)
AS_TEXT = [moment.isoformat() for moment in BERLIN]
ZONES = {
    "naive": (HOURS, "2024-10-27 12:00:00"),
    "naive text": (HOURS.strftime("%Y-%m-%dT%H:%M"), "2024-10-27 12:00:00"),
    "a zone": (BERLIN, "2024-10-27 13:00:00+01:00"),
    "UTC": (HOURS.tz_localize("UTC"), "2024-10-27 12:00:00+00:00"),
    "offsets that change": (AS_TEXT, "2024-10-27 13:00:00+01:00"),
    "one offset": (HOURS.strftime("%Y-%m-%d %H:%M:%S-0330"), "2024-10-27 12:00:00-03:30"),
    "Z": (HOURS.strftime("%Y-%m-%dT%H:%M:%SZ"), "2024-10-27 12:00:00+00:00"),
    "objects": (pd.Series([*BERLIN], dtype=object).to_numpy(), "2024-10-27 13:00:00+01:00"),
}


@pytest.mark.parametrize(("given", "first"), ZONES.values(), ids=[*ZONES])
def test_the_answer_is_in_the_zone_of_the_question(given, first):
    found = forecasts("a", "b").predict(past(ds=given).sample(frac=1, random_state=0))
    assert str(found["ds"].iloc[0]) == first


def test_a_zone_in_some_rows_only_is_refused():
    with pytest.raises(UserError, match=r"time zone in row 1: .*, and none in row 0"):
        forecasts("a", "b").predict(past(ds=["2024-10-25T00:00", *AS_TEXT[1:]]))


def test_heads_are_read_and_nothing_is_drawn():
    """A fan of known levels: each quantile is the model's own, whatever the seed and the number of futures."""
    torch.manual_seed(0)
    model: Any = build_model("rnn", HOURLY, {}).eval()
    served = Predictor(model, ("a", "b"))
    given = past(y=np.sin(np.arange(60) / 4))
    found = served.predict(given)
    pd.testing.assert_frame_equal(found, served.predict(given, {"seed": 7, "samples": 3}))
    batch = served._batch(*_read(given))
    emitted = model.quantiles(model.scale(batch), batch) * model.scale(batch).scale[:, None] + model.scale(batch).shift
    at = [model.config.levels.index(level) for level in QUANTILES]
    np.testing.assert_allclose(found[[f"q{level}" for level in QUANTILES]], emitted[0][:, at].detach(), rtol=1e-5)
    many = model.forecast(batch, 20_000, torch.Generator().manual_seed(0))[0]
    np.testing.assert_allclose(found["mean"], many.mean(0), atol=0.02)
    assert np.mean(EVENLY) == pytest.approx(0.5)


def _read(given):
    from genfoundry.tasks.forecasting import pasts

    (one,) = pasts.read(given, HOURLY, ("a", "b"))
    return one, pd.DatetimeIndex(pd.date_range(one.stamps[-1], periods=5, freq="h")[1:])


def images(folder: Path, names=(), family: str = "cgan") -> Any:
    torch.manual_seed(0)
    model = build_model(family, SPEC, {"width": 8, "latent_dim": 4})
    for tensor in model.parameters():  # what starts at zero, as the effect of a class, shows
        tensor.data.add_(torch.randn_like(tensor), alpha=0.1)
    write_model(folder, family, model, model.state_dict(), names)
    return folder


def draw(folder: Path, **asked) -> np.ndarray:
    served: Any = _load_pyfunc(str(folder))
    return served.predict(pd.DataFrame({"seed": [3], **{key: [value] for key, value in asked.items()}}))[0]


def test_a_class_is_meant_by_its_name_and_a_number_is_its_place(tmp_path):
    named, unnamed = images(tmp_path / "named", ROMAN), images(tmp_path / "unnamed")
    places = [draw(unnamed, label=number) for number in range(10)]
    assert len({place.tobytes() for place in places}) == 10
    for asked, place in {"2": 4, "10": 1, "7": 9, "07": 9, "0": 0, "8": 8}.items():
        assert (draw(named, **{"class": asked}) == places[place]).all(), asked
        assert (draw(named, label=int(asked)) == places[place]).all(), asked
    assert (draw(named, **{"class": "2"}, label=2.0) == places[4]).all()
    assert (draw(named, **{"class": None}, label=np.nan) == places[3]).all()  # seed 3
    assert (draw(unnamed, **{"class": "2"}) == places[2]).all()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"class": "cat"}, "There is no class 'cat'.\nExpected: a class by its name, .* from 0 to 9: '1', '10', '11'"),
        ({"label": 13}, "no class '13'"),
        ({"label": 2.5}, "no class '2.5'"),
        ({"class": "2", "label": 3}, r"asks for class '3' \(number 5\) and class '2' \(number 4\)"),
    ],
)
def test_a_class_that_is_not_there_is_refused_with_all_names(asked, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        draw(images(tmp_path / "named", ROMAN), **asked)


def test_a_model_that_takes_no_class_refuses_one(tmp_path):
    with pytest.raises(UserError, match="class '2': this model takes no class"):
        draw(images(tmp_path / "plain", ROMAN, "gan"), **{"class": "2"})


def with_mlmodel(folder: Path) -> Path:
    _write_mlmodel(folder / "MLmodel", "0" * 32, load_model(folder))
    return folder


def test_through_mlflow_names_and_zones_arrive(tmp_path):
    import mlflow

    served = mlflow.pyfunc.load_model(str(with_mlmodel(images(tmp_path / "named", ROMAN))))
    found = served.predict(pd.DataFrame({"seed": [3, 3], "class": ["2", None]}))
    assert (found[0] == draw(tmp_path / "named", label=2)).all()
    assert (found[1] == draw(tmp_path / "named")).all()
    model = build_model("rnn", HOURLY, {})
    write_model(tmp_path / "rnn", "rnn", model, model.state_dict(), ("a", "b"))
    served = mlflow.pyfunc.load_model(str(with_mlmodel(tmp_path / "rnn")))
    for given, first in ZONES.values():
        assert str(served.predict(past(ds=given))["ds"].iloc[0]) == first
    with pytest.raises(UserError, match="learned no series 'c'"):
        served.predict(past("c"))


BEFORE = """
flavors: {python_function: {loader_module: genfoundry.served}}
signature:
  inputs: '[{"type": "string", "name": "unique_id", "required": true}, {"type": "datetime", "name": "ds", "required":
    true}, {"type": "double", "name": "y", "required": true}, {"type": "long", "name": "series", "required": false}]'
  outputs: '[{"type": "string", "name": "unique_id", "required": true}, {"type": "datetime", "name": "ds", "required":
    true}, {"type": "double", "name": "mean", "required": true}]'
  params: '[{"name": "seed", "default": 0, "shape": null, "type": "long"}, {"name": "samples", "default": 200, "shape":
    null, "type": "long"}]'
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    """A forecaster of two series as the release before published it: without names."""
    folder = tmp_path_factory.mktemp("before") / "model"
    torch.manual_seed(0)
    model = build_model("rnn", HOURLY, {})
    digest = write_model(folder, "rnn", model, model.state_dict())
    described = {
        "format": 1, "family": "rnn", "spec": HOURLY.model_dump(mode="json"),
        "config": model.config.model_dump(mode="json"), "weights_sha256": digest,
    }  # fmt: skip
    assert json.loads((folder / "model.json").read_text()) == described  # what it wrote, to the last key
    (folder / "MLmodel").write_text(BEFORE)
    return folder


def test_what_was_published_before_goes_on_by_number(before, tmp_path):
    import mlflow

    folder = shutil.copytree(before, tmp_path / "model")
    served = mlflow.pyfunc.load_model(str(folder))
    both = pd.concat([past("x", series=0), past("y", series=1)])
    whole, second = served.predict(both), served.predict(past("y", series=1))
    np.testing.assert_array_equal(second["mean"], whole["mean"][4:])
    assert (whole["mean"][:4].to_numpy() != whole["mean"][4:].to_numpy()).any()
    with pytest.raises(
        UserError, match=r"'x' has no number, and this model was published without the names(.|\n)*`series`"
    ):
        served.predict(pd.concat([past("x"), past("y")]))
    with pytest.raises(UserError, match="series 2"):
        served.predict(past("x", series=2))


def test_one_series_of_one_needs_no_number():
    found = forecasts(spec=HOURLY.model_copy(update={"num_series": 1})).predict(past("whatever"))
    assert found["mean"].iloc[0] == pytest.approx(60, abs=0.2)
