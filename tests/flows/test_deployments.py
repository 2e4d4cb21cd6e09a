"""`prefect.yaml` is looked over before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from genfoundry_flows.servers import deployments

from genfoundry.errors import UserError

SHIPPED = Path(__file__).parents[2] / "prefect.yaml"


@pytest.fixture
def yaml(root) -> Path:
    return Path(shutil.copy(SHIPPED, root / "prefect.yaml"))


def test_what_is_shipped_is_well(yaml):
    deployments.check()
    assert deployments.declared() == ["retrain-nightly", "watch-data", "judge-champions"]


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
        deployments.check()
    assert [word for word in words if word not in str(caught.value)] == []


def test_without_the_file_it_says_where_it_was_looked_for(root):
    with pytest.raises(UserError, match=str(root)):
        deployments.check()
