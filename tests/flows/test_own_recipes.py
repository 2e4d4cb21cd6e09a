"""A recipe that begins from what it can't is told so, with its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from genfoundry_flows import recipes
from support.own_project import here, own_project

from genfoundry.errors import UserError


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a": "from: a"}, "begins from itself: a.yaml from a.yaml"),
        ({"a": "from: b", "b": "from: c", "c": "from: a"}, "begins from itself"),
        ({"a": "from: dcgam"}, "There is no recipe 'dcgam'; did you mean 'dcgan'"),
        ({"a": "from: [b]"}, r"from = \['b'\]"),
        ({"a": "from: b", "b": "model: {family: !!python/object/apply:os.getcwd []}"}, "not YAML"),
        ({"a": "from: ../../etc/passwd"}, "There is no recipe"),
        ({"a": "from: ../a.yaml"}, "is not there"),
        ({"a": "from: dcgan\ntraning: {}"}, "unknown key 'traning'; did you mean 'training'"),
    ],
)
def test_what_a_recipe_can_not_begin_from(
    files: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = here(own_project(tmp_path / "project"), monkeypatch)
    folder = project / "recipes"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    with pytest.raises(UserError, match=says) as told:
        recipes.load("a")
    assert any(f"{name}.yaml" in str(told.value) for name in files)
    assert recipes.load("mlp").model.family == "mlp"
