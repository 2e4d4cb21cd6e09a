"""What is deployed is looked over before anything starts: the shipped file, what a mark says, a file of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from genfoundry_flows.naming import named
from genfoundry_flows.servers import declarations

from genfoundry.errors import UserError

SHIPPED = declarations.SHIPPED / declarations.FILE
NAMES = ["retrain-nightly", "watch-data", "judge-champions"]
MARK = 'schema = 1\nslug = "acme"\n'


@pytest.fixture
def yaml(root) -> Path:
    return Path(shutil.copy(SHIPPED, root / "prefect.yaml"))


def by_name() -> dict[str, dict]:
    return {each["name"]: each for each in declarations.document(declarations.pool())["deployments"]}


def test_what_is_shipped_is_well_and_needs_no_file(root):
    declarations.check()
    assert declarations.declared() == NAMES
    assert {each["work_pool"]["name"] for each in by_name().values()} == {"genfoundry"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"0 2 * * *"', '"99 2 * * *"', ["retrain-nightly", "99 2 * * *", "minute hour day"]),
        ('"0 2 * * *"', '"every night"', ["retrain-nightly", "every night"]),
        ("timezone: UTC\n        slug: nightly", "timezone: Mars/Base\n        slug: nightly", ["Mars/Base"]),
        ('cron: "0 2 * * *"', 'crom: "0 2 * * *"', ["retrain-nightly", "none of cron, interval, rrule"]),
        ("recipes: [dcgan,", "recipes: [dcgna,", ["retrain-nightly", "'dcgna'", "did you mean 'dcgan'"]),
        ("\ndeployments:", "\ndeploymnts:", ["does not parse", "deployments"]),
        ("name: genfoundry\n", "name: [\n", ["does not parse"]),
    ],
)
def test_a_mistake_is_named_with_its_place(yaml, old, new, words):
    text = yaml.read_text()
    assert old in text
    yaml.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        declarations.check()
    assert [word for word in ["prefect.yaml", *words] if word not in str(caught.value)] == []


def test_a_file_of_ones_own_stands_for_the_shipped_one_and_one_about_other_flows_does_not(yaml):
    yaml.write_text(yaml.read_text().replace("retrain-nightly", "at-dawn"))
    assert declarations.declared() == ["at-dawn", *NAMES[1:]]
    yaml.write_text("deployments:\n  - {name: theirs, entrypoint: flows/theirs.py:main}\n")
    assert declarations.declared() == NAMES


def test_a_slug_is_before_each_name_and_what_the_project_has_is_what_it_trains(root):
    (root / "genfoundry.toml").write_text(MARK)
    (root / "recipes").mkdir()
    (root / "recipes" / "mine.yaml").write_text("from: mlp\n")
    found = by_name()
    assert list(found) == [f"acme--{name}" for name in NAMES]
    assert {each["work_pool"]["name"] for each in found.values()} == {"acme--genfoundry"}
    assert found["acme--retrain-nightly"]["parameters"]["recipes"] == ["mine"]
    assert "acme" in found["acme--watch-data"]["tags"]
    assert named(named("retrain")) == "acme--retrain"
    declarations.check()


def test_the_mark_says_what_differs(root):
    said = (
        '[deployments.retrain-nightly]\ncron = "30 4 * * *"\nrecipes = ["gan"]\n[deployments.watch-data]\ncron = ""\n'
    )
    (root / "genfoundry.toml").write_text(MARK + said)
    declarations.check()
    assert by_name()["acme--retrain-nightly"]["parameters"]["recipes"] == ["gan"]
    assert "retrain-nightly (30 4 * * *), acme--watch-data (by hand)" in declarations.timetable()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("[deployments.retrain-nigthly]\n", ["retrain-nigthly", "did you mean 'retrain-nightly'"]),
        ("[deployments.retrain-nightly]\nrecipe = ['gan']\n", ["'recipe'", "did you mean 'recipes'"]),
        ("[deployments.retrain-nightly]\nrecipes = ['gna']\n", ["'gna'", "did you mean 'gan'"]),
        ("[deployments.retrain-nightly]\ncron = 'every night'\n", ["every night", "minute hour day"]),
    ],
)
def test_a_mistake_in_the_mark_is_named_with_its_file(root, said, words):
    (root / "genfoundry.toml").write_text(MARK + said)
    with pytest.raises(UserError) as caught:
        declarations.check()
    assert [word for word in ["genfoundry.toml", *words] if word not in str(caught.value)] == []
