"""`genfoundry doctor --deep` on a project with datasets, a champion and a remote: whole, then damaged in each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from genfoundry_flows.commands.doctor import doctor
from genfoundry_flows.commands.forget import forget
from support.tracked import DATA, PASS, evaluation, registered, untrained

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.project import places
from genfoundry.stages.ingest import add, build
from genfoundry.stages.ownership import ensure_same_data
from genfoundry.tracking.store import client

CORE = "[core]\n    no_scm = true\n    analytics = false\n"
CONFIG = CORE + "    remote = local\n['remote \"local\"']\n    url = ../../remote\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Path]:
    """A whole project; each test puts back what it damages."""
    root = tmp_path_factory.mktemp("examined") / "project"
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc" / "config").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(root))
        patch.setenv("DVC_SITE_CACHE_DIR", str(root.parent / "site"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        build("digits")
        (root / "own.csv").write_text(
            "unique_id,ds,y\n" + "".join(f"a,{year}-01-01,{year % 7}\n" for year in range(1800, 2000))
        )
        add(root / "own.csv", "own", licence="own", consent="own", freq="YS", season=1, horizon=4, context=8)
        tracking.set_alias("tiny", "champion", registered("tiny", root.parent, 5.0, 0), "first")
        yield root


def examined(*options: str) -> Result:
    return CliRunner().invoke(doctor, ["--deep", *options])


def wrong() -> tuple[str, str]:
    """The one thing that is wrong, and what repairs it."""
    found = examined("--json")
    assert found.exit_code == 1
    (only,) = json.loads(found.stdout)
    return only["problem"], only["remedy"]


def test_a_whole_project_is_whole_in_one_line_each(project: Path) -> None:
    found = examined()
    assert found.exit_code == 0, found.output
    assert found.stdout.splitlines() == [
        "✓ Dataset 'digits' is whole, as its card and data.dvc say.",
        "✓ Dataset 'own' is whole, as its card and data.dvc say.",
        "✓ The champion 'tiny' version 1 is what was registered, and loads.",
        "✓ DVC's remote holds every file that data.dvc names.",
        f"✓ nothing is wrong ({tracking.uri()})",
    ]
    plain = CliRunner().invoke(doctor)
    assert plain.stdout.splitlines() == [f"✓ nothing is wrong ({tracking.uri()})"]


@pytest.mark.parametrize(
    ("name", "remedy"), [("digits", "data build digits --force"), ("own", "data add PATH --name own")]
)
def test_a_changed_file_of_a_dataset(project: Path, name: str, remedy: str) -> None:
    path = next(path for path in (project / "data" / name).iterdir() if path.suffix in (".npy", ".parquet"))
    whole = path.read_bytes()
    path.unlink()  # DVC may have linked it to its cache
    path.write_bytes(whole[:-1])
    problem, command = wrong()
    path.write_bytes(whole)
    assert problem.startswith(f"Dataset '{name}' is changed: {path} was changed")
    assert remedy in command


def test_a_folder_without_a_card(project: Path) -> None:
    (project / "data" / "stray").mkdir()
    problem, command = wrong()
    (project / "data" / "stray").rmdir()
    assert "stray holds no card.json" in problem
    assert command == "genfoundry data add PATH --name stray [--paired SOURCES] --force"


def test_weights_of_a_champion_that_were_changed(project: Path) -> None:
    (path,) = (project / ".genfoundry" / "mlartifacts").glob("**/weights.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    problem, command = wrong()
    path.write_bytes(whole)
    assert problem.startswith("'tiny' version 1: ")
    assert "weights.safetensors" in problem
    assert command.startswith("genfoundry run tiny")


PLUG_IN = {
    "acme_plug/__init__.py": "",
    "acme_plug/little.py": "from genfoundry.models.gan import GAN\n\n\nclass Little(GAN):\n    pass\n",
    "acme_plug-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Acme_Plug\nVersion: 1.0\n",
    "acme_plug-1.0.dist-info/entry_points.txt": "[genfoundry.models]\nlittle = acme_plug.little\n",
}


def forget_distributions() -> None:
    """What is installed is looked at once in a process; here it changes."""
    places.in_distributions.cache_clear()
    places._points.cache_clear()


def test_a_champion_whose_plug_in_was_removed_says_whose_it_was(project: Path, monkeypatch, tmp_path) -> None:
    """Every digest is right, and yet it can't be used. An installed distribution is a folder on the path."""
    for name, text in PLUG_IN.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "site")
        forget_distributions()
        made = untrained(DATA, "acme-plug:little", {"width": 8, "latent_dim": 4}, tmp_path / "little")
        found = evaluation(made.run_key, made.run_id, made.weights_digest)
        found = found.model_copy(update={"checkpoint": made})
        tracking.register("little", made.run_id, found, PASS, "key", "A card.", {"family": made.family})
        tracking.set_alias("little", "champion", 1, "first")
        assert examined().exit_code == 0
    forget_distributions()
    problem, command = wrong()
    client().delete_registered_model("little")
    tracking.set_witness_aside("little")
    assert problem.startswith("The champion 'little' version 1 does not load: There is no family 'acme-plug:little'")
    assert "it belongs to 'acme-plug', which is neither this project nor an installed distribution" in problem
    assert command == "pip install acme-plug   (or run this in its project)"


def test_a_registered_model_that_was_deleted(project: Path, tmp_path: Path) -> None:
    tracking.set_alias("gone", "champion", registered("gone", tmp_path, 5.0, 7), "first")
    client().delete_registered_model("gone")
    problem, command = wrong()
    assert problem.startswith(
        "The registered model 'gone', of which this machine has seen 1 moves of an alias, is gone"
    )
    assert command.startswith("genfoundry forget --ledger gone --yes")
    with pytest.raises(UserError, match="is gone from the registry"):
        ensure_same_data("gone", "digits")  # before there is work to lose
    done = CliRunner().invoke(forget, ["--ledger", "gone", "--yes"])
    assert done.exit_code == 0, done.output
    assert examined().exit_code == 0
    assert [path.name for path in project.rglob("gone.deleted-*")] == ["gone.deleted-1"]


def test_a_file_that_the_remote_lost(project: Path) -> None:
    stored = next(path for path in (project.parent / "remote").rglob("*") if path.is_file() and path.suffix != ".dir")
    moved = stored.rename(project.parent / "moved")
    problem, command = wrong()
    moved.rename(stored)
    assert problem.startswith("DVC's remote lacks data/")
    assert command.startswith("dvc push")


def test_no_remote_at_all(project: Path) -> None:
    config = project / ".dvc" / "config"
    config.write_text(CORE)
    problem, command = wrong()
    config.write_text(CONFIG)
    assert "no remote specified" in problem
    assert command.startswith("dvc remote add")
