"""Every task has its own words, and a task without words is never described as another one."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import pytest
from genfoundry.task_words import WORDS, task_of
from support.tracked import PASS, evaluation

from genfoundry import catalog
from genfoundry.model import Task
from genfoundry.recipe import EvaluationPlan
from genfoundry.report.model_card import INVENTED, describe, describe_model, purpose

ASKED_FOR = {task for part in get_args(EvaluationPlan.model_fields["task"].annotation) for task in get_args(part)}


def judged(task: str, family: str = "vae"):
    found = evaluation("key", "0" * 32, "f" * 64)
    checkpoint = found.checkpoint.model_copy(update={"family": family})
    return found.model_copy(update={"task": task, "checkpoint": checkpoint})


def test_every_judge_every_family_and_every_task_that_can_be_asked_for_has_words():
    assert set(catalog.names("tasks")) == set(WORDS)
    assert {catalog.describe("models", name).attributes["task"] for name in catalog.names("models")} <= set(WORDS)
    assert {*get_args(Task), *ASKED_FOR} == set(WORDS)


def test_no_task_has_the_words_of_another():
    for one, other in combinations(WORDS.values(), 2):
        assert one.purpose != other.purpose
        assert one.limits != other.limits
    assert all(words.purpose and words.limits for words in WORDS.values())


@pytest.mark.parametrize("task", WORDS)
def test_card_and_page_say_the_words_of_the_task(task):
    text, page = (make(judged(task)) for make in (described, paged))
    told = WORDS[task].purpose.format(data="images")
    assert told in text
    assert told in page
    assert (INVENTED in text) == WORDS[task].makes
    assert ("genfoundry generate" in page) == WORDS[task].makes


def described(found):
    return describe("m", found, PASS, None, "#")


def paged(found):
    return describe_model("m", found, 1, "#")


@pytest.mark.parametrize("make", [described, paged, purpose])
def test_an_unknown_task_is_named_and_never_described_as_another(make):
    text = make(judged("colouring"))
    assert "the task `colouring`, which is not described here" in text
    assert INVENTED not in text
    assert "genfoundry generate" not in text
    assert [task for task, words in WORDS.items() if words.purpose.format(data="images") in text] == []


@pytest.mark.parametrize(("family", "task"), [("cnn", "classification"), ("srgan", "super_resolution")])
def test_an_evaluation_of_before_tasks_were_recorded_has_its_familys(family, task):
    assert task_of(judged("", family)) == task
    assert WORDS[task].purpose in purpose(judged("", family))
