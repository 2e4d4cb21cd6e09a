"""A review's findings, from evaluations whose intervals are known, and its page."""

from __future__ import annotations

import math

import pytest
from support.tracked import PRIMARY, evaluation

from genfoundry.gate import Policy
from genfoundry.records import Evaluation
from genfoundry.report import markdown
from genfoundry.review.affected import Selection, Touched
from genfoundry.review.compare import DataChange, Effect, RecipeComparison, Review, Side, compare
from genfoundry.review.page import headline, render

POLICY = Policy(trial=True)  # as the budget `ci` makes it
GAN = Touched("gan", ("its recipe",), ())


def judged(fd: float, weights: str = "w") -> Evaluation:
    """An evaluation with a distance of `fd` ± 0.5; the noise floor lies at 100 ± 1."""
    return evaluation("k", "i", weights, fd)


def finding(before: Side, after: Side) -> Effect:
    return compare(GAN, before, after, POLICY, None).finding


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (5.0, 3.0, Effect.BETTER),
        (5.0, 5.9, Effect.SAME),  # [4.5, 5.5] and [5.4, 6.4] touch
        (5.0, 7.0, Effect.REJECTED),
        (5.0, 100.0, Effect.REJECTED),  # as bad as noise
        (100.0, 100.2, Effect.INHERITED),  # as bad as noise before, too
        (100.0, 200.0, Effect.REJECTED),  # it was bad, and is worse beyond the intervals
        (100.0, 5.0, Effect.BETTER),
        (5.0, math.nan, Effect.REJECTED),
    ],
)
def test_the_gate_decides_with_the_base_for_a_champion(before, after, expected):
    assert finding(Side(judged(before, "a")), Side(judged(after, "b"))) is expected


def test_equal_weights_and_scores_are_identical_whatever_the_run_key():
    assert finding(Side(judged(5.0)), Side(judged(5.0))) is Effect.IDENTICAL


def test_without_a_base_its_own_rules_count():
    gone = Side(error="This revision has no such recipe.", status=2)
    assert finding(gone, Side(judged(5.0))) is Effect.SOUND
    assert finding(gone, Side(judged(100.0))) is Effect.REJECTED


def test_without_weights_a_divergence_is_rejected_and_an_error_is_a_failure():
    assert finding(Side(judged(5.0)), Side(error="nan at step 20", status=6)) is Effect.REJECTED
    assert finding(Side(judged(5.0)), Side(error="no such key", status=2)) is Effect.FAILED


def test_scores_of_other_data_are_not_compared():
    other = judged(3.0)
    data = other.checkpoint.dataset.model_copy(update={"digest": "f" * 32 + ".dir"})
    other = other.model_copy(update={"checkpoint": other.checkpoint.model_copy(update={"dataset": data})})
    assert finding(Side(judged(50.0, "a")), Side(other)) is Effect.SOUND


def review(*compared: RecipeComparison, **more) -> Review:
    selection = Selection(tuple(each.touched for each in compared), more.pop("left", ()), more.pop("unable", ()))
    return Review("origin/main", "0" * 12, "1" * 12, False, False, "ci", compared, selection, **more)


def test_the_page_holds_both_scores_with_intervals_and_the_failed_reason():
    found = compare(GAN, Side(judged(5.0, "a")), Side(judged(7.0, "b")), POLICY, (3, judged(4.0)))
    page = render(review(found))
    assert "| **gan** | 5.00 (4.50 – 5.50) | 7.00 (6.50 – 7.50) | ✕ REJECT |".replace(" – ", "\u2009–\u2009") in page
    assert "against the base's 5" in page
    assert "worse beyond the intervals" in page
    assert "| **gan** | 3 | 4.00" in page  # the registered champion
    assert PRIMARY in page
    assert "`its recipe`" in page


def test_what_others_wrote_stays_text():
    evil = "</td><script>x</script>|`a`\n# @someone [link](http://x)"
    failed = compare(GAN, Side(judged(5.0)), Side(error=f"```\n{evil}", status=1), POLICY, None)
    touched = Touched("vae", (evil,), ())
    page = render(review(failed, left=(touched,), removed=(evil,), broken={"rnn": evil}))
    from markdown_it import MarkdownIt

    html = MarkdownIt("gfm-like", {"linkify": False}).render(page)
    assert "<script" not in html
    assert html.count("<h1") == 0
    assert "<a " not in html
    (row,) = [line for line in page.splitlines() if line.startswith("| vae")]
    assert row.replace("\\|", "").count("|") == 4


def test_nothing_touched_says_so():
    page = render(review())
    assert page.startswith("## genfoundry ci: no recipe to run\n")
    assert "nothing was trained" in page


def test_a_change_of_data_shows_versions_and_rows():
    data = DataChange("stocks", "a" * 36, "b" * 36, {"train": 100, "test": 10}, {"train": 1200, "test": 10})
    page = render(review(data=(data,)))
    assert f"{'a' * 12} → {'b' * 12} | train 100, test 10 → train 1,200, test 10" in page


def test_a_long_page_ends_at_a_section_and_says_so():
    left = tuple(Touched(f"recipe-{n}", ("its recipe",), ()) for n in range(1000))
    found = review(compare(GAN, Side(judged(5.0)), Side(judged(5.0)), POLICY, None), left=left)
    page = render(found, 4000)
    assert len(page.encode()) <= 4000
    assert page.endswith("this place holds no more._\n")
    assert "recipe-1 " not in page
    assert "recipe-999" in render(found)


def test_the_headline_counts():
    pairs = [(5.0, 3.0), (5.0, 7.0), (5.0, 5.1)]
    found = [compare(GAN, Side(judged(a, "a")), Side(judged(b, "b")), POLICY, None) for a, b in pairs]
    assert headline(review(*found)) == "3 recipes: 1 rejected, 1 better, 1 without a difference"


@pytest.mark.parametrize("text", ["a`b", "``", "`x", "a|b", "plain", "two\nlines"])
def test_a_code_span_shows_its_text(text):
    from markdown_it import MarkdownIt

    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown.table(["t"], [[markdown.code(text)]]))
    from html import unescape

    shown = unescape(html.partition("<code>")[2].partition("</code>")[0])
    assert shown == " ".join(text.split())
