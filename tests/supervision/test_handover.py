"""What a training came to, on a real SQLite store."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.trained import digits, order

from genfoundry import tracking
from genfoundry.data.quarantine import IntakeTally, RefusedError
from genfoundry.errors import UserError
from genfoundry.outcomes import Interrupted
from genfoundry.records import ValidatedDataset
from genfoundry.supervision.handover import find_checkpoint, hand_over, log_validation
from genfoundry.training.job import Order, Result


@pytest.fixture
def made(root: Path) -> Order:
    digits(root)
    return order(root, root / "job", family="gan")


def begin(made: Order) -> str:
    return tracking.start_run(made.run_key, recipe="tiny", tags={}, params={}, dataset=made.dataset)


@pytest.mark.parametrize(
    ("outcome", "kind", "status", "remedy"),
    [
        ("PREEMPTED", Interrupted, "KILLED", "genfoundry run tiny --data digits"),
        ("FAILED", UserError, "FAILED", "free 3 MB"),
        (
            "DIVERGED",
            UserError,
            "FAILED",
            "genfoundry run tiny --data digits --set model.learning_rate=…   (a lower one)",
        ),
    ],
)
def test_a_training_without_weights_closes_its_run_and_says_why(root, made, outcome, kind, status, remedy) -> None:
    run_id = begin(made)
    said = "free 3 MB" if outcome == "FAILED" else ""
    result = Result(run_key=made.run_key, outcome=outcome, sentence="so it was", remedy=said, step=3)
    with pytest.raises(kind, match="so it was") as caught:
        hand_over("tiny", made, result, run_id, root / "job")
    run = tracking.find_run(made.run_key)
    assert run is not None
    assert (run.status, run.outcome) == (status, outcome)
    assert caught.value.remedy == remedy
    assert isinstance(caught.value, Interrupted) == (outcome == "PREEMPTED")
    assert find_checkpoint(made.run_key) is None


def test_the_validation_of_a_users_data_lies_beside_the_run_with_what_was_put_aside(root, made) -> None:
    account = IntakeTally("digits", 1.0)
    account.refuse("cats/1.jpg", RefusedError("NOT_IMAGE", "It begins with <html>."))
    account.write()
    run_id = begin(made)
    log_validation(run_id, ValidatedDataset(version=made.dataset, counts={"train": 1442}, checks=()), made.folder)
    page = tracking.read_text(run_id, "validation/index.html")
    assert "cats/1.jpg" in page
    assert "It begins with &lt;html&gt;." in page
    assert '"train": 1442' in tracking.read_text(run_id, "validation/validation.json")
