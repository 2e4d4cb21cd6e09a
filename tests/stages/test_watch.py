"""A look at a dataset: what is unchanged, what is worth a training, what is not, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.tracked import PASS, trained

from genfoundry import recipe, tracking
from genfoundry.data.versions.history import recall
from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.project.root import state_dir
from genfoundry.records import DatasetVersion, Reason, Verdict
from genfoundry.stages.ingest import add
from genfoundry.stages.watch import look

CONFIG = "[core]\n    no_scm = true\n    analytics = false\n    remote = local\n"
REMOTE = "['remote \"local\"']\n    url = ../../remote\n"
PLAN = "dataset: {name: %s}\nmodel: {family: %s}\ntraining: {max_steps: 10}\n"


@pytest.fixture
def project(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project under DVC, with a remote; its store is that of all tests."""
    root = tmp_path / "project"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc" / "config").write_text(CONFIG + REMOTE)
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(root))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return root


def photos(folder: Path, count: int, seed: int, contrast: float = 1.0) -> Path:
    """Images of noise in two classes, beside those that are there."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        home = folder / ("cat", "dog")[number % 2]
        home.mkdir(parents=True, exist_ok=True)
        pixels = 128 + contrast * (rng.integers(0, 256, (16, 16, 3)) - 128.0)
        Image.fromarray(pixels.astype(np.uint8)).save(home / f"{seed}-{number}.png")
    return folder


def taken(path: Path, name: str = "mine") -> DatasetVersion:
    return add(path, name, licence="CC0", consent="made by a test", max_bad_fraction=0.0).version


def plan(name: str = "gan", data: str = "mine", **watch: float) -> recipe.Recipe:
    overrides = {f"watch.{key}": value for key, value in {"min_new_rows": 50, **watch}.items()}
    overrides["validation.min_rows"] = 10
    parsed = recipe.parse(name, PLAN % (data, "gan" if data == "mine" else "deepar"), overrides)
    return parsed.model_copy(update={"registered_name": registered_name(name)})


def registered_name(name: str) -> str:
    """Of this test only."""
    return f"{name}-{Path(os.environ['GENFOUNDRY_ROOT']).parent.name}"


def register(
    version: DatasetVersion, tmp_path: Path, name: str = "gan", seed: int = 0, verdict: Verdict = PASS
) -> None:
    """A registered version of the recipe that was trained on that version of the data."""
    name = registered_name(name)
    found = trained(f"{name}-{seed}", tmp_path, seed=seed, data=version).model_copy(update={"seconds": 2.1})
    tags = {"dataset": version.name, "dataset_digest": version.digest}
    tracking.register(name, found.checkpoint.run_id, found, verdict, f"key-{name}-{seed}", "A card.", tags)


@pytest.fixture
def images(project: Path, tmp_path: Path) -> Path:
    """A folder of images that was taken in, and that one recipe was trained on."""
    folder = photos(tmp_path / "photos", 120, seed=0)
    register(taken(folder), tmp_path)
    return folder


def test_unchanged_is_skipped_whatever_was_registered_before(images: Path, tmp_path: Path) -> None:
    (found,) = look("mine", [plan()])
    assert (found.decision, found.recipes, found.hours_saved) == ("SKIPPED", ("gan",), 0)
    assert found.before == found.now
    register(taken(photos(images, 4, seed=1)), tmp_path, seed=1)
    (found,) = look("mine", [plan()])
    assert found.decision == "SKIPPED"


def test_never_trained_is_to_be_trained_and_a_trial_does_not_count(images: Path, tmp_path: Path) -> None:
    trial = Verdict(decision="HOLD", reasons=(Reason(rule="trial", passed=False, sentence="A trial."),))
    version = taken(photos(images, 4, seed=1))
    register(version, tmp_path, name="vae", seed=2, verdict=trial)
    by_recipe = {found.recipes: found for found in look("mine", [plan(), plan("vae")])}
    assert by_recipe["vae",].decision == "RETRAIN"
    assert "Never trained" in by_recipe["vae",].sentence
    waits = {found.recipes: found for found in look("mine", [plan(), plan("vae")], untrained=False)}
    assert waits["vae",].decision == "SKIPPED"
    assert waits["vae",].sentence.endswith("genfoundry run vae --data mine")
    assert waits["gan",] == by_recipe["gan",].model_copy(update={"known": waits["gan",].known})
    assert by_recipe["gan",].decision == "NOT_WORTH_IT"


def test_a_few_more_of_the_same_are_not_worth_it_and_say_why(images: Path) -> None:
    taken(photos(images, 20, seed=1))
    (found,) = look("mine", [plan()])
    assert found.decision == "NOT_WORTH_IT", found.sentence
    assert found.sentence.startswith("Not worth it: 20 of 140 rows are new, 0 are gone, fewer than 50 came")
    assert found.hours_saved == pytest.approx((1.5 + 2.1) / 3600)
    assert found.drift is not None
    assert {measure.name for measure in found.drift.measures} == {"kid_random32", "classes"}
    assert not found.known
    (again,) = look("mine", [plan()])
    assert again == found.model_copy(update={"known": True})


def test_enough_new_rows_retrain(images: Path) -> None:
    taken(photos(images, 20, seed=1))
    (found,) = look("mine", [plan(min_new_rows=20)])
    assert found.decision == "RETRAIN"
    assert found.sentence.startswith("Grew: 20 of 140 rows are new")


def test_images_of_another_kind_retrain(images: Path) -> None:
    taken(photos(images, 20, seed=1, contrast=0.5))
    (found,) = look("mine", [plan()])
    assert found.decision == "RETRAIN"
    assert found.sentence.startswith("Drifted: 20 of 140 rows are new")
    assert "beyond its noise" in found.sentence


def test_rows_that_went_are_held_against_those_that_stayed(images: Path) -> None:
    for path in [*images.glob("cat/*.png")][:30]:
        path.unlink()
    taken(images)
    (found,) = look("mine", [plan()])
    assert found.drift is not None
    assert (found.drift.new_rows, found.drift.gone_rows) == (0, 30)
    assert found.decision == "RETRAIN"
    assert "changed class" in found.sentence


def test_an_old_version_that_is_gone_is_said(images: Path, project: Path, tmp_path: Path) -> None:
    taken(photos(images, 20, seed=1))
    for folder in (project / ".dvc/cache", tmp_path / "remote"):
        shutil.rmtree(folder)
    (found,) = look("mine", [plan()])
    assert found.decision == "RETRAIN"
    assert "can't be had to compare" in found.sentence


def test_another_shape_retrains(images: Path, tmp_path: Path) -> None:
    add(images, "mine", size=8, licence="CC0", consent="made by a test")
    (found,) = look("mine", [plan()])
    assert found.decision == "RETRAIN"
    assert "shape changed" in found.sentence


def test_data_that_fail_their_card_are_refused(images: Path) -> None:
    taken(photos(images, 20, seed=1))
    strict = plan().model_copy(update={"validation": recipe.Validation(min_rows=500)})
    (found,) = look("mine", [strict])
    assert found.decision == "FAILED"
    assert "500" in found.sentence


def test_a_file_that_was_altered_is_refused_by_name(images: Path, project: Path) -> None:
    path = project / "data/mine/test-labels.npy"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-8] + b"00000000")
    (found,) = look("mine", [plan()])
    assert (found.decision, found.now) == ("FAILED", "")
    assert "test-labels.npy" in found.sentence


def hours(steps: int, level: float = 0.0, jump_at: int | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    stamps = pd.date_range("2024-01-01", periods=steps, freq="h")
    y = 20 + 5 * np.sin(2 * np.pi * np.arange(steps) / 24) + rng.standard_normal(steps)
    y[jump_at or steps :] += level
    return pd.DataFrame({"unique_id": "a", "ds": stamps, "y": y})


@pytest.mark.parametrize(("level", "decision"), [(0.0, "NOT_WORTH_IT"), (15.0, "RETRAIN")])
def test_series_that_went_on(project: Path, tmp_path: Path, level: float, decision: str) -> None:
    file = tmp_path / "hours.csv"
    wish = {"licence": "CC0", "consent": "made by a test", "freq": "h", "season": 24, "horizon": 24, "context": 48}
    hours(1500).to_csv(file, index=False)
    register(add(file, "load", **wish).version, tmp_path, name="deepar")
    hours(1540, level, jump_at=1500).to_csv(file, index=False)
    add(file, "load", **wish)
    (found,) = look("load", [plan("deepar", "load")])
    assert found.decision == decision, found.sentence
    assert found.drift is not None
    assert (found.drift.new_rows, found.drift.gone_rows) == (40, 0)


def test_an_earlier_version_comes_from_the_remote_by_the_history_of_git(
    images: Path, project: Path, tmp_path: Path
) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", *who, *arguments], cwd=project, check=True, capture_output=True)

    first = tracking.newest([plan().registered_name])[plan().registered_name].tags["dataset_digest"]
    git("init")
    git("add", "data.dvc")
    git("commit", "-m", "first")
    taken(photos(images, 20, seed=1))
    shutil.rmtree(project / ".dvc/cache")
    assert recall("mine", first).digest == first
    verify(state_dir("datasets") / first, first)
    with pytest.raises(UserError, match="neither in DVC's cache nor"):
        recall("mine", "0" * 32 + ".dir")


@pytest.mark.slow
def test_a_look_at_unchanged_data_reads_nothing_heavy(images: Path) -> None:
    name = plan().registered_name
    script = (
        "import sys; from genfoundry import recipe; from genfoundry.stages.watch import look;"
        f"plan = recipe.parse('gan', {PLAN % ('mine', 'gan')!r}).model_copy(update={{'registered_name': {name!r}}});"
        "assert look('mine', [plan])[0].decision == 'SKIPPED';"
        "print({'torch', 'great_expectations', 'dvc', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_policy_is_checked_like_every_section() -> None:
    with pytest.raises(UserError, match="did you mean 'min_new_rows'"):
        recipe.parse("gan", PLAN % ("mnist-5k", "gan"), {"watch.min_new_row": 3})
