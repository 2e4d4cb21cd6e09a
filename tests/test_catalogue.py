"""What `genfoundry models` says of every family, and that each can be run on data that needs no download."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from flows import recipes as shelf
from flows.commands.models import models
from genfoundry import catalog

EMBEDDED = {"mnist-5k", "digits", "photos", "nyc-weather", "stocks", "sunspots"}
SECOND = {"image": {"fashion-mnist", "photos"}, "series": {"stocks", "sunspots"}}


@pytest.fixture(scope="module")
def listed() -> dict[str, dict]:
    return {row["family"]: row for row in json.loads(CliRunner().invoke(models, ["--json"]).stdout)}


def test_every_family_is_listed_with_its_paper_kind_and_abilities(listed):
    assert sorted(listed) == catalog.names("models")
    for row in listed.values():
        assert row["paper"].endswith(".")
        assert row["kind"] in ("image", "series")
        assert row["capabilities"]


@pytest.mark.parametrize("family", catalog.names("models"))
def test_every_family_has_a_recipe_for_embedded_data_and_one_for_more(family, listed):
    data = {shelf.load(name).dataset.name for name in listed[family]["recipes"]}
    assert data & EMBEDDED
    assert data & SECOND[listed[family]["kind"]]


def test_only_what_a_family_does_itself_is_said_of_it(listed):
    assert listed["cnn"]["capabilities"] == ["embeds", "classifies"]
    assert listed["cgan"]["capabilities"] == ["samples of any class"]
    assert "exact likelihood" in listed["pixelcnn"]["capabilities"]
    assert "a bound of the likelihood" in listed["vae"]["capabilities"]


def test_the_list_names_every_recipe_whole():
    text = CliRunner().invoke(models).stdout.replace(",", " ").split()
    assert {*text} >= set(shelf.names())
