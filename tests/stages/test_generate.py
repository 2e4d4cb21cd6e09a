"""Samples of registered versions: the same bytes for a seed, with where they came from, or a sentence why not.

The models are untrained, published and registered in a real store; the bytes are what is tested, not their beauty.
"""

import hashlib
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from genfoundry_flows.cli import cli
from PIL import Image
from support import cards
from support.tracked import PASS
from support.tracked import evaluation as judged
from support.trained import digits

import genfoundry
from genfoundry import __version__, tracking
from genfoundry.data.building import write_sealed
from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.stages.generate import find_version, generate_samples
from genfoundry.tasks.forecasting import generate as forecasts
from genfoundry.training.loader import build_model, write_model

SERIES = SeriesSpec(freq="D", season=7, context=10, horizon=4, num_series=2)
SMALL = {"width": 8, "latent_dim": 4}
ROMAN = ("1", "10", "11", "12", "2", "3", "4", "5", "6", "7")  # as folders of these names sort as text
FAMILIES = {
    "plain": ("gan", SMALL),
    "classes": ("cgan", SMALL),
    "pixels": ("pixelcnn", {"width": 4, "layers": 2, "levels": 16}),
    "enlarger": ("srgan", {"width": 4, "blocks": 1, "scale": 2}),
    "reader": ("mlp", {}),
}


def two_series(root):
    """A sealed dataset: 40 days of `a`, the first 30 of `b`, one value of each missing."""
    frames = []
    for name, days in (("a", 40), ("b", 30)):
        stamps = pd.date_range("2020-01-01", periods=days, freq="D", tz="UTC")
        frames.append(pd.DataFrame({"unique_id": name, "ds": stamps, "y": np.arange(days) % 7.0}).drop(12))
    folder, splits = root / "data" / "days", {"val": "2020-01-20", "test": "2020-01-25"}
    return write_sealed(folder, cards.series(SERIES, splits, name="days"), frames)


def zoned_series(root):
    """A sealed dataset of 40 days of `p` and 38 of `q` in Berlin's time, of which the last three hold no value of y."""
    frames = []
    for name, days in (("p", 40), ("q", 38)):
        stamps = pd.date_range("2020-01-01 06:00", periods=days, freq="D", tz="UTC")
        y = pd.Series(np.arange(days) % 7.0).where(np.arange(days) < days - 3)
        frames.append(pd.DataFrame({"unique_id": name, "ds": stamps, "y": y}))
    folder, splits = root / "data" / "zoned", {"val": "2020-01-20", "test": "2020-01-25"}
    return write_sealed(folder, cards.series(SERIES, splits, name="zoned", zone="Europe/Berlin"), frames)


def publish(name, family, settings, data, folder, names=()):
    """A registered, untrained version."""
    torch.manual_seed(0)
    model = build_model(family, data.spec, settings)
    for tensor in model.parameters():  # what starts at zero, as the effect of a class, shows
        tensor.data.add_(torch.randn_like(tensor), alpha=0.1)
    run_id = tracking.start_run(name, recipe=name, tags={}, params={}, dataset=data)
    weights = write_model(folder / name, family, model, model.state_dict(), names)
    tracking.publish_model(run_id, folder / name)
    found = judged(name, run_id, weights, data=data)
    found = found.model_copy(update={"checkpoint": found.checkpoint.model_copy(update={"family": family})})
    return tracking.register(name, run_id, found, PASS, name, "A card.", {"family": family})


