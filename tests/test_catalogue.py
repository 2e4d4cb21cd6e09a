"""What `genfoundry models` says of every family, and that each can be run on data that needs no download."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner
from genfoundry_flows import recipes
from genfoundry_flows.commands.models import models
from support import contracts

from genfoundry import catalog, model
from genfoundry.errors import UserError
from genfoundry.project import documents, places

EMBEDDED = {"mnist-5k", "digits", "flights", "photos", "nyc-weather", "stocks", "sunspots"}
SECOND = {"image": {"fashion-mnist", "photos"}, "series": {"stocks", "sunspots"}, "table": {"credit"}}


@pytest.fixture(scope="module")
def listed() -> dict[str, dict]:
    return {row["family"]: row for row in json.loads(CliRunner().invoke(models, ["--json"]).stdout)}


def test_every_family_is_listed_with_its_paper_kind_and_abilities(listed):
    assert sorted(listed) == catalog.names("models")
    for row in listed.values():
        assert row["paper"].endswith(".")
        assert row["kind"] in catalog.names("kinds")
        assert row["capabilities"]


@pytest.mark.parametrize("family", catalog.names("models"))
def test_every_family_has_a_recipe_for_embedded_data_and_one_for_more(family, listed):
    data = {recipes.load(name).dataset.name for name in listed[family]["recipes"]}
    assert data & EMBEDDED
    assert data & SECOND[listed[family]["kind"]]


def test_only_what_a_family_does_itself_is_said_of_it(listed):
    assert listed["cnn"]["capabilities"] == ["embeds", "classifies"]
    assert listed["cgan"]["capabilities"] == ["samples of any class"]
    assert "exact likelihood" in listed["pixelcnn"]["capabilities"]
    assert "a bound of the likelihood" in listed["vae"]["capabilities"]


def test_the_list_names_every_recipe_whole():
    text = CliRunner().invoke(models).stdout.replace(",", " ").split()
    assert {*text} >= set(recipes.names())


def test_the_list_loads_each_recipe_once(monkeypatch):
    loaded, parsed, load = [], [], recipes.load

    class Counting(documents.LOADER):
        def __init__(self, text: str) -> None:
            parsed.append(text)
            super().__init__(text)

    def counted(name: str):
        loaded.append(name)
        return load(name)

    monkeypatch.setattr(recipes, "load", counted)
    monkeypatch.setattr(documents, "LOADER", Counting)
    documents._read.cache_clear()
    assert CliRunner().invoke(models, ["--json"]).exit_code == 0
    assert sorted(loaded) == recipes.names()
    assert len(parsed) == len(loaded)
    load("dcgan", {"dataset.name": "digits"})  # reads where every recipe is at home
    assert len(parsed) == len(loaded)


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of two kinds of data, one of them a single file."""
    folder = tmp_path / "kinds"
    (folder / "ear_trumpet").mkdir(parents=True)
    (folder / "ear_trumpet" / "__init__.py").write_text('"""Sound."""\n')
    (folder / "ear_trumpet" / "rows.py").write_text("COUNT = 3\n")
    (folder / "smell.py").write_text("")
    monkeypatch.setattr(places, "PACKAGE", tmp_path)
    return folder


def test_a_part_of_an_entry_is_a_module_of_its_own_or_the_entrys_one_file(kinds: Path):
    assert catalog.names("kinds") == ["ear_trumpet", "smell"]
    assert catalog.module_name("kinds", "ear_trumpet") == "genfoundry.kinds.ear_trumpet"
    assert catalog.module_name("kinds", "ear_trumpet", "rows") == "genfoundry.kinds.ear_trumpet.rows"
    assert catalog.module_name("kinds", "smell", "rows") == "genfoundry.kinds.smell"
    assert catalog.source("kinds", "ear_trumpet") == kinds / "ear_trumpet" / "__init__.py"
    assert catalog.source("kinds", "ear_trumpet", "rows") == kinds / "ear_trumpet" / "rows.py"
    assert catalog.source("kinds", "smell", "rows") == kinds / "smell.py"


def test_an_entry_or_a_part_that_is_not_there_is_told_in_a_sentence(kinds: Path):
    with pytest.raises(UserError, match="no kind of data 'smel'; did you mean 'smell'"):
        catalog.module_name("kinds", "smel", "rows")
    with pytest.raises(UserError, match=r"The kind of data 'ear_trumpet' has no part 'suite'.\n.*suite\.py"):
        catalog.part("kinds", "ear_trumpet", "suite")


def test_a_part_is_imported_when_it_is_asked_for(kinds: Path, monkeypatch: pytest.MonkeyPatch):
    import genfoundry.kinds

    monkeypatch.setattr(genfoundry.kinds, "__path__", [str(kinds)])
    for name in ("genfoundry.kinds.ear_trumpet", "genfoundry.kinds.ear_trumpet.rows"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert catalog.module("kinds", "ear_trumpet").__doc__ == "Sound."
    assert "genfoundry.kinds.ear_trumpet.rows" not in sys.modules
    assert catalog.part("kinds", "ear_trumpet", "rows").COUNT == 3


def test_every_capability_is_one_protocol_of_the_model_and_is_held_by_the_contract():
    protocols = [each for each in vars(model).values() if getattr(each, "_is_protocol", False) and each is not Protocol]
    methods = {name for each in protocols for name in vars(each) if inspect.isfunction(vars(each)[name])}
    said = {name for name in methods if not name.startswith("_")}
    assert {*model.CAPABILITIES} == said | {"sample"}
    assert catalog.capabilities() == model.CAPABILITIES
    assert {*contracts.CAPABILITIES} | {"sample"} == {*model.CAPABILITIES}
