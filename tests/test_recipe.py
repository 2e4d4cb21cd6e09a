"""A recipe that is wrong is refused while it is parsed, in a sentence."""

import subprocess
import sys

import pytest
from genfoundry_flows import recipes

from genfoundry import catalog, recipe
from genfoundry.errors import UserError

GOOD = "dataset: {name: mnist-5k}\nmodel: {family: dcgan, latent_dim: 32}\ntraining: {max_steps: 10}\n"


def refusal(text, overrides=None):
    with pytest.raises(UserError) as caught:
        recipe.parse("mine", text, overrides)
    return str(caught.value)


@pytest.mark.parametrize("name", recipes.names())
def test_every_shipped_recipe_parses_and_its_settings_are_in_range(name):
    parsed = recipes.load(name)
    family = catalog.load("models", parsed.model.family, __import__("genfoundry.model").model.Model)
    family.Config(**parsed.model.settings)
    assert parsed.title


def test_overrides_lie_over_the_recipe(root):
    parsed = recipe.parse("mine", GOOD, {"model.latent_dim": 64, "training.seed": 3})
    assert parsed.model.settings == {"latent_dim": 64}
    assert parsed.training.seed == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("latent_dim", "latent_dmi"), "unknown key 'model.latent_dmi'; did you mean 'latent_dim'?"),
        (GOOD.replace("max_steps", "max_step"), "unknown key 'training.max_step'; did you mean 'max_steps'?"),
        (GOOD.replace("training", "trainin"), "unknown key 'trainin'; did you mean 'training'?"),
        (GOOD.replace("dcgan", "dcgna"), "no family 'dcgna'; did you mean 'dcgan'?"),
        (GOOD.replace("mnist-5k", "mnist-5"), "no dataset 'mnist-5'; did you mean 'mnist-5k'?"),
        (GOOD.replace("10", "-10"), "training.max_steps = -10: Input should be greater than 0"),
        (GOOD.replace("10", "ten"), "training.max_steps = 'ten'"),
        (GOOD.replace("mnist-5k", "nyc-weather"), "reads image data, on the dataset 'nyc-weather', which is series"),
        ("a: [", "is not YAML"),
        ("- 1", "is a list"),
        ("a: &x 1\nb: *x", "YAML alias"),
        ("a: &x {b: [c]}\n? *x\n: 1", "YAML alias"),
        ("a: &x [*x]", "YAML alias"),
        ("a: *x", "is not YAML: found undefined alias"),
        ("a: 1\n---\nb: 2", "is not YAML: expected a single document"),
        ("", "is a NoneType"),
        ("a: !!python/object:os.system {}", "is not YAML"),
        ("x" * 70_000, "70000 bytes"),
        ("model: {_target_: os.system}", "missing"),
    ],
)
def test_refusals(root, text, says):
    assert says in refusal(text)


def test_an_override_of_an_unknown_section_names_the_closest(root):
    assert "no section 'trainin'; did you mean 'training'?" in refusal(GOOD, {"trainin.seed": 1})
    assert "section.key" in refusal(GOOD, {"seed": 1})


def test_another_dataset_is_another_registered_model(root):
    assert recipes.load("dcgan").registered_name == "dcgan"
    assert recipes.load("dcgan", {"dataset.name": "digits"}).registered_name == "dcgan-digits"


def test_a_typo_costs_no_import_of_torch():
    code = "import sys; from genfoundry_flows import recipes; recipes.load('dcgan'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_budget_runs_its_share_of_the_steps(root):
    text = GOOD.replace("max_steps: 10", "max_steps: 500, warmup_steps: 50")
    quick = recipe.parse("mine", text, dict(recipe.BUDGETS["quick"]))
    assert (quick.training.max_steps, quick.training.warmup_steps, quick.training.share) == (50, 5, 1.0)
    assert (quick.evaluation.num_samples, quick.evaluation.seeds) == (256, 1)
    assert recipe.parse("mine", text, dict(recipe.BUDGETS["full"])) == recipe.parse("mine", text)


