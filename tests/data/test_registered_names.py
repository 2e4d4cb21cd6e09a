"""No two recipes and datasets of a project share a registered model, whichever was there first."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from genfoundry_flows import recipes
from genfoundry_flows.cli import cli
from genfoundry_flows.commands.data import data
from genfoundry_flows.ingest import ingest
from genfoundry_flows.tasks import artifact_key
from PIL import Image
from support.tracked import DATA, PASS, evaluation, trained
from support.trained import digits

from genfoundry import recipe, tracking
from genfoundry.data import registered_names
from genfoundry.data.registered_names import RecipeOnDataset
from genfoundry.errors import UserError
from genfoundry.gate import Policy
from genfoundry.project.recipe_files import RecipeFiles
from genfoundry.stages.ownership import ensure_same_data
from genfoundry.stages.register import register_model

TEXT = "dataset: {name: NAME}\nmodel: {family: mlp}\ntraining: {max_steps: 10}\n"


def pictures(folder: Path) -> Path:
    """A hundred small noisy pictures in two classes."""
    draw = np.random.default_rng(0)
    for number in range(100):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8)).save(path)
    return folder


def place(root: Path, *names: str) -> None:
    """Datasets of images in `data/`, with cards only."""
    for name in names:
        folder = root / "data" / name
        folder.mkdir(parents=True)
        card = {"name": name, "kind": "image", "title": "x", "licence": "x", "source": "x", "consent": "x"}
        (folder / "card.json").write_text(json.dumps(card))


def test_a_set_whose_name_makes_a_recipes_name_is_refused_before_any_work_and_the_remedy_is_taken(root):
    source = pictures(root / "source")
    refused = CliRunner().invoke(data, ["add", str(source), "--name", "fashion"])
    assert isinstance(refused.exception, UserError)
    assert "'cgan-fashion'" in str(refused.exception)
    assert "on 'fashion-mnist'" in str(refused.exception)
    assert {path.name for path in root.iterdir()} == {"source"}
    with pytest.raises(UserError, match="can't be named 'fashion'"):
        ingest.fn(str(source), "fashion", "none", "none")
    (name,) = re.findall(r"--name (\S+)", refused.exception.remedy)
    taken = CliRunner().invoke(data, ["add", str(source), "--name", name])
    assert taken.exit_code == 0, taken.output
    assert CliRunner().invoke(data, ["add", str(source), "--name", name]).exit_code == 0  # a later version of it


@pytest.mark.parametrize("name", ["fashion", "stocks-2", "anomaly", "x4", "2016", "hinge", "classifier"])
def test_every_name_that_is_taken_is_free_of_its_remedy(root, name):
    homes, known = recipe.homes(recipes.files()), registered_names.here()
    taken = {f"{one}-{name}" for one in homes} & set(homes)
    if not taken:
        registered_names.ensure_free(name, homes, known)
        return
    with pytest.raises(UserError) as refused:
        registered_names.ensure_free(name, homes, known)
    registered_names.ensure_free(refused.value.remedy.rpartition(" ")[2], homes, known)


def test_two_readings_of_one_name_are_refused_whichever_comes_second(root):
    homes = {"a": "mnist-5k", "a-b": "mnist-5k"}
    registered_names.ensure_free("b-c", homes, {"mnist-5k"})
    with pytest.raises(UserError, match=r"recipe 'a-b' on 'c' would be registered as 'a-b-c'.*recipe 'a' on 'b-c'"):
        registered_names.ensure_free("c", homes, {"mnist-5k", "b-c"})
    with pytest.raises(UserError, match=r"recipe 'a' on 'b-c' would be registered as 'a-b-c'.*recipe 'a-b' on 'c'"):
        registered_names.ensure_free("b-c", homes, {"mnist-5k", "c"})
    assert registered_names.holder(RecipeOnDataset("a", "mnist-5k"), homes, {"mnist-5k", "b-c", "c"}) is None


def test_a_set_that_was_there_before_is_refused_when_a_recipe_is_run_on_it(root):
    place(root, "fashion", "b-c", "c")
    with pytest.raises(UserError, match="'mlp' on 'fashion' would be registered as 'mlp-fashion'") as refused:
        recipes.load("mlp", {"dataset.name": "fashion"})
    assert "recipe 'mlp-fashion' on 'fashion-mnist'" in refused.value.found
    assert "--name my-fashion, then: genfoundry run mlp --data my-fashion" in refused.value.remedy
    assert recipes.load("mlp-fashion").registered_name == "mlp-fashion"
    assert recipes.load("mlp", {"dataset.name": "mnist-5k"}).registered_name == "mlp"
    assert recipes.load("gan", {"dataset.name": "c"}).registered_name == "gan-c"
    folder = root / "recipes"
    folder.mkdir()
    for name in ("a", "a-b"):
        (folder / f"{name}.yaml").write_text(TEXT.replace("NAME", "mnist-5k"))
    with pytest.raises(UserError, match=r"recipe 'a' on 'b-c' .* recipe 'a-b' on 'c'"):
        recipe.load("a", RecipeFiles.of_folder(folder), {"dataset.name": "b-c"})
    with pytest.raises(UserError, match=r"recipe 'a-b' on 'c' .* recipe 'a' on 'b-c'"):
        recipe.load("a-b", RecipeFiles.of_folder(folder), {"dataset.name": "c"})


def test_a_set_of_the_catalogue_is_run_by_a_recipe_of_another_name(root):
    with pytest.raises(UserError, match="'srgan-digits' on 'mnist-5k'") as refused:
        recipes.load("srgan", {"dataset.name": "digits"})
    make, run = (shlex.split(command.strip())[1:] for command in refused.value.remedy.split(", then:"))
    made = CliRunner().invoke(cli, make)
    assert made.exit_code == 0, made.output
    assert run == ["run", "my-srgan", "--data", "digits"]
    assert recipes.load("my-srgan", {"dataset.name": "digits"}).registered_name == "my-srgan-digits"
    with pytest.raises(UserError) as refused:
        recipes.load("deepar", {"dataset.name": "stocks"})
    assert refused.value.remedy.startswith("genfoundry run deepar-stocks")


def test_a_classifier_that_would_be_anothers_is_refused_with_the_recipe_that_needs_it(root):
    place(root, "fashion")
    assert recipes.load("dcgan-unshifted").evaluation.extractor == "cnn"
    with pytest.raises(UserError, match="'cnn' on 'fashion' would be registered as 'cnn-fashion'"):
        recipes.load("dcgan-unshifted", {"dataset.name": "fashion"})


def test_a_model_of_one_dataset_takes_no_version_of_another(sqlite, name, tmp_path):
    found = trained(f"{name}-1", tmp_path)
    ensure_same_data(name, "digits")
    assert register_model(found, Policy(), name).version == 1
    ensure_same_data(name, "digits")
    with pytest.raises(UserError, match=r"'digits'.*'letters'"):
        ensure_same_data(name, "letters")
    other = trained(f"{name}-2", tmp_path, data=DATA.model_copy(update={"name": "letters"}))
    with pytest.raises(UserError, match=r"holds models of the dataset 'digits' \(version 1\)"):
        register_model(other, Policy(), name)
    assert [info.version for info in tracking.list_versions(name)] == [1]


@pytest.mark.servers
@pytest.mark.slow
def test_it_is_said_before_the_training(root):
    digits(root)
    found = trained("someones", root / "scratch")
    tags = {"dataset": "letters"}
    judged = evaluation("someones", found.checkpoint.run_id, found.checkpoint.weights_digest)
    tracking.register("gan-digits", found.checkpoint.run_id, judged, PASS, "key", "A card.", tags)
    command = [Path(sys.executable).with_name("genfoundry"), "run", "gan", "--data", "digits"]
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert "'letters'" in done.stderr + done.stdout
    assert not (root / ".genfoundry" / "jobs").exists()


def test_names_that_differ_have_artifacts_that_differ():
    names = ("a.b", "a-b", "A-b", "a_b", "gan-digits", "gan")
    keys = {artifact_key("verdict", name) for name in names}
    assert len(keys) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
    assert {"verdict-a-b", "verdict-gan-digits", "verdict-gan"} <= keys
