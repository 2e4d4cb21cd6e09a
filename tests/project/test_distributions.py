"""A distribution offers entries: listed from its metadata, imported on use; what of it is broken is named."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from genfoundry_flows import new_entries, recipes
from genfoundry_flows.cli import cli
from support.distribution import distribution
from support.own_project import called, here, own_project

from genfoundry import catalog, metric
from genfoundry.contracts import entries
from genfoundry.errors import UserError
from genfoundry.project import places

MLP = (catalog.folder("models") / "mlp.py").read_text()
METRIC = (new_entries.TEMPLATES / "metric.py").read_text().replace("template", "spread").replace("Template", "Spread")
RECIPE = "dataset: {name: digits}\nmodel: {family: FAMILY}\ntraining: {max_steps: 4}\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A distribution `Team_Lab` of a family, a metric and recipes, and of an entry point to nothing."""
    files = {
        "team_lab/__init__.py": f"import pathlib\npathlib.Path({str(tmp_path / 'imported')!r}).touch()\n",
        "team_lab/nets/deep.py": MLP.replace("class MLP(", "class Deep("),
        "team_lab/spread.py": METRIC,
        "team_lab/recipes/deep.yaml": RECIPE.replace("FAMILY", "deep"),
    }
    points = {
        "models": {"deep": "team_lab.nets.deep", "gone": "team_lab.nets.gone"},
        "metrics": {"spread": "team_lab.spread"},
        "recipes": {"all": "team_lab.recipes", "lost": "team_lab.no_recipes"},
    }
    return distribution(tmp_path / "site", "Team_Lab", files, points)


@pytest.fixture
def project(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(site))
    for name in [name for name in sys.modules if name.partition(".")[0] == "team_lab"]:
        monkeypatch.delitem(sys.modules, name)
    return here(own_project(tmp_path / "project"), monkeypatch)


def listed() -> tuple[dict[str, dict], Result]:
    done = CliRunner().invoke(cli, ["models", "--json"])
    assert done.exit_code == 0, done.output
    return {row["family"]: row for row in json.loads(done.stdout)}, done


def test_it_is_listed_from_metadata_and_what_leads_nowhere_is_named(project: Path, site: Path) -> None:
    rows, done = listed()
    assert (rows["team-lab:deep"]["origin"], rows["dcgan"]["origin"]) == ("team-lab", "genfoundry")
    assert rows["team-lab:deep"]["file"] == str(site / "team_lab" / "nets" / "deep.py")
    assert rows["team-lab:deep"]["recipes"] == ["deep"]
    assert "'team-lab:gone' is team_lab.nets.gone, and there is no such module" in done.stderr
    assert "'team-lab:lost' are team_lab.no_recipes, and there is no such folder" in done.stderr
    assert "reinstall team-lab" in done.stderr
    assert "spread" in metric.score_kinds()
    assert not (site.parent / "imported").exists()


def test_it_keeps_its_contract_where_that_is_asked_for(project: Path) -> None:
    assert entries.of_others("models") == []
    assert entries.of_others("models", installed=True) == ["team-lab:deep", "team-lab:gone"]
    assert entries.check("models", "team-lab:deep").startswith("trains, is saved")
    assert entries.check("metrics", "team-lab:spread") == "computes spread"
    with pytest.raises(UserError, match=r"team_lab\.nets\.gone, and there is no such module"):
        entries.check("models", "team-lab:gone")


def test_a_name_that_two_have_is_an_error_that_shows_both_and_a_setting_decides(project: Path) -> None:
    new_entries.write_entry("family", "deep", "mlp")
    with pytest.raises(UserError, match="'deep' is the family acme:deep and team-lab:deep"):
        catalog.full_name("models", "deep")
    assert recipes.load("deep").model.family == "team-lab:deep"  # in its own recipe it means its own
    new_entries.write_entry("family", "dcgan", "dcgan")
    with pytest.raises(UserError, match="'dcgan' is the family genfoundry:dcgan and acme:dcgan"):
        catalog.full_name("models", "dcgan")
    with (project / "genfoundry.toml").open("a") as file:
        file.write('override = ["models/dcgan"]\n')
    assert catalog.full_name("models", "dcgan") == "acme:dcgan"
    assert catalog.full_name("models", "genfoundry:dcgan") == "dcgan"
    assert recipes.load("dcgan").model.family == "acme:dcgan"
    assert listed()[0]["dcgan"]["origin"] == "genfoundry"


def test_an_editable_installation_that_lists_it_twice_has_it_once(
    project: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "editable"
    shutil.copytree(site / "Team_Lab-1.0.dist-info", other / "Team_Lab-1.0.dist-info")
    monkeypatch.syspath_prepend(str(other))
    places.in_distributions.cache_clear()
    places._points.cache_clear()
    found = [name for name in catalog.names("models") if name.startswith("team-lab")]
    assert found == ["team-lab:deep", "team-lab:gone"]


def test_a_full_name_that_a_project_and_a_distribution_have_is_told_with_both(project: Path) -> None:
    (project / "genfoundry.toml").write_text('slug = "team-lab"\npackage = "acme_lab"\n')
    new_entries.write_entry("family", "other", "mlp")
    (project / "acme_lab" / "models" / "other.py").rename(project / "acme_lab" / "models" / "deep.py")
    (told,) = catalog.conflicts("models")
    assert told.startswith("team-lab:deep is left out: team-lab:deep (acme_lab.models.deep) is a family of that name.")
    assert catalog.place_of("models", "team-lab:deep").module == "acme_lab.models.deep"


@pytest.mark.servers
def test_it_is_run(project: Path, site: Path) -> None:
    done = called(project, "run", "deep", "--json", "--no-report", paths=(site,))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "acme--deep" in done.stdout
    assert (site.parent / "imported").exists()