@pytest.mark.parametrize(
    ("name", "overrides", "says"),
    [
        ("vae", {"evaluation.task": "anomaly"}, "leaves no class out of training"),
        (
            "gan",
            {"evaluation.task": "anomaly", "training.leave_out": 3},
            r"'gan' is not made for: it has no anomaly_score\.\nExpected: one of these families: vae$",
        ),
        ("dcgan", {"evaluation.extractor": "cnnn"}, "no extractor 'cnnn'; did you mean 'cnn'"),
    ],
)
def test_a_judging_that_cannot_be_is_refused_before_training(name, overrides, says):
    with pytest.raises(UserError, match=says):
        recipes.load(name, overrides)


@pytest.mark.parametrize("budget", ["quick", "ci"])
@pytest.mark.parametrize("name", [name for name in recipes.names() if name.startswith("srgan")])
def test_a_budget_shortens_every_stage_of_a_family_alike(name, budget):
    whole, short = recipes.load(name), recipes.load(name, dict(recipe.BUDGETS[budget]))
    parts = [each.model.settings["pixel_steps"] / each.training.max_steps for each in (whole, short)]
    assert parts[0] == pytest.approx(parts[1], abs=0.02)
    assert short.model.settings["pixel_steps"] > 0


def test_the_class_that_training_leaves_out_is_the_one_that_is_looked_for(root):
    detector = GOOD.replace("dcgan", "vae").replace("latent_dim: 32", "width: 8") + "evaluation: {task: anomaly}\n"
    for written, left_out in (("3", 3), ('"3"', "3"), ("shirt", "shirt")):
        parsed = recipe.parse("mine", detector.replace("max_steps: 10", f"max_steps: 10, leave_out: {written}"))
        assert parsed.evaluation.model_dump()["left_out"] == parsed.training.leave_out == left_out
        assert type(parsed.training.leave_out) is type(left_out)


@pytest.mark.parametrize(
    ("written", "says"), [("no", "YAML read False; write the name"), ("1.50", "YAML read 1.5;"), ("-1", "from 0")]
)
def test_a_class_that_yaml_reads_otherwise_is_refused(written, says):
    with pytest.raises(UserError, match=f"training.leave_out = .*{says}"):
        recipe.parse("mine", GOOD.replace("max_steps: 10", f"max_steps: 10, leave_out: {written}"))


def test_a_section_of_the_evaluation_has_the_keys_of_the_task_that_decides(root):
    assert "unknown key 'evaluation.origins'; known: extractor, inception_weights, num_samples" in refusal(
        GOOD + "evaluation: {origins: 4}\n"
    )
    assert "unknown key 'evaluation.num_sample'; did you mean 'num_samples'?" in refusal(
        GOOD, {"evaluation.num_sample": 64}
    )
    assert "evaluation.num_samples = 3: Input should be greater than or equal to 16" in refusal(
        GOOD, {"evaluation.num_samples": 3}
    )
    assert "evaluation.task = 'anomly': there is no such task; did you mean 'anomaly'?" in refusal(
        GOOD, {"evaluation.task": "anomly"}
    )
    assert "'dcgan' is not made for: it reads image data" in refusal(GOOD, {"evaluation.task": "forecasting"})


def test_what_is_laid_over_recipes_of_any_task_is_laid_where_the_task_knows_it(root):
    over = {"evaluation.num_samples": 64, "evaluation.origins": 3, "evaluation.seed": 5}
    plans = {name: recipes.load(name, over).evaluation.model_dump() for name in ("dcgan", "deepar", "cnn")}
    assert plans["dcgan"]["num_samples"] == 64
    assert plans["deepar"]["origins"] == 3
    assert {plan["seed"] for plan in plans.values()} == {5}
    assert not {"num_samples", "origins"} & {*plans["cnn"]}


def test_a_recipe_may_ask_for_any_task_that_its_family_is_made_for(root):
    assert recipes.load("deepar", {"evaluation.task": "anomaly"}).evaluation.model_dump()["origins"] == 14
    assert recipes.load("deepar", {"evaluation.task": "forecasting"}).evaluation.task == "forecasting"


def test_whoever_changes_a_setting_of_a_recipe_changes_no_later_parse(root):
    text = GOOD.replace("latent_dim: 32", "latent_dim: [32]")
    recipe.parse("mine", text).model.settings["latent_dim"].append(64)
    assert recipe.parse("mine", text).model.settings == {"latent_dim": [32]}


def test_an_anchor_that_nothing_names_is_a_plain_value(root):
    assert recipe.parse("mine", GOOD.replace("32", "&x 32")).model.settings == {"latent_dim": 32}
