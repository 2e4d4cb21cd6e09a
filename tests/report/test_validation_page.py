"""The page of one validation."""

from __future__ import annotations

import pytest
from demo import DIGITS, DIGITS_CARD, validated
from live import HOSTILE, Page, dangers

from genfoundry.records import Check
from genfoundry.report import render_validation
from genfoundry.report.validation import MOST_ROWS

COUNTS = {"train": 4000, "test": 1000}


def text_of(html: str) -> str:
    return " ".join(" ".join(Page(html).text).split())


def test_it_says_what_passed_what_warned_and_what_was_put_aside() -> None:
    quarantine = [{"path": "cats/1.jpg", "reason": "NOT_IMAGE", "sentence": "It begins with <html>.", "sha256": "ab"}]
    text = text_of(render_validation(validated(DIGITS, COUNTS), DIGITS_CARD, quarantine))
    assert "4 of 5 checks passed, 1 warning" in text
    assert "4 of 4,000 rows are exact duplicates." in text
    assert "cats/1.jpg NOT_IMAGE It begins with <html>." in text
    assert "4,000" in text


def test_a_critical_failure_is_named_as_one() -> None:
    data = validated(DIGITS, COUNTS)
    failed = Check(name="leakage", severity="critical", passed=False, sentence="3 test rows occur in training.")
    text = text_of(render_validation(data.model_copy(update={"checks": (failed,)}), DIGITS_CARD, []))
    assert "0 of 1 checks passed, 1 critical failure" in text
    assert "Nothing was put aside." in text


def test_a_long_quarantine_is_cut_and_counted() -> None:
    html = render_validation(validated(DIGITS, COUNTS), {}, [{"path": str(i)} for i in range(MOST_ROWS + 7)])
    assert len(Page(html).having("td")) == MOST_ROWS
    assert "and 7 more." in text_of(html)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_data_says_comes_alive(text: str) -> None:
    data = validated(DIGITS.model_copy(update={"name": text}), {text: 1})
    checks = (Check(name=text, severity="warning", passed=False, sentence=text),)
    card = {"title": text, "licence": text, "class_names": [text], "policy": {text: text}}
    page = Page(render_validation(data.model_copy(update={"checks": checks}), card, [{text: text, "path": text}]))
    assert dangers(page) == []
    assert page.open == []
    assert text in "".join(page.text)
