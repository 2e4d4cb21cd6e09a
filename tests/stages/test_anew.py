"""What would be trained anew is named with its reason before it is: by what a run's key was made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.own_projects import made
from support.tracked import DATA, PASS, evaluation, tiny_model

from genfoundry import __version__, tracking
from genfoundry.files import canonical_json
from genfoundry.identity import key_of, run_key, run_parts
from genfoundry.records import DatasetVersion
from genfoundry.stages import anew
from genfoundry.training.settings import Settings

TRAINING = Settings(max_steps=2, batch_size=8).model_dump(mode="json")
SETTINGS = {"width": 8}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a family of its own."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(made(folder)))
    return folder


def parts(**changes) -> dict:
    given = {"family": "acme:first", "settings": SETTINGS, "training": TRAINING, "dataset": DATA, **changes}
    return run_parts(**given)


def trained(now: dict, folder: Path, *, told: bool = True) -> str:
    """A finished run of these parts, as `train_model` leaves it; `told` is False of the release before."""
    run_id = tracking.start_run(key_of(now), recipe="one", tags={"dataset": DATA.name}, params={}, dataset=DATA)
    if told:
        anew.keep(run_id, now)
    tracking.publish_model(run_id, folder)
    settings = {"family": now["family"], "model": now["settings"], "training": now["training"]}
    tracking.log_text(run_id, canonical_json(settings), "settings.json")
    tracking.finish(run_id, "FINISHED", "COMPLETED", "Trained.")
    return run_id


def champion(now: dict, folder: Path, **options) -> None:
    weights = tiny_model(folder)
    run_id = trained(now, folder, **options)
    found = evaluation(key_of(now), run_id, weights)
    found = found.model_copy(update={"checkpoint": found.checkpoint.model_copy(update={"family": now["family"]})})
    version = tracking.register("acme--one", run_id, found, PASS, "key", "A card.", {"family": "acme:first"})
    tracking.set_alias("acme--one", "champion", version, "first")


def test_the_key_is_that_of_its_parts(project):
    assert run_key("acme:first", SETTINGS, TRAINING, DATA) == key_of(parts())
    assert {"acme_lab.models.first", "acme_lab.units", "genfoundry.models.mlp"} <= set(parts()["code"])


def test_what_changed_is_named_by_its_file_before_it_trains(project, tmp_path):
    before = parts()
    trained(before, tiny(tmp_path))
    assert anew.why("one", DATA.name, before) == ""
    units = project / "acme_lab" / "units.py"
    units.write_text(units.read_text() + "\n# A comment changes nothing.\n")
    assert anew.why("one", DATA.name, parts()) == ""
    units.write_text(units.read_text().replace("return value", "return 2 * value"))
    assert anew.why("one", DATA.name, parts()) == "one on digits is trained anew: acme_lab/units.py changed."
    other = parts(dataset=DATA.model_copy(update={"digest": "f" * 32 + ".dir"}))
    assert "acme_lab/units.py changed, its data changed (0123456789ab → ffffffffffff)" in anew.why(
        "one", "digits", other
    )
    assert anew.why("one", DATA.name, parts(settings={"width": 9})) == ""  # never trained with these settings
    assert anew.why("two", DATA.name, parts()) == ""


def test_the_doctor_says_it_beforehand_and_finds_nothing_wrong(project, tmp_path):
    champion(parts(), tmp_path / "model")
    assert list(anew.champions()) == []
    (project / "acme_lab" / "models" / "first.py").write_text(
        (project / "acme_lab" / "models" / "first.py").read_text().replace("SCALE = 1.0", "SCALE = 1.5")
    )
    (sentence,) = anew.champions()
    assert sentence == "'acme--one' version 1 would be trained anew: acme_lab/models/first.py changed."


def test_a_run_of_the_release_before_is_of_another_release_and_no_more(project, tmp_path):
    champion({**parts(), "torch": "1.0"}, tmp_path / "model", told=False)
    (sentence,) = anew.champions()
    assert sentence == f"'acme--one' version 1 would be trained anew: it is of another release ({__version__})."


def test_a_file_that_is_not_what_the_key_was_made_of_is_not_believed(project, tmp_path):
    before = parts()
    run_id = trained(before, tiny(tmp_path))
    tracking.log_text(run_id, json.dumps({**before, "torch": "0.1"}), anew.FILE)
    assert "it is of another release" in anew.why("one", DATA.name, {**before, "torch": "9"})


def test_the_release_stands_in_the_tags_of_a_run(project, tmp_path):
    run_id = trained(parts(), tiny(tmp_path))
    assert tracking.release_of(run_id) == __version__


def tiny(folder: Path) -> Path:
    tiny_model(folder / "model")
    return folder / "model"


def test_settings_and_libraries_are_told_too(project):
    before = parts()
    now = {**before, "settings": {"width": 16}, "lightning": "9.9"}
    assert [*anew.differences(before, now)] == [
        "model.width 8 → 16",
        f"lightning {before['lightning']} → 9.9",
    ]
    assert isinstance(DATA, DatasetVersion)