@pytest.fixture(scope="module")
def registry(home, tmp_path_factory):
    """A version of each family, in `home`; those of images on the digits."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(home))
        data = digits(home)
        for name, (family, settings) in FAMILIES.items():
            publish(name, family, settings, data, folder)
        unlabelled = data.model_copy(update={"spec": data.spec.model_copy(update={"num_classes": 0})})
        publish("pyramid", "lapgan", {"width": 4, "coarse_width": 8}, unlabelled, folder)
        publish("days", "deepar", {"layers": 1, "hidden": 4}, two_series(home), folder)
        publish("zoned", "rnn", {"hidden": 4}, zoned_series(home), folder, ("p", "q"))
        publish("roman", "cgan", SMALL, data, folder, ROMAN)
        tracking.set_alias("classes", "champion", 1, "for the test")
        yield data


@pytest.fixture(autouse=True)
def project(registry, home, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(home))


def written(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


@pytest.mark.parametrize("name", ["plain", "classes", "pixels", "pyramid"])
def test_the_same_seed_gives_the_same_bytes_and_fewer_are_the_first_of_more(name, tmp_path):
    for folder, number, seed in (("a", 40, 7), ("again", 40, 7), ("few", 10, 7), ("other", 10, 8)):
        made = generate_samples(name, tmp_path / folder, {"number": number, "seed": seed})
        assert [path.name for path in made.files] == [*(f"{i:05d}.png" for i in range(number)), "contact-sheet.png"]
    a, again, few, other = (written(tmp_path / folder) for folder in ("a", "again", "few", "other"))
    assert a == again
    assert len(a) == 41
    numbered = [file for file in few if file[0] == "0"]
    assert [few[file] for file in numbered] == [a[file] for file in numbered]
    assert all(few[file] != other[file] for file in numbered)
    assert len({*a.values()}) == 41  # the batches differ too


def test_an_image_says_that_it_is_synthetic_and_whence_it_comes(registry, tmp_path):
    generate_samples("classes", tmp_path / "out", {"number": 1, "seed": 3, "label": "4"})
    weights = json.loads(tracking.get_version("classes", 1).tags["genfoundry.files"])["weights.safetensors"]
    for file in ("00000.png", "contact-sheet.png"):
        with Image.open(tmp_path / "out" / file) as image:
            image.load()
            text = dict(image.text)  # pyright: ignore[reportAttributeAccessIssue]
        xmp = ET.fromstring(text.pop("XML:com.adobe.xmp"))
        (term,) = xmp.iter("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
        assert term.text == text.pop("DigitalSourceType")
        assert str(term.text).endswith("/digitalsourcetype/trainedAlgorithmicMedia")
        assert text == {
            "AI-generated": "true", "model": "classes", "version": "1", "weights_sha256": weights, "dataset": "digits",
            "dataset_digest": registry.digest, "seed": "3", "given": "class '4' (number 4)", "genfoundry": __version__,
        }  # fmt: skip


def test_a_class_is_a_number_or_a_name_and_without_one_they_take_turns(tmp_path):
    names = {"turns": None, "three": "3", "four": "4"}
    made = {key: generate_samples("classes", tmp_path / key, {"number": 5, "label": at}) for key, at in names.items()}
    turns, three, four = ([path.read_bytes() for path in made[key].files[:5]] for key in names)
    drawn = [[pixels(made[key].files[row]).tolist() for key in names] for row in range(5)]
    assert drawn[3][0] == drawn[3][1] != drawn[3][2]
    assert drawn[4][0] == drawn[4][2] != drawn[4][1]
    assert turns[3] != three[3]  # the pixels are the same, what was asked for is not
    assert three[3] != four[3]
    with pytest.raises(
        UserError, match=r"There is no class '10'\.\n.*its name, or by its number from 0 to 9: '0', '1'"
    ):
        generate_samples("classes", tmp_path / "none", {"label": "10"})


def test_the_name_of_a_class_wins_over_a_place_and_both_are_stamped(tmp_path):
    """Of the weights that were published with names; those on today's card of their data are others."""
    for asked, place in (("2", 4), ("10", 1), ("8", 8)):
        named = generate_samples("roman", tmp_path / f"named-{asked}", {"number": 1, "label": asked})
        plain = generate_samples("classes", tmp_path / f"plain-{asked}", {"number": 1, "label": str(place)})
        assert (pixels(named.files[0]) == pixels(plain.files[0])).all()
        assert named.provenance.given == f"class '{ROMAN[place]}' (number {place})"
    with pytest.raises(UserError, match=r"There is no class 'cat'\.\n.*: '1', '10', '11', '12', '2'"):
        generate_samples("roman", tmp_path / "none", {"label": "cat"})


def test_where_nobody_knows_the_names_a_number_is_said_to_be_a_place(home, tmp_path, monkeypatch):
    (home / "data" / "digits").rename(home / "elsewhere")
    try:
        made = generate_samples("classes", tmp_path / "out", {"number": 1, "label": "4"})
    finally:
        (home / "elsewhere").rename(home / "data" / "digits")
    assert made.provenance.given == "class 4"
    assert "without the names of its classes, and its data are not on this machine: 4 was taken" in made.notes[-1]


