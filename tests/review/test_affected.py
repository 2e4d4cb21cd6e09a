"""Which recipes a change touches, on this repository's own recipes and arrows."""

from pathlib import Path

import pytest
from genfoundry_flows import recipes

from genfoundry import catalog
from genfoundry.recipe import lineage
from genfoundry.review import affected
from genfoundry.review.affected import Change, RecipeIndex

FLOWS = recipes.FOLDER.parent
HERE = RecipeIndex(
    {name: lineage(file, recipes.files()) for name, file in recipes.files().homes().items()},
    {name: recipes.load(name) for name in recipes.names()},
    ("genfoundry_flows.pipeline",),
    FLOWS,
    Path("/checkout/constraints.txt"),
)


def found(*files: Path, datasets: tuple[str, ...] = ()):
    return {each.recipe: each for each in affected.touched(Change(frozenset(files), frozenset(datasets)), HERE)}


def run(*files: Path, datasets: tuple[str, ...] = (), able=tuple(HERE.recipes)):
    selection = affected.select(list(found(*files, datasets=datasets).values()), HERE, recipes.DEFAULT, able)
    return {each.recipe for each in selection.run}, selection


def of_family(*families: str) -> set[str]:
    return {name for name, recipe in HERE.recipes.items() if recipe.model.family in families}


def test_a_family_touches_its_recipes_and_no_other():
    touched = found(catalog.source("models", "dcgan"))
    assert set(touched) == of_family("dcgan") >= {"dcgan", "dcgan-hinge"}
    assert touched["dcgan"].own == ("its family, dcgan.py",)
    assert run(catalog.source("models", "dcgan"))[0] == of_family("dcgan")


def test_a_recipe_touches_itself():
    assert set(found(recipes.FOLDER / "gan.yaml")) == {"gan"}


def test_an_extractor_touches_whom_it_judges_and_the_default_ones_stand_for_them():
    touched = found(catalog.source("models", "cnn"))
    judged = {name for name, recipe in HERE.recipes.items() if recipe.evaluation.extractor in of_family("cnn")}
    assert set(touched) == judged | of_family("cnn")
    assert touched["dcgan"].own == ()
    assert touched["dcgan"].shared == ("its extractor cnn: models/cnn.py",)
    ran, selection = run(catalog.source("models", "cnn"))
    assert {*of_family("cnn"), "dcgan", "gan", "vae"} <= ran
    assert "dcgan-hinge" in {each.recipe for each in selection.left}


def test_what_adversarial_families_share_touches_them_alone():
    touched = found(catalog.folder("modelling/adversarial.py"))
    assert set(touched) == of_family("gan", "dcgan", "cgan", "lapgan", "srgan")
    assert run(catalog.folder("modelling/adversarial.py"))[0] == {
        "dcgan",
        "gan",
        "srgan",
    }  # srgan: no default recipe has its task


@pytest.mark.parametrize("name", ["training/loop.py", "training/trainer.py", "stages/evaluate.py", "gate.py"])
def test_what_all_share_touches_all_and_runs_the_default_fleet_and_one_of_each_other_task(name):
    ran, selection = run(catalog.folder(name))
    assert {*ran, *(each.recipe for each in selection.left)} == set(HERE.recipes)
    assert set(recipes.DEFAULT) <= ran
    assert len(ran) == len(recipes.DEFAULT) + 3  # super-resolution, anomalies and synthesis


@pytest.mark.parametrize("path", [recipes.FOLDER.parent / "tasks.py", Path("/checkout/constraints.txt")])
def test_the_flow_and_the_libraries_are_shared_by_all(path):
    assert set(found(path)) == set(HERE.recipes)


def test_a_judge_touches_the_recipes_of_its_task():
    assert set(found(catalog.folder("tasks/super_resolution/judge.py"))) == of_family("srgan")
    anomalies = {name for name, recipe in HERE.recipes.items() if recipe.evaluation.task == "anomaly"}
    assert anomalies == set(found(catalog.folder("tasks/anomaly/judge.py")))


def test_data_touch_who_reads_them():
    readers = {name for name, recipe in HERE.recipes.items() if recipe.dataset.name == "stocks"}
    assert set(found(datasets=("stocks",))) == set(found(catalog.source("datasets", "stocks"))) == readers
    assert found(datasets=("stocks",))["rnn-stocks"].own == ("its data, stocks",)


@pytest.mark.parametrize("path", ["docs/ci.md", "tests/test_gate.py", "flows/commands/run.py", "README.md"])
def test_what_no_recipe_reaches_touches_none(path):
    assert found(FLOWS.parent / path) == {}


def test_a_recipe_that_this_machine_cannot_run_is_named_not_run():
    ran, selection = run(catalog.source("models", "dcgan"), able=("dcgan",))
    assert ran == {"dcgan"}
    assert {each.recipe for each in selection.unable} == of_family("dcgan") - {"dcgan"}
