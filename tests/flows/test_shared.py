"""What several recipes need alike is made once a fleet, whatever asks for it and when."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from genfoundry_flows.runs.shared import once, sharing, side_by_side, trainings


class Classifier:
    """Counts how often it was trained; its askers ask together."""

    def __init__(self, askers: int) -> None:
        self.trained: list[tuple[str, dict[str, str]]] = []
        self.askers = threading.Barrier(askers)

    def __call__(self, recipe: str, settings: dict[str, str]):
        self.trained.append((recipe, settings))
        return (recipe, *settings.values())  # stands for an evaluation, which nothing here looks into

    def asked(self, settings: dict[str, str], data: str = "1"):
        self.askers.wait(10)
        return once(self, "cnn", settings, data)


def test_threads_of_a_fleet_share_one():
    classifier, wanted = Classifier(3), {"dataset.name": "digits"}
    with sharing(), ThreadPoolExecutor(3) as threads:
        found = [threads.submit(copy_context().run, classifier.asked, wanted) for _ in range(3)]
        assert {future.result() for future in found} == {("cnn", "digits")}
    assert len(classifier.trained) == 1


def test_other_data_another_version_and_another_fleet_are_others():
    classifier = Classifier(1)
    for _ in range(2):
        with sharing():
            for name, data in (("digits", "1"), ("digits", "2"), ("mnist-5k", "1"), ("digits", "1")):
                classifier.asked({"dataset.name": name}, data)
    assert len(classifier.trained) == 2 * 3


def test_alone_nothing_is_remembered():
    classifier = Classifier(1)
    for _ in range(2):
        classifier.asked({})
    assert len(classifier.trained) == 2


def test_a_failure_is_met_again_by_the_next():
    def fails(recipe, settings):
        tries.append(recipe)
        raise ValueError(recipe)

    tries: list[str] = []
    with sharing():
        for _ in range(2):
            with pytest.raises(ValueError, match="cnn"):
                once(fails, "cnn", {}, "1")
    assert tries == ["cnn", "cnn"]


def test_the_threads_of_a_fleet_know_how_many_train_side_by_side():
    assert trainings() == 1
    with side_by_side(3), ThreadPoolExecutor(1) as threads:
        assert threads.submit(copy_context().run, trainings).result() == 3
    assert trainings() == 1
