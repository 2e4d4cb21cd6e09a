"""Every task has its own words, and a task without words is never described as another one."""

from __future__ import annotations

import ast
import shutil
from itertools import combinations

import pytest
from support.tracked import PASS, evaluation

from genfoundry import catalog, task
from genfoundry.errors import UserError
from genfoundry.report.model_card import INVENTED, describe, describe_model, purpose

TASKS = {each.name: each for each in task.every()}


def judged(task: str, family: str = "vae"):
    found = evaluation("key", "0" * 32, "f" * 64)
    checkpoint = found.checkpoint.model_copy(update={"family": family})
    return found.model_copy(update={"task": task, "checkpoint": checkpoint})


def test_every_family_is_for_a_task_that_fits_it_and_is_served_by_it():
    for name in catalog.names("models"):
        entry = catalog.describe("models", name)
        own = TASKS[str(entry.attributes["task"])]
        assert own.fits(entry), name
        assert "predictor" in catalog.parts("tasks", own.name)


def test_what_a_task_needs_is_a_capability_and_what_makes_something_can_be_asked_for_it():
    kinds = catalog.names("kinds")
    needed = {need for each in TASKS.values() for kind in kinds for need in each.needs(kind)}
    assert needed <= {*catalog.capabilities()}
    assert {name for name in TASKS if "generate" in catalog.parts("tasks", name)} == {
        name for name, each in TASKS.items() if each.makes
    }


def test_a_task_is_for_the_kinds_that_it_says_or_has_parts_for():
    assert TASKS["anomaly"].kinds == ("image", "series")
    assert [TASKS["anomaly"].needs(kind) for kind in ("image", "series")] == [("anomaly_score",), ("sample",)]
    fitting = {name for name in catalog.names("models") if TASKS["anomaly"].fits(catalog.describe("models", name))}
    assert fitting == {"vae", "deepar", "patch_transformer", "rnn"}
    assert not TASKS["generation"].fits(catalog.describe("models", "srgan"))  # which samples from an image alone


def test_no_task_has_the_words_of_another():
    for one, other in combinations(TASKS.values(), 2):
        assert one.purpose != other.purpose
        assert one.limits != other.limits
    assert all(each.purpose and each.limits for each in TASKS.values())


def without(word: str, tree: ast.Module) -> ast.Module:
    """A source that does not assign or define a word."""
    names = (ast.unparse(getattr(node, "target", None) or getattr(node, "targets", [node])[0]) for node in tree.body)
    kept = [node for node, name in zip(tree.body, names, strict=True) if word not in (name, getattr(node, "name", ""))]
    return ast.Module(kept, type_ignores=[])


@pytest.mark.parametrize("lacking", ["PURPOSE", "LIMITS", "MAKES", "NEEDS", "KINDS", "Plan", "Wishes"])
def test_a_task_without_a_word_is_not_loaded(lacking, monkeypatch, tmp_path):
    home = shutil.copytree(catalog.folder("tasks/generation"), tmp_path / "acme_lab" / "tasks" / "drawing")
    (tmp_path / "genfoundry.toml").write_text('package = "acme_lab"')
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    assert task.of("drawing").purpose
    about = home / "about.py"
    about.write_text(ast.unparse(without(lacking, ast.parse(about.read_text()))))
    with pytest.raises(UserError, match=f"The task 'drawing' does not say its {lacking}, and is not loaded"):
        task.of("drawing")
    assert "drawing" not in [each.name for each in task.every()]


def test_an_empty_word_is_none(monkeypatch, tmp_path):
    home = shutil.copytree(catalog.folder("tasks/forecasting"), tmp_path / "acme_lab" / "tasks" / "seeing")
    (tmp_path / "genfoundry.toml").write_text('package = "acme_lab"')
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    with (home / "about.py").open("a") as file:
        file.write('LIMITS = ""')
    with pytest.raises(UserError, match="does not say its LIMITS"):
        task.of("seeing")


@pytest.mark.parametrize("name", TASKS)
def test_card_and_page_say_the_words_of_the_task(name):
    text, page = (make(judged(name)) for make in (described, paged))
    told = TASKS[name].purpose.format(noun="images")
    assert told in text
    assert told in page
    assert (INVENTED in text) == TASKS[name].makes
    assert ("genfoundry generate" in page) == TASKS[name].makes


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
    assert [name for name, each in TASKS.items() if each.purpose.format(noun="images") in text] == []


@pytest.mark.parametrize(("family", "name"), [("cnn", "classification"), ("srgan", "super_resolution")])
def test_an_evaluation_of_before_tasks_were_recorded_has_its_familys(family, name):
    assert task.name_of(judged("", family)) == name
    assert TASKS[name].purpose.format(noun="images") in purpose(judged("", family))
