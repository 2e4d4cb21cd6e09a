"""Recipes of the package, of the project, and which of them a name means."""

from __future__ import annotations

import pytest
from genfoundry_flows import recipes

from genfoundry.errors import UserError
from genfoundry.project.recipe_files import RecipeFiles


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    (tmp_path / "genfoundry.toml").write_text('slug = "acme"')
    (tmp_path / "recipes").mkdir()
    return tmp_path


def written(root, name, text):
    path = root / "recipes" / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_recipes_stand_beside_the_shipped_ones(root):
    path = written(root, "mine", "from: gan\ntraining: {max_steps: 7}")
    assert {"mine", "gan"} <= {*recipes.names()}
    mine, gan = recipes.load("mine"), recipes.load("gan")
    assert mine.training == gan.training.model_copy(update={"max_steps": 7})
    assert (mine.model, mine.evaluation, mine.dataset) == (gan.model, gan.evaluation, gan.dataset)
    assert (mine.registered_name, gan.registered_name) == ("acme--mine", "acme--gan")
    assert recipes.load("mine", {"dataset.name": "digits"}).registered_name == "acme--mine--digits"
    assert recipes.load(str(path)) == recipes.load("acme:mine") == mine
    assert recipes.load("genfoundry:gan") == gan


def test_what_differs_is_laid_over_key_by_key(root):
    written(root, "one", "from: gan\nmodel: {latent_dim: 3}\nevaluation: {num_samples: 64}")
    written(root, "two", "from: one\nmodel: {width: 9}\ntraining: {seed: 5}")
    one, two = recipes.load("one"), recipes.load("two")
    assert two.model.settings == {**one.model.settings, "width": 9} == {"latent_dim": 3, "width": 9}
    assert (two.evaluation, two.training.seed) == (one.evaluation, 5)


def test_settings_of_another_family_are_not_inherited(root):
    written(root, "one", "from: gan\nmodel: {latent_dim: 3}")
    written(root, "two", "from: one\nmodel: {family: dcgan}")
    assert recipes.load("two").model.settings == {}


def test_a_shipped_name_is_refused_until_the_mark_says_which_is_meant(root):
    path = written(root, "gan", "from: genfoundry:gan\ntraining: {max_steps: 7}")
    with pytest.raises(
        UserError, match=rf"'gan' is the name of genfoundry:gan \(.*\) and acme:gan \({path}\)"
    ) as refused:
        recipes.load("gan")
    assert 'override = ["recipes/gan"]' in refused.value.remedy
    assert recipes.load("genfoundry:gan").training.max_steps == 2500
    (root / "genfoundry.toml").write_text('slug = "acme"\noverride = ["recipes/gan"]')
    assert recipes.load("gan").training.max_steps == 7
    assert recipes.load("genfoundry:gan").training.max_steps == 2500


def test_a_circle_is_told_with_its_files(root):
    written(root, "one", "from: two")
    written(root, "two", "from: one")
    with pytest.raises(UserError, match=r"begins from itself: one.yaml from two.yaml from one.yaml"):
        recipes.load("one")
    written(root, "self", "from: self")
    with pytest.raises(UserError, match=r"begins from itself: self.yaml from self.yaml"):
        recipes.load("self")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("from: gann", r"recipe 'mine' \(.*mine.yaml\): from: There is no recipe 'gann'; did you mean 'gan'"),
        ("from: [gan]", r"from = \['gan'\]"),
        ("from: ../../gan", "from: There is no recipe '../../gan'"),
        ("from: gan\nmodel: {family: !!python/object/apply:os.system [id]}", "is not YAML"),
        ("from: gan\ntrainings: {max_steps: 3}", "unknown key 'trainings'; did you mean 'training'"),
        ("\x00", "is not YAML"),
    ],
)
def test_a_recipe_that_is_none_names_its_file(root, text, sentence):
    written(root, "mine", text)
    with pytest.raises(UserError, match=sentence) as refused:
        recipes.load("mine")
    assert "mine.yaml" in str(refused.value)


def test_a_path_that_is_none_of_the_projects(root, tmp_path):
    (root / "elsewhere.yaml").write_text("from: gan")
    with pytest.raises(UserError, match=r"elsewhere.yaml is no recipe of this project") as refused:
        recipes.load(str(root / "elsewhere.yaml"))
    assert refused.value.remedy == f"mv '{root / 'elsewhere.yaml'}' '{root / 'recipes'}'/"
    with pytest.raises(UserError, match="is not there"):
        recipes.load("recipes/missing.yaml")


def test_names_whose_parts_could_be_read_in_two_ways_are_refused(root):
    written(root, "a--b", "from: gan")
    with pytest.raises(UserError, match="'a--b' can't be part of a registered name"):
        recipes.load("a--b")
    with pytest.raises(UserError, match="A dataset can't be named 'x--y' here") as refused:
        recipes.ensure_free("x--y")
    recipes.ensure_free(refused.value.remedy.rpartition(" ")[2])


def test_another_folder_holds_them_where_the_mark_says_so(root):
    (root / "genfoundry.toml").write_text('recipes = "pipelines"')
    (root / "pipelines").mkdir()
    (root / "pipelines" / "mine.yaml").write_text("from: gan")
    assert recipes.load("mine").registered_name == "mine"
    assert not RecipeFiles.of_folder(root / "nowhere").files
