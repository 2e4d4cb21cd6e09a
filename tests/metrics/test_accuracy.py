import numpy as np
import pytest

from genfoundry.metrics.accuracy import Accuracy, confusion, reliability


def test_accuracy_and_calibration_by_hand():
    """Sure at .8 and right in three of four: accuracy .75, one bin, gap .05."""
    labels = np.array([0, 1, 1, 0])
    likely = np.array([[0.8, 0.2], [0.2, 0.8], [0.2, 0.8], [0.2, 0.8]])
    assert Accuracy.score(labels, likely) == {"accuracy": 0.75, "ece": pytest.approx(0.05)}


def test_bins_do_not_cancel_each_other():
    """Right twice at .6, wrong twice at 1: gaps of .4 and 1, that a sum without bins would let cancel."""
    likely = np.array([[0.6, 0.4], [0.6, 0.4], [1.0, 0.0], [1.0, 0.0]])
    assert Accuracy.score(np.array([0, 0, 1, 1]), likely)["ece"] == pytest.approx(0.7)


def test_reliability_of_the_bins_that_are_not_empty():
    found = reliability(np.array([0.5, 0.52, 1.0, 0.99]), np.array([True, False, True, True]))
    assert {name: values.round(3).tolist() for name, values in found.items()} == {
        "examples": [2, 2], "confidence": [0.51, 0.995], "accuracy": [0.5, 1.0],
    }  # fmt: skip


def test_not_finite():
    assert np.isnan(Accuracy.score(np.array([0]), np.array([[np.nan, 1.0]]))["accuracy"])


def test_confusion_rows_are_true_classes():
    found = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert found.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
