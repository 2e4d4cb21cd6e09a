"""A champion today: worse only where the intervals do not touch, and compared only with the same score."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest
from support.tracked import PRIMARY, evaluation, untrained

from genfoundry import tracking
from genfoundry.dataset import read_card, seal
from genfoundry.datasets import digits
from genfoundry.gate import Policy
from genfoundry.kinds.image import storage
from genfoundry.project.root import state_dir
from genfoundry.records import Checkpoint, DatasetVersion, Evaluation, Score
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.stages.register import register_model
from genfoundry.stages.rejudge import compared, rejudge
from genfoundry.tasks.classification import about as classification
from genfoundry.tasks.generation.about import Plan
from genfoundry.tracking import VersionInfo
from genfoundry.tracking.store import client

INFO = VersionInfo("gan", 3, "run", "PROMOTE", (), 0, "", "", {})


def judged(fd: float) -> Evaluation:
    return evaluation("key", "run", "w", fd)  # ± 0.5


@pytest.mark.parametrize(("today", "state"), [(5.0, "AS_GOOD"), (5.9, "AS_GOOD"), (6.1, "WORSE"), (1.0, "AS_GOOD")])
def test_worse_is_beyond_the_intervals(today: float, state: str) -> None:
    found = compared(INFO, judged(5.0), judged(today))
    assert (found.model, found.version, found.state) == ("gan", 3, state)
    assert found.now is not None
    assert found.now.value == today


def renamed(one: Evaluation, name: str) -> Evaluation:
    return one.model_copy(update={"scores": tuple(s.model_copy(update={"name": name}) for s in one.scores)})


def test_a_distance_of_another_size_is_not_compared() -> None:
    found = compared(INFO, judged(5.0), renamed(judged(5.0), PRIMARY.replace("64", "48")))
    assert found.state == "NOT_COMPARED"
    assert PRIMARY in found.sentence


def test_a_rate_of_another_number_of_examples_is() -> None:
    rate = Score(name="accuracy_test_500", value=0.9, low=0.88, high=0.92, higher_is_better=True)
    then = judged(5.0).model_copy(update={"primary": rate.name, "scores": (rate,)})
    lower = rate.model_copy(update={"name": "accuracy_test_520", "value": 0.8, "low": 0.78, "high": 0.82})
    assert compared(INFO, then, then.model_copy(update={"scores": (lower,)})).state == "WORSE"


PLAN = Plan(num_samples=32, seeds=1)
DIGITS = tuple("0123456789")


def faded(root: Path, share: float) -> DatasetVersion:
    """The digits with so much of their contrast, around the grey that an untrained GAN makes."""
    folder = root / "data" / "digits"
    shutil.rmtree(folder, ignore_errors=True)
    few = islice(digits.examples(), 200)
    grey = [one._replace(pixels=(127 + share * (one.pixels - 127.0)).astype("uint8")) for one in few]
    spec, counts = storage.write(folder, grey, digits.CARD)
    return seal(folder, digits.CARD.model_copy(update={"spec": spec, "counts": counts}))


class Champion(NamedTuple):
    """A version that was judged in the features of a classifier of pale digits; today's digits are not pale."""

    root: Path
    info: VersionInfo
    then: Evaluation
    today: DatasetVersion


