"""Two triggers for one run key: one trains, the other waits for it and is SKIPPED."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from trained import built

from genfoundry import tracking
from genfoundry.recipe import ModelSection
from genfoundry.records import ValidatedDataset
from genfoundry.schedule import Settings
from genfoundry.stages.train import train_model


@pytest.mark.slow
def test_of_two_equal_trainings_at_once_one_is_skipped(root):
    version = built(root, "digits")
    validated = ValidatedDataset(version=version, counts={}, checks=())
    plan = (ModelSection(family="mlp", settings={}), Settings(max_steps=20, batch_size=32, fraction=0.5))
    tracking.experiment_id()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: train_model("mlp", validated, *plan), range(2))
    assert sorted([one.skipped, other.skipped]) == [False, True]
    assert one.run_id == other.run_id
    assert one.fraction == other.fraction == 0.5
    assert one.weights_digest == other.weights_digest
    assert [run.run_key for run in tracking.list_runs()] == [one.run_key]
