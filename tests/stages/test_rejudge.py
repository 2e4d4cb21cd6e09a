"""A champion today: worse only where the intervals do not touch, and compared only with the same score."""

import pytest
from tracked import PRIMARY, evaluation

from genfoundry.records import Evaluation, Score
from genfoundry.stages.rejudge import compared
from genfoundry.tracking import VersionInfo

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