@pytest.mark.parametrize(
    ("name", "wishes", "sentence"),
    [
        ("plain", {"label": "3"}, r"'plain' \(gan\) takes no class\.\nExpected: .*classes"),
        ("plain", {"until": "2020-01-20"}, r"forecasts nothing\.\nExpected: .*days"),
        ("classes", {"image": "image.png"}, r"takes no input image\.\nExpected: .*enlarger.*pixels"),
        ("days", {"label": "3"}, "takes no class"),
        ("pyramid", {"label": "3"}, "'digits' has no classes to ask for"),
        ("reader", {}, r"'reader' \(mlp\) makes no samples"),
        ("enlarger", {}, "enlarges an image, and was given none"),
        ("clases", {}, "did you mean 'classes'"),
        ("classes@champoin", {}, "no alias 'champoin'; did you mean 'champion'"),
        ("classes/7", {}, "no version or alias '7'"),
        ("classes@champion/1", {}, "NAME@alias or NAME/version"),
    ],
)
def test_what_a_model_cannot_do_is_a_sentence_and_writes_nothing(name, wishes, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        generate_samples(name, tmp_path / "out", dict(**wishes))
    assert not (tmp_path / "out").exists()


def test_the_champion_is_taken_else_the_newest_with_a_note():
    assert [(find_version(word)[0].version, find_version(word)[1]) for word in ("classes", "classes/1")] == [
        (1, [])
    ] * 2
    info, notes = find_version("plain")
    assert (info.version, notes) == (
        1,
        ["'plain' has no champion: this is its newest version, 1, of which the gate said PROMOTE."],
    )


def test_a_folder_with_files_is_left_alone_unless_forced(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        generate_samples("plain", tmp_path, {"number": 1})
    generate_samples("plain", tmp_path, {"number": 1}, force=True)
    assert sorted(written(tmp_path)) == ["00000.png", "contact-sheet.png", "mine.txt"]
    with pytest.raises(UserError, match="not a folder"):
        generate_samples("plain", tmp_path / "mine.txt", {"number": 1})
    with pytest.raises(UserError, match="can't be written"):
        generate_samples("plain", tmp_path / "mine.txt" / "below", {"number": 1})


@pytest.mark.parametrize(
    ("mode", "size", "suffix"),
    [("L", (2, 2), "png"), ("RGBA", (31, 3), "webp"), ("RGB", (9, 5), "jpg"), ("P", (4, 4), "png")],
)
def test_a_grey_image_of_any_mode_and_size_is_enlarged(mode, size, suffix, tmp_path):
    Image.new("L", size, 1).convert(mode).save(tmp_path / f"small.{suffix}")
    made = generate_samples("enlarger", tmp_path / "out", {"image": tmp_path / f"small.{suffix}"})
    assert [path.name for path in made.files] == ["small-x2.png"]
    image = Image.open(made.files[0])
    assert (image.mode, image.size) == ("L", (2 * size[0], 2 * size[1]))
    sha256 = hashlib.sha256((tmp_path / f"small.{suffix}").read_bytes()).hexdigest()
    assert image.text["given"] == f"image sha256 {sha256}"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_completion_keeps_what_is_opaque(tmp_path):
    ramp = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "whole.png")
    hole = np.full((8, 8), 255, np.uint8)
    hole[2:4, 5] = 0
    Image.merge("LA", [Image.fromarray(ramp), Image.fromarray(hole)]).save(tmp_path / "hole.png")
    for name, known in (("whole", np.arange(8)[:, None].repeat(8, 1) < 4), ("hole", hole > 0)):
        made = generate_samples("pixels", tmp_path / name, {"number": 3, "image": tmp_path / f"{name}.png"})
        drawn = np.stack([pixels(path) for path in made.files[:3]])
        assert (drawn[:, known] == ramp[known]).all()
        assert len({tuple(image[~known]) for image in drawn}) == 3


def bad_images(folder):
    """The name of each image that must be refused, and what must be said."""
    Image.new("L", (5, 1)).save(folder / "thin.png")
    Image.new("L", (9, 8)).save(folder / "other.png")
    Image.new("1", (6000, 6000)).save(folder / "huge.png")
    Image.new("RGB", (8, 8), (90, 120, 90)).save(folder / "green.png")
    Image.new("CMYK", (8, 8)).save(folder / "print.jpg")
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("I am not an image.")
    Image.effect_noise((64, 64), 99).save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:1500])
    return {
        "thin": "5×1, smaller than 2 pixels", "huge": "more than 25 megapixels", "empty": "0 bytes", "text": "no image",
        "cut": "ends too early", "missing": "No such file",
        "green": "in colour, and the model knows only grey", "other": "has 9×8 pixels.\nExpected: 8×8",
    }  # fmt: skip


