"""What a user sees of a validation, passed or failed: every check on the terminal, as JSON, and on one page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from genfoundry_flows.commands.data import data

from genfoundry.data.policy import Validation
from genfoundry.data.quarantine import IntakeTally, RefusedError, put_aside
from genfoundry.dataset import seal
from genfoundry.datasets import digits
from genfoundry.kinds.image import storage
from genfoundry.project.root import state_dir
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.validate import InvalidData, page_of, validate_dataset

NAME = "<b>mine<b>"


def save(root: Path, leak: bool) -> None:
    """The digits as a user's dataset; `leak` puts the first training image into the test split."""
    examples = list(digits.examples())
    if leak:
        examples[-1] = examples[0]._replace(split="test")
    spec, counts = storage.write(root / "data" / "mine", examples, digits.CARD)
    found = {"spec": spec, "counts": counts, "name": "mine", "title": NAME}
    seal(root / "data" / "mine", digits.CARD.model_copy(update=found))


@pytest.fixture
def leaky(root: Path) -> Path:
    save(root, leak=True)
    return root


def test_a_failed_validation_prints_every_check_and_exits_with_2(leaky: Path) -> None:
    program = Path(sys.executable).with_name("genfoundry")
    env = {**os.environ, "GENFOUNDRY_ROOT": str(leaky)}
    done = subprocess.run([program, "data", "validate", "mine"], env=env, capture_output=True, text=True)
    marks = [line[0] for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert len(marks) > 20
    assert marks.count("✗") == 1
    assert set(marks) <= {"✓", "⚠", "✗"}
    assert "✗ 1 of 356 test images are training images too" in done.stdout
    assert "genfoundry data add" in done.stderr
    assert str(page_of("mine").relative_to(state_dir())) in done.stderr
    assert "Traceback" not in done.stderr


def test_json_holds_the_same_whether_it_passed_or_failed(leaky: Path) -> None:
    failed = CliRunner().invoke(data, ["validate", "mine", "--json"])
    assert isinstance(failed.exception, InvalidData)
    save(leaky, leak=False)
    passed = CliRunner().invoke(data, ["validate", "mine", "--json"])
    assert passed.exit_code == 0
    before, after = json.loads(failed.stdout), json.loads(passed.stdout)
    assert before.keys() == after.keys()
    assert [check["name"] for check in before["checks"]] == [check["name"] for check in after["checks"]]
    assert [check["name"] for check in before["checks"] if not check["passed"]] == ["leak from train into test"]
    assert all(check["passed"] for check in after["checks"])


def test_the_page_follows_the_last_validation_and_escapes_what_data_says(leaky: Path) -> None:
    with pytest.raises(InvalidData) as caught:
        validate_dataset(fetch_dataset("mine"), Validation())
    page = page_of("mine").read_text(encoding="utf-8")
    assert str(page_of("mine")) in caught.value.remedy
    assert "1 critical failure" in page
    assert "1 of 356 test images are training images too" in page
    assert NAME not in page
    assert "&lt;b&gt;mine&lt;b&gt;" in page
    save(leaky, leak=False)
    validate_dataset(fetch_dataset("mine"), Validation())
    assert "critical failure" not in page_of("mine").read_text(encoding="utf-8")


def test_the_page_lists_what_was_put_aside_on_the_way_in(root: Path) -> None:
    assert put_aside("mine") == []
    tally = IntakeTally("mine", 1.0)
    tally.refuse("cats/1.jpg", RefusedError("NOT_IMAGE", "It begins with <html>."))
    tally.write()
    save(root, leak=False)
    validate_dataset(fetch_dataset("mine"), Validation())
    page = page_of("mine").read_text(encoding="utf-8")
    assert "cats/1.jpg" in page
    assert "It begins with &lt;html&gt;." in page
