import pytest
from support.toys import Shapes, scores_of

from genfoundry.dataset import verify
from genfoundry.tasks.classification.about import Plan
from genfoundry.tasks.classification.judge import judge


def test_a_classifier_is_judged_by_accuracy(mnist_folder, tmp_path):
    found = judge(Shapes(mnist_folder), verify(mnist_folder), Plan(), None, tmp_path)
    own, floor = scores_of(found)["accuracy_test_1k"], scores_of(found, "noise")["accuracy_test_1k"]
    assert found.primary == "accuracy_test_1k"
    assert 0.7 < own.low < own.value < own.high < 0.95
    assert floor.value == pytest.approx(0.1)
    assert scores_of(found)["ece_test_1k"].low >= 0
    diagonal = sum(found.details[f"confusion/{row}"][row] for row in range(10))
    assert diagonal / 1000 == pytest.approx(own.value)
    examples, right = (found.details[f"reliability/{name}"] for name in ("examples", "accuracy"))
    assert sum(n * share for n, share in zip(examples, right, strict=True)) == pytest.approx(diagonal)