def test_an_image_that_is_none_is_a_sentence(tmp_path):
    for name, sentence in bad_images(tmp_path).items():
        with pytest.raises(UserError, match=sentence):
            generate_samples("pixels", tmp_path / "out", {"number": 1, "image": tmp_path / f"{name}.png"})
    with pytest.raises(UserError, match="is in CMYK"):
        generate_samples("pixels", tmp_path / "out", {"number": 1, "image": tmp_path / "print.jpg"})
    Image.new("1", (4900, 4900)).save(tmp_path / "large.png")
    with pytest.raises(UserError, match="too many to be enlarged 2 times"):
        generate_samples("enlarger", tmp_path / "out", {"image": tmp_path / "large.png"})
    assert not (tmp_path / "out").exists()


def test_a_forecast_begins_after_the_date_and_says_whence_it_comes(tmp_path):
    for folder in ("a", "b"):
        made = generate_samples("days", tmp_path / folder, {"number": 5, "seed": 2, "until": "2020-01-20T02:00+02:00"})
    assert written(tmp_path / "a") == written(tmp_path / "b")
    table = pd.read_csv(made.files[0])
    assert list(table) == ["unique_id", "ds", "mean", "q0.025", "q0.1", "q0.5", "q0.9", "q0.975", "ai_generated"]
    assert list(table["ds"]) == [f"2020-01-{day}" for day in (21, 22, 23, 24)] * 2
    assert list(table["ai_generated"]) == [True] * 8
    told = json.loads((tmp_path / "a" / "provenance.json").read_text())
    assert (told["AI-generated"], told["dataset"], told["given"], told["seed"]) == (
        "true",
        "days",
        "until 2020-01-20",
        "2",
    )
    assert told == made.provenance.words


def test_each_series_goes_on_from_its_end_or_is_left_out(tmp_path):
    whole = generate_samples("days", tmp_path / "whole", {"number": 5})
    table = pd.read_csv(whole.files[0]).groupby("unique_id")["ds"].first()
    assert table.to_dict() == {"a": "2020-02-10", "b": "2020-01-31"}
    late = generate_samples("days", tmp_path / "late", {"number": 5, "until": "2020-02-09"})
    assert set(pd.read_csv(late.files[0])["unique_id"]) == {"a"}
    assert "Left out, for they don't reach so far or have too little of the past: b." in late.notes


def forecast(out, until=None, **wishes):
    """What the zoned version forecasts: the first moment of each series, what was given, and the notes."""
    made = generate_samples("zoned", out, dict(until=until, **wishes))
    first = pd.read_csv(made.files[0]).groupby("unique_id")["ds"].first().to_dict()
    return first, made.provenance.given, made.notes[1:]


def test_a_forecast_begins_after_the_last_value_in_the_zone_of_the_data(tmp_path):
    assert forecast(tmp_path / "end") == (
        {"p": "2020-02-07 07:00:00+01:00", "q": "2020-02-05 07:00:00+01:00"},
        "until 2020-02-06 07:00+01:00 (p), 2020-02-04 07:00+01:00 (q)",
        [],
    )
    both = {"p": "2020-01-21 07:00:00+01:00", "q": "2020-01-21 07:00:00+01:00"}
    for number, until in enumerate(("2020-01-20T06:00Z", "2020-01-20T07:00", "2020-01-20T01:00-05:00", "2020-01-21")):
        assert forecast(tmp_path / str(number), until) == (both, "until 2020-01-20 07:00+01:00", [])
    with pytest.raises(UserError, match=r"a date from 2020-01-10 07:00\+01:00 to 2020-02-06 07:00\+01:00"):
        forecast(tmp_path / "late", "2020-02-07T07:00")


def test_a_gap_before_the_date_is_no_knowledge(tmp_path):
    made = generate_samples("days", tmp_path / "gap", {"number": 5, "until": "2020-01-13"})  # has no value
    table = pd.read_csv(made.files[0]).groupby("unique_id")["ds"].first()
    assert (table.to_dict(), made.provenance.given) == ({"a": "2020-01-13", "b": "2020-01-13"}, "until 2020-01-12")


def test_quantiles_that_a_family_knows_are_the_same_for_every_seed(tmp_path):
    tables = [generate_samples("zoned", tmp_path / str(seed), {"seed": seed}).files[0] for seed in (0, 1)]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    assert forecast(tmp_path / "few", number=5)[2] == [
        "This family knows its quantiles and draws no futures: -n changes nothing."
    ]


def test_sets_that_were_taken_in_before_are_written_in_utc(home):
    card = read_card(home / "data" / "zoned").model_copy(update={"zone": ""})
    assert forecasts._zone(card) == ""
    assert forecasts._zone(card.model_copy(update={"policy": {"time": "converted to UTC"}})) == "+00:00"
    assert forecasts._zone(card.model_copy(update={"policy": {"time": "without a time zone, taken as UTC"}})) == ""


