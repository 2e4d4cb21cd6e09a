"""Data that grew: the champion is judged on today's before anything takes its place, and so are those before it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from genfoundry_flows.cli import cli

from genfoundry import tracking
from genfoundry.dataset import seal
from genfoundry.datasets import digits
from genfoundry.gate import Policy
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.rows import ImageRows
from genfoundry.records import Checkpoint, Cost, DatasetVersion, ModelVersion
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.stages.register import register_model
from genfoundry.stages.rejudge import rejudge
from genfoundry.tasks.generation.about import Plan
from genfoundry.training.loader import build_model, write_model
from genfoundry.training.rows import shuffled_rows

PLAN = Plan()
FEW, MORE, MUCH = 5, 40, 300  # steps: worse than the champion, the champion, better


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all of them; each registers under a name of its own."""
    return tmp_path_factory.mktemp("grown")


@pytest.fixture(autouse=True)
def root(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(project))
    monkeypatch.setattr(f"{__name__}.NAME", name)
    return project


NAME = ""


def grown(root: Path, count: int, width: int = 8, names: Callable[..., Iterable[str]] = tuple) -> DatasetVersion:
    """The first so many digits, a fifth of them test."""
    folder = root / "data" / "digits"
    shutil.rmtree(folder, ignore_errors=True)
    rows = [
        one._replace(split="test" if number % 5 == 0 else "train", pixels=one.pixels[:, :, :width])
        for number, one in enumerate(islice(digits.examples(), count))
    ]
    card = digits.CARD.model_copy(update={"class_names": tuple(names(digits.CARD.class_names))})
    spec, counts = storage.write(folder, rows, card)
    return seal(folder, card.model_copy(update={"spec": spec, "counts": counts}))


def taught(root: Path, data: DatasetVersion, steps: int) -> Checkpoint:
    """A perceptron after so many steps, published as a run's weights."""
    torch.manual_seed(0)
    split = ImageRows(root / "data" / data.name, "train")
    model = build_model("mlp", data.spec, {"width": 32, "learning_rate": 0.01, "shift": 0})
    (optimizer,) = model.optimizers().values()

    def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for step in range(steps):
        model.training_step(split.batch(shuffled_rows(len(split), 32, 0, step)), step, update)
    key = f"{NAME}-{data.digest[:8]}-{steps}"
    weights = write_model(root / key, "mlp", model.eval(), model.state_dict(), digits.CARD.class_names)
    run_id = tracking.start_run(key, recipe="mlp", tags={}, params={}, dataset=data)
    tracking.publish_model(run_id, root / key)
    tracking.finish(run_id, "FINISHED", "COMPLETED", "Trained.")
    return Checkpoint(
        recipe="mlp", family="mlp", run_key=key, run_id=run_id, weights_digest=weights, dataset=data, seed=0,
        cost=Cost(),
    )  # fmt: skip


def registered(root: Path, data: DatasetVersion, steps: int) -> ModelVersion:
    return register_model(evaluate_model(taught(root, data, steps), PLAN), Policy(), NAME, PLAN)


def test_a_worse_version_on_grown_data_takes_nobodys_place(root: Path) -> None:
    first = registered(root, grown(root, 800), MORE)
    today = grown(root, 1100)
    worse = registered(root, today, FEW)
    assert (first.decision, worse.decision) == ("PROMOTE", "REJECT")
    assert tracking.aliases(NAME) == {"champion": 1}
    sentence = worse.reasons[-1].sentence
    assert worse.evaluation.primary in sentence, "the champion is judged by today's protocol"
    assert "worse, beyond the intervals" in sentence
    better = registered(root, today, MUCH)
    assert (better.decision, better.alias) == ("PROMOTE", "champion")
    assert tracking.champions_before(NAME) == [1]


def test_a_champion_that_is_not_worse_is_left_where_it_is(root: Path) -> None:
    registered(root, grown(root, 800), MUCH)
    alike = registered(root, grown(root, 900), MUCH)
    assert (alike.decision, alike.alias) == ("HOLD", "challenger")
    assert "neither is shown to be better" in alike.reasons[-1].sentence
    assert registered(root, grown(root, 900), MUCH).skipped, "the champion is not judged twice for it"


@pytest.mark.parametrize("what", ["weights", "shape", "names"])
def test_a_champion_that_cannot_be_judged_holds_and_a_person_settles_it(root: Path, what: str) -> None:
    first = registered(root, grown(root, 800), MORE)
    if what == "weights":
        shutil.rmtree(root / ".genfoundry" / "mlartifacts" / first.run_id / "artifacts" / "model")
    today = grown(root, 1100, width=6 if what == "shape" else 8, names=reversed if what == "names" else tuple)
    held = registered(root, today, MUCH)
    assert (held.decision, held.alias) == ("HOLD", "challenger")
    sentence = held.reasons[-1].sentence
    assert sentence.startswith("Not compared with the champion: ")
    command = sentence.rpartition("A person settles it: genfoundry ")[2].replace("WHY", "looked").split()
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert tracking.aliases(NAME)["champion"] == held.version


def test_equal_weights_of_another_run_make_no_new_version(root: Path) -> None:
    data = grown(root, 400)
    first = registered(root, data, MORE)
    again = taught(root, data, MORE).model_copy(update={"run_key": f"{NAME}, by other code"})
    run_id = tracking.start_run(again.run_key, recipe="mlp", tags={}, params={}, dataset=data)
    tracking.publish_model(run_id, root / f"{NAME}-{data.digest[:8]}-{MORE}")
    again = again.model_copy(update={"run_id": run_id})
    second = register_model(evaluate_model(again, PLAN), Policy(), NAME, PLAN)
    assert (second.version, second.skipped, second.decision) == (first.version, True, "PROMOTE")
    assert len(tracking.list_versions(NAME, orphans=True)) == 1
    assert tracking.find_run(again.run_key).tags["genfoundry.equals"] == "version 1"


def test_a_champion_is_held_against_the_champions_before_it(root: Path) -> None:
    data = grown(root, 800)
    registered(root, data, MUCH)
    registered(root, data, FEW)
    tracking.promote(NAME, 2, force=True, reason="by mistake")
    today = grown(root, 1100)
    found = rejudge(tracking.get_version(NAME, "champion"), today, PLAN, None)
    assert found.state == "BEATEN"
    assert f"accuracy_test_220 {found.now.value:.4g}" in found.sentence, "today's score by today's name"
    assert f"against accuracy_test_160 {found.then.value:.4g}" in found.sentence
    command = found.sentence.rpartition("To go back to it: genfoundry ")[2].split()
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert tracking.aliases(NAME)["champion"] == 1
    assert rejudge(tracking.get_version(NAME, "champion"), today, PLAN, None).state == "AS_GOOD"
