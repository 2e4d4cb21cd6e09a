"""A version's card fits into MLflow's table on PostgreSQL, which refuses a longer one."""

from __future__ import annotations

from support.tracked import PASS, evaluation

from genfoundry.dataset import Card
from genfoundry.records import Score
from genfoundry.report import model_card
from genfoundry.report.model_card import LONGEST, describe, describe_model


def judged(rows: int):
    found = evaluation("key", "0" * 32, "f" * 64)
    more = [Score(name=f"recall{n}", value=n, low=n, high=n, higher_is_better=True) for n in range(rows)]
    return found.model_copy(update={"scores": (*found.scores, *more)})


def test_a_card_with_room_has_every_score():
    text = describe("m", judged(5), PASS, None, "#")
    assert text.count("| recall") == 5
    assert "more in the report" not in text


def test_a_card_without_room_keeps_the_primary_score_and_says_how_many_are_elsewhere():
    text = describe("m", judged(200), PASS, None, "#")
    shown = text.count("| recall")
    assert LONGEST - 80 < len(text) <= LONGEST
    assert "| **fd" in text
    assert f"{200 - shown} more in the report." in text
    assert "### Use" in text


def test_a_card_that_can_not_be_made_to_fit_is_cut():
    reason = PASS.reasons[0].model_copy(update={"sentence": "x" * 9000})
    text = describe("m", judged(1), PASS.model_copy(update={"reasons": (reason,)}), None, "#")
    assert len(text) == LONGEST


def test_a_page_of_a_model_fits_whatever_a_user_wrote_on_the_card_of_the_data(monkeypatch):
    words = "a word and another " * 500
    written = Card(name="digits", kind="image", title="Digits", licence=words, consent=words, source=words)
    monkeypatch.setattr(model_card, "_card", lambda version: written)
    text = describe_model("m", judged(5), 1, "#")
    assert len(text) <= LONGEST
    assert text.count(" …\n") == 3
    assert "genfoundry generate m" in text


def enlarger(**more):
    found = judged(1)
    return found.model_copy(update={"checkpoint": found.checkpoint.model_copy(update={"family": "srgan"}), **more})


def test_what_enlarges_is_asked_with_an_image():
    text = describe_model("m", enlarger(task="super_resolution"), 1, "#")
    assert "genfoundry generate m --input image.png -o DIR" in text
    assert "large = model.predict(np.zeros(" in text
    assert "seed" not in text.partition("### Use")[2]


def test_what_was_judged_as_a_detector_is_for_that_and_makes_nothing():
    text = describe_model("m", judged(1).model_copy(update={"task": "anomaly"}), 1, "#")
    assert "For finding what differs" in text
    assert "genfoundry generate" not in text
