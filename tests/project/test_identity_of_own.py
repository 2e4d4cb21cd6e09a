"""A change of what an own family reaches changes the keys of what reaches it, and no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from genfoundry_flows import recipes
from support.distribution import distribution
from support.own_project import here, own_project

from genfoundry import catalog, identity
from genfoundry.records import DatasetVersion

MLP = (catalog.folder("models") / "mlp.py").read_text()
BASE = MLP.replace("class MLP(", "class Base(")
RECIPE = "dataset: {name: digits}\nmodel: {family: 'FAMILY'}\ntraining: {max_steps: 4}\n"


def with_base(base: str, name: str) -> str:
    """A family that is all of a base class but for its Config."""
    return (
        f'"""Title.\n\nA paper."""\nfrom {base} import Base\n\n\nclass {name}(Base):\n'
        '    """One."""\n\n    class Config(Base.Config):\n        """None."""\n\n    config: Config\n'
    )


def with_width(home: str) -> str:
    """A family whose width is a constant of another module."""
    return MLP.replace("from math import prod", f"from math import prod\nfrom {home} import WIDTH").replace(
        "default=128", "default=WIDTH"
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Own families with a helper, with a base class, by themselves; and a plug-in's, with a helper of its own."""
    plugin = {
        "team_base/__init__.py": "",
        "team_base/base.py": BASE,
        "team_base/sizes.py": "WIDTH = 128\n",
        "team_base/deep.py": with_width("team_base.sizes"),
    }
    site = distribution(tmp_path / "site", "team-base", plugin, {"models": {"deep": "team_base.deep"}})
    monkeypatch.syspath_prepend(str(site))
    home = own_project(tmp_path / "project")
    files = {
        "acme_lab/sizes.py": "WIDTH = 3\n",
        "acme_lab/base.py": BASE,
        "acme_lab/models/helped.py": with_width("..sizes"),
        "acme_lab/models/based.py": with_base("acme_lab.base", "Based"),
        "acme_lab/models/alone.py": MLP,
        "recipes/parent.yaml": RECIPE.replace("FAMILY", "mlp"),
        "recipes/child.yaml": "from: parent\ntraining: {batch_size: 32}\n",
        "recipes/plugged.yaml": RECIPE.replace("FAMILY", "team-base:deep"),
        **{f"recipes/{name}.yaml": RECIPE.replace("FAMILY", f"acme:{name}") for name in ("helped", "based", "alone")},
    }
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    return here(home, monkeypatch)


def keys() -> dict[str, str]:
    """The run key of every own recipe."""
    data = DatasetVersion.model_construct(name="digits", kind="image", digest="data")
    found = {}
    for name in ("helped", "based", "alone", "parent", "child", "plugged"):
        recipe = recipes.load(name)
        training = recipe.training.model_dump(mode="json")
        found[name] = identity.run_key(recipe.model.family, recipe.model.settings, training, data)
    return found


def changed_by(path: Path, was: str, becomes: str) -> set[str]:
    """The recipes whose key is another one once a file says something else."""
    before = keys()
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes))
    return {name for name, key in keys().items() if key != before[name]}


@pytest.mark.parametrize(
    ("path", "was", "becomes", "changed"),
    [
        ("project/acme_lab/sizes.py", "3", "4", {"helped"}),
        ("project/acme_lab/sizes.py", "WIDTH = 3", "# said anew\nWIDTH = 3", set()),
        ("project/acme_lab/base.py", "2e-3", "1e-3", {"based"}),
        ("project/acme_lab/base.py", "one hidden layer", "a hidden layer", set()),
        ("project/acme_lab/models/alone.py", "2e-3", "1e-3", {"alone"}),
        ("project/recipes/parent.yaml", "max_steps: 4", "max_steps: 5", {"parent", "child"}),
        ("project/recipes/child.yaml", "32", "16", {"child"}),
        ("site/team_base/sizes.py", "128", "64", {"plugged"}),
        ("site/team_base/base.py", "2e-3", "1e-3", set()),
    ],
)
def test_exactly_what_reaches_it_trains_anew(
    path: str, was: str, becomes: str, changed: set[str], project: Path
) -> None:
    assert changed_by(project.parent / path, was, becomes) == changed
    assert "team_base" not in sys.modules  # keys are read, never run


def test_a_base_class_of_a_plug_in_is_reached_from_an_own_family(project: Path) -> None:
    (project / "acme_lab" / "models" / "alone.py").write_text(with_base("team_base.base", "Alone"))
    assert changed_by(project.parent / "site" / "team_base" / "base.py", "2e-3", "1e-3") == {"alone"}
