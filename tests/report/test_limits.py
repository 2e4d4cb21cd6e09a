"""The report tells what the scores of a model do not say: of the task that it was judged in, never of another."""

from __future__ import annotations

import pytest
from demo import fleet

from genfoundry import task
from genfoundry.report.sections import section

LIMITS = {**{each.name: each.limits for each in task.every()}, "colouring": ""}


@pytest.mark.parametrize("name", LIMITS)
def test_the_report_says_the_limits_of_the_task_that_was_judged(name):
    view = fleet()[0]
    evaluation = view.version.evaluation.model_copy(update={"task": name})
    shown = view.model_copy(update={"version": view.version.model_copy(update={"evaluation": evaluation})})
    assert section(shown, "a").limits == LIMITS[name]


def test_an_evaluation_of_before_tasks_were_recorded_has_its_familys_limits():
    for view in fleet():
        assert view.version.evaluation.task == ""
        assert section(view, "a").limits in {each.limits for each in task.every()}