def version(name: str, checkpoint: Checkpoint, extractor: Checkpoint | None = None) -> VersionInfo:
    found = evaluate_model(checkpoint, classification.Plan() if checkpoint.family == "mlp" else PLAN, extractor)
    made = register_model(found, Policy(must_beat=()), name)
    return tracking.get_version(name, made.version)


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("aged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(root))
        pale = faded(root, 0.2)
        classifier = untrained(pale, "mlp", {"width": 16}, root / "mlp")
        version("mlp-digits", classifier)
        info = version("gan-digits", untrained(pale, "gan", {"width": 8}, root / "gan"), classifier)
        today = faded(root, 1.0)
        version("mlp-digits", untrained(today, "mlp", {"width": 24}, root / "newer"))
        yield Champion(root, info, tracking.evaluation_of(info), today)


def test_on_other_data_the_features_are_those_of_then_and_the_sentence_says_so(aged: Champion) -> None:
    found = rejudge(aged.info, aged.today, PLAN, "mlp-digits")
    assert found.state == "WORSE"
    assert found.now.name == found.then.name == aged.then.primary
    assert found.now.low > found.then.high
    old, new = aged.then.checkpoint.dataset.digest[:12], aged.today.digest[:12]
    assert f"on the data of today at {new} against those of then at {old}: worse" in found.sentence
    assert found.sentence.endswith("in the features of 'mlp-digits' version 1, which was trained on the data of then.")
    tags = tracking.get_version("gan-digits", 1).tags
    assert (tags["today"], tags["today_dataset_digest"]) == ("WORSE", aged.today.digest)


def test_what_it_was_registered_with_stays_beside_what_it_is_today(aged: Champion) -> None:
    found = rejudge(aged.info, aged.today, PLAN, "mlp-digits")
    metrics = client().get_run(aged.info.run_id).data.metrics
    assert metrics[f"eval/{aged.then.primary}"] == found.then.value
    assert metrics[f"today/{aged.then.primary}"] == found.now.value
    assert tracking.evaluation_of(aged.info) == aged.then


def test_in_features_that_are_gone_nothing_is_compared(aged: Champion) -> None:
    for name, says in (("mlp-shapes", "no version of 'mlp-shapes'"), (None, "its recipe names none now")):
        found = rejudge(aged.info, aged.today, PLAN, name)
        assert (found.state, found.now) == ("NOT_COMPARED", None)
        assert says in found.sentence
    assert tracking.get_version("gan-digits", 1).tags["today"] == "NOT_COMPARED"


def test_of_another_shape_nothing_is_compared(aged: Champion) -> None:
    wider = aged.today.model_copy(update={"spec": aged.today.spec.model_copy(update={"width": 12})})
    found = rejudge(aged.info, wider, PLAN, "mlp-digits")
    assert found.state == "NOT_COMPARED"
    assert "another shape" in found.sentence
    assert tracking.get_version("gan-digits", 1).tags["today"] == "NOT_COMPARED"


@pytest.mark.parametrize("published", [True, False])
def test_classes_of_other_names_are_not_compared(aged: Champion, published: bool) -> None:
    """A number would mean another class today: by the names of the weights, or of the data they were trained on."""
    name = f"called-{published}"
    checkpoint = untrained(aged.today, "cgan", {"width": 8, "latent_dim": 4}, aged.root / name, DIGITS * published)
    info = version(name, checkpoint)
    folder = aged.root / "data" / "digits"
    kept = shutil.copytree(folder, state_dir("datasets") / aged.today.digest, dirs_exist_ok=True)
    card = read_card(folder)
    today = seal(folder, card.model_copy(update={"class_names": (*DIGITS[1:], DIGITS[0])}))
    found = rejudge(info, today, PLAN, None)
    assert (found.state, found.now) == ("NOT_COMPARED", None)
    assert "call their classes or series otherwise now" in found.sentence
    assert seal(folder, card) == aged.today
    shutil.rmtree(kept)


def test_without_a_classifier_the_sentence_says_whose_components(aged: Champion) -> None:
    info = version("gan-plain", untrained(aged.today, "gan", {"width": 8, "latent_dim": 4}, aged.root / "plain"))
    again = rejudge(info, aged.today, PLAN, None)
    assert again.state == "AS_GOOD"
    assert again.sentence.endswith(
        f", both on the data at {aged.today.digest[:12]}: as good as when it was registered."
    )
    found = rejudge(info, faded(aged.root, 0.2), PLAN, None)
    assert found.state == "AS_GOOD"  # grey is closer to pale digits
    assert found.sentence.endswith("Each in the principal components of the training images of its own data.")
