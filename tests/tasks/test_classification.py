import pytest
from support.toys import Shapes, scores_of

from genfoundry.dataset import verify
from genfoundry.exhibit import Lines, Matrix
from genfoundry.tasks.classification.about import Plan
from genfoundry.tasks.classification.judge import judge


def test_a_classifier_is_judged_by_accuracy(mnist_folder, tmp_path):
    found = judge(Shapes(mnist_folder), verify(mnist_folder), Plan(), None, tmp_path)
    own, floor = scores_of(found)["accuracy_test_1k"], scores_of(found, "noise")["accuracy_test_1k"]
    assert found.primary == "accuracy_test_1k"
    assert 0.7 < own.low < own.value < own.high < 0.95
    assert floor.value == pytest.approx(0.1)
    assert scores_of(found)["ece_test_1k"].low >= 0
    matrix, calibration = found.exhibits
    assert isinstance(matrix, Matrix)
    assert matrix.rows == matrix.columns == tuple("0123456789")
    assert sum(matrix.cells[row][row] for row in range(10)) / 1000 == pytest.approx(own.value)
    assert sum(map(sum, matrix.cells)) == 1000
    assert isinstance(calibration, Lines)
    assert all(0 <= value <= 1 for point in calibration.lines["model"] for value in point)
    assert found.details == {}