@pytest.mark.parametrize("until", ["2020-01-09", "2020-02-10", "yesterday", "2020-13-01", ""])
def test_a_date_out_of_range_names_the_range(until, tmp_path):
    with pytest.raises(UserError, match="a date from 2020-01-10 to 2020-02-09"):
        generate_samples("days", tmp_path / "out", {"until": until})


def test_the_command_prints_what_was_written(tmp_path):
    shown = CliRunner().invoke(cli, ["generate", "plain", "-n", "3", "-o", str(tmp_path / "a")])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        f"{tmp_path}/a/00000.png … 00002.png   plain version 1",
        f"{tmp_path}/a/contact-sheet.png",
    ]
    assert "has no champion" in shown.stderr
    parsed = CliRunner().invoke(cli, ["generate", "plain/1", "-n", "1", "-o", str(tmp_path / "b"), "--json"])
    told = json.loads(parsed.stdout)
    assert told["files"] == [f"{tmp_path}/b/00000.png", f"{tmp_path}/b/contact-sheet.png"]
    assert (told["notes"], told["provenance"]["AI-generated"]) == ([], "true")


@pytest.mark.parametrize("name", ["plain", "classes", "pyramid"])
def test_python_users_are_given_the_pixels_that_are_written(name, tmp_path):
    generate_samples(name, tmp_path / "written", {"number": 5, "seed": 7})
    drawn = genfoundry.load(name).sample(5, seed=7)
    assert (drawn.shape, drawn.dtype) == ((5, 8, 8, 1), np.uint8)
    for number, image in enumerate(drawn):
        assert np.array_equal(pixels(tmp_path / "written" / f"{number:05d}.png"), image[..., 0])


def test_futures_are_floats_by_draw_series_and_step():
    model = genfoundry.load("days/1")
    drawn = model.sample(6, seed=7)
    assert (drawn.shape, drawn.dtype) == ((6, 2, SERIES.horizon), np.float64)
    assert np.array_equal(drawn, model.sample(6, seed=7))
    assert not np.array_equal(drawn, model.sample(6, seed=8))
    assert np.isfinite(genfoundry.load("zoned").sample(3, until="2020-01-30")).all()


def test_a_class_and_an_image_are_asked_for_by_the_tasks_words(tmp_path):
    assert genfoundry.load("roman").sample(2, label="10").shape == (2, 8, 8, 1)
    Image.fromarray(np.zeros((6, 5), np.uint8)).save(tmp_path / "small.png")
    assert genfoundry.load("enlarger").sample(image=tmp_path / "small.png").shape == (1, 12, 10, 1)


@pytest.mark.parametrize(
    ("name", "wishes", "sentence"),
    [
        ("reader", {}, "makes no samples"),
        ("plain", {"label": "3"}, "takes no class"),
        ("plain", {"lable": "3"}, "did you mean 'label'?"),
        ("plain", {"number": 0}, "-n 0"),
        ("enlarger", {}, "was given none"),
        ("plian", {}, "did you mean 'plain'?"),
        ("plain@challenger", {}, "has no alias 'challenger'"),
    ],
)
def test_what_python_users_ask_in_vain_is_said(name, wishes, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        genfoundry.load(name).sample(**wishes)


def test_a_loaded_model_says_what_it_is_and_predicts_as_it_is_served():
    model = genfoundry.load("classes@champion")
    assert (model.name, model.version, model.card) == ("classes", 1, "A card.")
    assert model._repr_markdown_() == "A card."
    assert model.predict(pd.DataFrame({"seed": range(3)})).shape == (3, 8, 8, 1)
    assert genfoundry.load("reader").predict(np.zeros((2, 8, 8, 1), np.uint8)).shape == (2, 10)
    assert {"classes", "reader"} <= {each.name for each in genfoundry.registered()}


def test_two_words_for_one_model_are_answered_with_the_one():
    for words, right in ((["classes", "champion"], "classes@champion"), (["classes", "1"], "classes/1")):
        done = CliRunner().invoke(cli, ["generate", *words, "-o", "x"])
        assert done.exit_code == 2
        assert f"genfoundry generate {right} " in done.stderr
    for words in (["classes@champion"], ["classes/1"], ["classes", "champion"]):
        assert CliRunner().invoke(cli, ["registry", "show", *words]).stdout == "A card.\n"
