"""One word for every end of a run, the same in code, documentation and exit status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.tracked import evaluation

from genfoundry.errors import UserError
from genfoundry.files import DiskFull
from genfoundry.outcomes import MEANINGS, Diverged, Interrupted, NotPublished, Outcome, outcome, sentence
from genfoundry.records import ModelVersion, Reason
from genfoundry.tracking import TrackerDown

RUNBOOK = (Path(__file__).parents[1] / "docs" / "runbook.md").read_text()


def version(decision: str, *, skipped: bool = False) -> ModelVersion:
    reasons = (
        Reason(rule="finite", passed=True, sentence="All finite."),
        Reason(rule="x", passed=False, sentence="No."),
    )
    return ModelVersion.model_validate(
        {"name": "m", "version": 3, "run_id": "r", "decision": decision, "reasons": reasons, "skipped": skipped}
        | {"evaluation": evaluation("k", "r", "w")}
    )


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (version("PROMOTE"), "PROMOTED"),
        (version("HOLD"), "HOLD"),
        (version("REJECT"), "REJECTED"),
        (version("REJECT", skipped=True), "SKIPPED"),
        (Interrupted("stopped"), "PREEMPTED"),
        (Diverged("NaN"), "DIVERGED"),
        (NotPublished("away"), "TRAINED_NOT_PUBLISHED"),
        (TrackerDown("away"), "FAILED"),
        (UserError("a typo"), "FAILED"),
        (ValueError("a fault"), "FAILED"),
    ],
)
def test_every_end_has_its_word(result, word):
    assert outcome(result) == word


def test_the_sentence_says_what_decided():
    assert sentence(version("REJECT")) == "m version 3: No."
    assert sentence(UserError("Found a typo.", remedy="look")) == "Found a typo.\nRemedy: look"
    assert sentence(ValueError()) == "ValueError"


@pytest.mark.parametrize("word", Outcome)
def test_the_runbook_has_the_same_word_status_and_meaning(word):
    meaning = MEANINGS[word]
    row = re.search(rf"^\| {word} \| (.*?) \| (.*?) \|$", RUNBOOK, re.M)
    assert row, word
    assert str(meaning.status) in re.findall(r"\d+", row[1])
    assert row[2].partition(";")[0].partition(",")[0] in meaning.sentence


def test_statuses_are_apart_and_the_errors_carry_them():
    bad = [meaning.status for word, meaning in MEANINGS.items() if word not in ("PROMOTED", "HOLD", "SKIPPED")]
    assert len(set(bad)) == len(bad)
    taken = {UserError.exit_code, TrackerDown.exit_code, DiskFull.exit_code}
    assert not taken & set(bad)
    assert (Interrupted.exit_code, Diverged.exit_code, NotPublished.exit_code) == (143, 6, 4)
