"""How often the project is looked for."""

from __future__ import annotations

import json

from click.testing import CliRunner
from genfoundry_flows.commands.models import models

from genfoundry.project import places
from genfoundry.project.looks import one_look


def test_a_list_of_all_families_and_recipes_looks_once(monkeypatch):
    looks, look = [], places._home

    def counted():
        looks.append(1)
        return look()

    monkeypatch.setattr(places, "_home", counted)
    done = CliRunner().invoke(models, ["--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) >= 14
    assert len(looks) == 1


def test_a_look_sees_one_state_and_the_next_one_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    mark = tmp_path / "genfoundry.toml"

    @one_look
    def twice() -> list[str]:
        mark.write_text('slug = "one"')
        before = places.settings().slug
        mark.write_text('slug = "two"')
        return [before, places.settings().slug]

    assert twice() == ["one", "one"]
    assert places.settings().slug == "two"
