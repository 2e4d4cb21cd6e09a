"""A project as the release before left it, written elsewhere: it is read, mended by one command, and goes on.

`fixtures/store-before.tar.xz` holds its state and data: `mlp` on twelve classes of small pictures named 1 to 12 (three
versions, the second is champion), `cgan` on the same, `deepar` on three series that came with an offset.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.stores import run, unpacked

from genfoundry import tracking
from genfoundry.dataset import folder_digest, open_version, read_card
from genfoundry.gate import Policy
from genfoundry.kinds.image import storage
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.stages.ingest import add
from genfoundry.stages.register import register_model
from genfoundry.stages.rejudge import judged_alike
from genfoundry.tasks.forecasting.about import Plan
from genfoundry.training import trainer
from genfoundry.training.job import read_result

CHAMPIONS = {"mlp-pics": 2, "deepar-meters": 1}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("store-before", tmp_path_factory.mktemp("before"))


@pytest.fixture(autouse=True)
def _here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(project))


def test_it_is_said_once_where_it_was_written_and_one_command_mends_it() -> None:
    assert "genfoundry reconcile" in run("doctor").output
    mended = run("reconcile")
    assert mended.exit_code == 0, mended.output
    assert "/tmp/rb/project" in mended.output
    looked = run("doctor", "--deep")
    assert looked.exit_code == 0, looked.output
    assert tracking.origin() is None


def test_its_champions_stay_load_and_can_be_rolled_back() -> None:
    for name, version in CHAMPIONS.items():
        assert tracking.aliases(name)["champion"] == version
        for info in tracking.list_versions(name):
            tracking.load_version(name, info.version)
    assert tracking.rollback("mlp-pics", reason="a test") == 1
    tracking.promote("mlp-pics", 2, reason="a test")


def test_a_champion_is_judged_again_where_its_evaluation_lacks_what_is_new() -> None:
    info = tracking.get_version("deepar-meters", "champion")
    then = tracking.evaluation_of(info)
    plan = Plan(origins=4)
    now = evaluate_model(then.checkpoint, plan)
    assert then.score(now.primary) is None
    assert now.score(now.primary) is not None
    assert now.score(then.primary).value == pytest.approx(then.score(then.primary).value, rel=1e-3)
    assert judged_alike(info, now, plan, None).score(now.primary) == now.score(now.primary)
    again = register_model(now, Policy(), "deepar-meters", plan)
    assert (again.version, again.skipped) == (1, True), "equal weights make no new version"
    assert tracking.aliases("deepar-meters") == {"champion": 1}


def test_a_class_is_asked_for_by_the_name_that_its_data_gave(tmp_path: Path) -> None:
    """Its classes are numbered 1, 10, 11, 12, 2 …, and its weights carry no names."""
    made = run("generate", "cgan-pics", "-n", "1", "--class", "2", "-o", str(tmp_path / "two"))
    assert made.exit_code == 0, made.output
    assert "class '2' (number 4)" in made.output


def test_its_forecaster_answers_by_the_names_of_its_data(tmp_path: Path) -> None:
    made = run("generate", "deepar-meters", "-n", "20", "-o", str(tmp_path / "ahead"))
    assert made.exit_code == 0, made.output
    table = (tmp_path / "ahead" / "forecast.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in table[1:]] == [name for name in "ABC" for _ in range(24)]
    assert "+00:00" in table[1], "times that were converted to UTC are marked so"


def test_its_snapshots_go_on_and_are_sealed(project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The last one is of the end, so what is published is what was published."""
    job = next(path.parent for path in project.glob(".genfoundry/jobs/*/job.json") if '"cgan"' in path.read_text())
    folder = shutil.copytree(job, tmp_path / "job")
    order = json.loads((folder / "job.json").read_text())
    published = read_result(folder).weights_digest
    (folder / "result.json").unlink()
    (folder / "job.json").write_text(json.dumps({**order, "folder": str(project / "data" / "pics")}))
    assert trainer.main(folder) == 0
    assert read_result(folder).weights_digest == published
    assert "sealed nothing" in (folder / "journal.jsonl").read_text() + caplog.text
    newest = max(folder.glob("snapshot-*.json"))
    assert "seal" in json.loads(newest.read_text())


def _pictures(folder: Path, out: Path) -> Path:
    """The files that the set was added from, made again from its arrays."""
    names = read_card(folder).class_names
    rows = (folder / storage.MANIFEST).read_text().splitlines()[1:]
    for row in rows:
        split, index, source, *_ = row.split(",")
        pixels = np.asarray(storage.read(folder, split).images[int(index)])
        path = out / source
        assert path.parent.name in names
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(path)
    return out


def test_the_same_pictures_again_are_the_same_version(project: Path, tmp_path: Path) -> None:
    folder = project / "data" / "pics"
    before = folder_digest(folder)
    files = _pictures(folder, tmp_path / "pics")
    again = add(files, "pics", licence="own", consent="own")
    assert again.version.digest == before


def test_the_same_series_again_are_the_same_version(project: Path, tmp_path: Path) -> None:
    import pandas as pd

    folder = project / "data" / "meters"
    before = folder_digest(folder)
    frame = pd.read_parquet(folder / "series.parquet")
    frame["ds"] = [stamp.isoformat() for stamp in frame["ds"].dt.tz_convert("+01:00")]
    frame.to_csv(tmp_path / "meters.csv", index=False)
    again = add(tmp_path / "meters.csv", "meters", licence="own", consent="own")
    assert again.version.digest == before
    assert open_version(again.version).folder == folder
