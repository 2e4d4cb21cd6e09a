"""What `genfoundry new` writes runs and keeps its contract at once, and nothing that is there is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from genfoundry_flows import new_entries, recipes
from genfoundry_flows.cli import cli
from support.own_project import here, own_project

from genfoundry import catalog, metric
from genfoundry.contracts import entries, tasks
from genfoundry.errors import UserError
from genfoundry.model import Model
from genfoundry.project import places


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return here(own_project(tmp_path / "ein Projekt ü"), monkeypatch)


def new(*words: str) -> Result:
    return CliRunner().invoke(cli, ["new", *words])


def refused(*words: str) -> str:
    error = new(*words).exception
    assert isinstance(error, UserError), error
    return str(error)


@pytest.mark.parametrize("what", new_entries.GROUPS)
def test_what_begins_from_nothing_keeps_its_contract(what: str, project: Path) -> None:
    made = new(what, "mine")
    assert made.exit_code == 0, made.output
    group = new_entries.GROUPS[what]
    home = project / "acme_lab" / group
    written = [path for path in home.rglob("*") if path.is_file()]
    assert {f"Wrote {path}" for path in written} < {*made.output.splitlines()}
    assert not [path for path in written if "template" in path.read_text().lower()]
    (full,) = entries.of_others(group)
    assert made.output.splitlines()[-1] == f"Try whether it keeps what it promises: genfoundry check {full}"
    assert full == ("acme:mine" if what in ("family", "metric") else "mine")
    assert entries.check(group, full)


@pytest.mark.parametrize("name", catalog.names("metrics"))
def test_a_metric_that_begins_from_another_has_scores_of_its_own(name: str, project: Path) -> None:
    assert new("metric", "mine", "--from", name).exit_code == 0
    copied, was = (metric.declared(catalog.source("metrics", each)) for each in ("acme:mine", name))
    assert [score.name for score in copied.scores] == [
        "mine" if score.name == name else f"mine_{score.name}" for score in was.scores
    ]
    assert copied.views == was.views
    assert entries.check("metrics", "acme:mine")


@pytest.mark.parametrize("name", catalog.names("models"))
def test_a_family_that_begins_from_another_is_that_under_its_own_name(name: str, project: Path) -> None:
    assert new("family", "my_own", "--from", name).exit_code == 0
    copied, was = (catalog.describe("models", each) for each in ("acme:my_own", name))
    assert copied.model_dump(exclude={"name"}) == was.model_dump(exclude={"name"})
    assert catalog.load("models", "acme:my_own", Model).__name__ == "MyOwn"
    assert catalog.load("models", "acme:my_own", Model).__module__ == "acme_lab.models.my_own"


def test_a_family_of_a_shipped_name_is_another_one(project: Path) -> None:
    made = new("family", "mlp", "--from", "mlp")
    assert "The shipped family 'mlp' stays: yours is 'acme:mlp'." in made.output
    assert entries.check("models", "acme:mlp").startswith("trains, is saved")
    assert recipes.load("mlp").model.family == "mlp"  # what is shipped means what is shipped
    assert new("recipe", "mine", "--family", "acme:mlp").exit_code == 0
    assert recipes.load("mine").model.family == "acme:mlp"
    with pytest.raises(UserError, match="genfoundry:mlp and acme:mlp"):
        recipes.load("cnn", {"model.family": "mlp"})
    with (project / "genfoundry.toml").open("a") as mark:
        mark.write('override = ["models/mlp"]\n')
    assert recipes.load("mlp").model.family == "acme:mlp"


def test_an_own_entry_is_what_another_own_one_begins_from(project: Path) -> None:
    new("family", "one", "--from", "mlp")
    helper = project / "acme_lab" / "models" / "_width.py"
    helper.write_text("WIDTH = 9\n")
    path = project / "acme_lab" / "models" / "one.py"
    path.write_text(
        path.read_text().replace(
            "from genfoundry.kinds.image.rows", "from ._width import WIDTH\nfrom genfoundry.kinds.image.rows"
        )
    )
    assert new("family", "two", "--from", "one").exit_code == 0
    assert "from acme_lab.models._width import WIDTH" in path.with_name("two.py").read_text()
    assert entries.of_others("models") == ["acme:one", "acme:two"]
    assert catalog.load("models", "acme:two", Model).__name__ == "Two"


def test_a_dataset_that_begins_from_another(project: Path) -> None:
    assert new("dataset", "my-digits", "--from", "digits").exit_code == 0
    assert (project / "acme_lab" / "datasets" / "my_digits.py").exists()
    assert entries.check("datasets", "my-digits") == "is built, the same each time: 1442 train, 355 test"
    assert "There is a dataset 'mnist-5k' already" in refused("dataset", "mnist-5k")


@pytest.mark.parametrize("name", catalog.names("kinds"))
def test_a_kind_that_begins_from_another_is_all_its_own(name: str, project: Path) -> None:
    made = new("kind", "mine", "--from", name)
    assert made.exit_code == 0, made.output
    home = project / "acme_lab" / "kinds" / "mine"
    assert [path for path in home.rglob("*.py") if f"genfoundry.kinds.{name}" in path.read_text()] == []
    spec = catalog.part("kinds", "mine", "spec").SPEC
    assert spec.__module__ == "acme_lab.kinds.mine.spec"
    assert spec.model_fields["kind"].default == "mine"
    assert f"; {name} would take it, too, so data add asks for --kind" in entries.check("kinds", "mine")


@pytest.mark.parametrize("name", catalog.names("tasks"))
def test_a_task_that_begins_from_another_is_all_its_own(name: str, project: Path) -> None:
    made = new("task", "mine", "--from", name)
    assert made.exit_code == 0, made.output
    home = project / "acme_lab" / "tasks" / "mine"
    assert [path for path in home.rglob("*.py") if f"genfoundry.tasks.{name}" in path.read_text()] == []
    from genfoundry import task

    tasks.check_words(task.of("mine"))
    tasks.check_parts(task.of("mine"))
    assert metric.score_kinds()


def test_nothing_is_overwritten_and_a_name_is_one_that_can_be_imported(project: Path) -> None:
    assert new("family", "mine").exit_code == 0
    before = (project / "acme_lab" / "models" / "mine.py").read_bytes()
    assert (project / "acme_lab" / "models" / "mine.py").stat().st_mode == (project / "genfoundry.toml").stat().st_mode
    assert "mine.py is there already" in refused("family", "mine", "--from", "mlp")
    assert (project / "acme_lab" / "models" / "mine.py").read_bytes() == before
    for wrong in ("my-d", "2x", "a b", "ünder", "_x", "class "):
        remedy = refused("family", wrong).rpartition("Remedy: genfoundry ")[2]
        assert new(*remedy.split()[1:]).exit_code == 0, remedy
    assert "There is no family 'dcgam'; did you mean 'dcgan'?" in refused("family", "other", "--from", "dcgam")
    assert new("recipe", "mine").exit_code == 0
    assert "mine.yaml is there already" in refused("recipe", "mine")
    remedy = refused("recipe", "dcgan").rpartition("Remedy: genfoundry ")[2]
    assert new(*remedy.split()[1:]).exit_code == 0
    assert recipes.load("my-dcgan").model == recipes.load("dcgan").model
    assert "joins the parts" in refused("recipe", "a--b")
    assert "There is no recipe 'dcgam'" in refused("recipe", "other", "--from", "dcgam")
    assert {path.stem for path in (project / "recipes").iterdir()} == {"mine", "my-dcgan"}


@pytest.mark.parametrize("shared", [False, True])
def test_without_a_package_the_remedy_is_taken(shared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = here(tmp_path / "my project", monkeypatch)
    (project / ".git").mkdir(parents=True)
    if not shared:
        (project / "genfoundry.toml").write_text('slug = "acme"')
    told = refused("family", "ddpm")
    assert "no package of its own" in told
    subprocess.run(told.rpartition("Remedy: ")[2], shell=True, check=True)
    made = new("family", "ddpm")
    assert made.exit_code == 0, made.output
    assert entries.of_others("models") == ["my_project:ddpm" if shared else "acme:ddpm"]


def test_outside_a_project_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENFOUNDRY_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert "genfoundry init" in refused("family", "ddpm")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("genfoundry", "genfoundry needs for itself"),
        ("datasets", "genfoundry needs for itself"),
        ("types", "Python's own library"),
        ("my-lab", "no name that can be imported"),
        ("numpy", "the name of an installed package"),
    ],
)
def test_a_package_whose_name_is_somebody_elses_is_refused_with_the_file(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = here(own_project(tmp_path, package=name), monkeypatch)
    told = refused("family", "ddpm")
    assert why in told
    assert str(project / "genfoundry.toml") in told
    assert [*(project / name).iterdir()] == []


def test_templates_are_no_entries() -> None:
    assert places.file_of("genfoundry_flows.templates.family") == new_entries.TEMPLATES / "family.py"
    assert "template" not in {
        catalog.bare(name) for group in new_entries.GROUPS.values() for name in catalog.names(group)
    }
