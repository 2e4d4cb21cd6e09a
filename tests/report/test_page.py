"""The report: safe against what it is told, whole, self-contained, and honest about what may be compared."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from demo import FD, classifier_view, fleet, grid, image_view, page, score, series_view
from live import HOSTILE, Page, dangers

from genfoundry.exhibit import Bands, Bars, Exhibit, Lines, Matrix, Picture, Sound, Table
from genfoundry.report import RunView, render


@pytest.fixture(scope="module")
def views() -> list[RunView]:
    return fleet()


@pytest.fixture(scope="module")
def shown(views: list[RunView]) -> Page:
    return Page(page(views))


def with_scores(view: RunView, *scores) -> RunView:
    evaluation = view.version.evaluation.model_copy(update={"scores": scores})
    return view.model_copy(update={"version": view.version.model_copy(update={"evaluation": evaluation})})


WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
FILES = {"one.png": grid(1, 2, 0.1), "one.wav": WAV}


def of_every_form(text: str) -> tuple[Exhibit, ...]:
    """One exhibit of each form, with `text` wherever one may say something."""
    said = {"title": text, "caption": text}
    return (
        Picture(**said, file="one.png", alt=text),
        Lines(**said, x_label=text, y_label=text, lines={text: [(0, 1), (1, 2)], f"{text}2": [(0, 2), (1, 1)]}),
        Bands(**said, unit=text, start=text, freq=text, past=[1, 2], observed=[2, None], quantiles={"0.5": [1, 2]},
              lines={text: [1, 2]}),
        Bars(**said, bars=[(text, 1), (f"{text}2", -1)], beside={text: [1, math.nan]}),
        Matrix(**said, row_label=text, column_label=text, rows=[text], columns=[text], cells=[[-0.5]]),
        Table(**said, columns=[text, text], rows=[(text, 0.5), (text, text)]),
        Sound(**said, file="one.wav"),
    )  # fmt: skip


def _spoilt(exhibit: Exhibit, text: str) -> Exhibit:
    more = {"lines": {text: exhibit.past[:24]}} if isinstance(exhibit, Bands) else {}
    return exhibit.model_copy(update={"caption": text, **more})


def spoil(view: RunView, text: str) -> RunView:
    """The view with `text` in every place that a user's data can reach."""
    version, evaluation = view.version, view.version.evaluation
    checkpoint = evaluation.checkpoint.model_copy(update={"recipe": text, "family": text, "run_id": text})
    evaluation = evaluation.model_copy(
        update={
            "checkpoint": checkpoint,
            "protocol": {text: text},
            "scores": (*evaluation.scores, score(text, 1.0, 0.5, 2.0), score(evaluation.primary, 2.0, 1.9, 2.1, text)),
        }
    )
    reasons = tuple(r.model_copy(update={"rule": text, "sentence": text}) for r in version.reasons)
    checks = tuple(c.model_copy(update={"name": text, "sentence": text}) for c in view.validation.checks)
    data = view.validation.version.model_copy(update={"name": text, "digest": text})
    return view.model_copy(
        update={
            "recipe": text,
            "title": text,
            "family": text,
            "paper": text,
            "version": version.model_copy(
                update={"evaluation": evaluation, "reasons": reasons, "name": text, "alias": text}
            ),
            "card": dict.fromkeys(view.card, text) | {"class_names": [text] * 10, "policy": {text: text}},
            "validation": view.validation.model_copy(update={"checks": checks, "version": data, "counts": {text: 3}}),
            "curves": {f"train/{text}": [(0, 1.0), (1, 2.0)]},
            "exhibits": (*(_spoilt(each, text) for each in view.exhibits), *of_every_form(text)),
            "files": view.files | FILES,
            "settings": {text: {text: text}},
        }
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_data_says_comes_alive(text: str) -> None:
    runs = [spoil(view, text) for view in (image_view("vae", "vae", "", "", 1.0), series_view())]
    html = render(runs, title=text, generated=text, commands={text: text})
    parsed = Page(html)
    assert dangers(parsed) == []
    assert parsed.open == []
    assert text in "".join(parsed.text)


def test_the_danger_check_sees_danger() -> None:
    html = "<p onclick=x></p><script></script><a href='javascript:1'></a><img src='http://a/b.png'><p style='x(1)'></p>"
    assert len(dangers(Page(html))) == 5


def test_the_page_loads_nothing_and_forbids_it(shown: Page) -> None:
    assert dangers(shown) == []
    policies = [m["content"] for m in shown.having("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"]


def test_style_sheet_loads_nothing(views: list[RunView]) -> None:
    style = re.search(r"<style>(.*?)</style>", page(views[:1]), re.S)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_picture_and_plot_says_what_it_shows(shown: Page) -> None:
    assert len(shown.having("img")) > 20
    assert all(image["alt"] for image in shown.having("img"))
    plots = [svg for svg in shown.having("svg") if svg.get("role") == "img"]
    assert len(plots) > 40
    assert all(svg["aria-label"] for svg in plots)


def test_headings_go_down_one_step_at_a_time(shown: Page) -> None:
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_links_lead_somewhere(shown: Page) -> None:
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in shown.having("a")} <= set(ids)


def test_only_comparable_scores_share_a_board(views: list[RunView]) -> None:
    html = page(views)
    boards = html.split('<div class="board">')[1:]
    assert len(boards) == 3
    recipes = [re.findall(r'<a href="#model-\d+">([^<]+)</a>', board.split("<section")[0]) for board in boards]
    assert recipes == [["dcgan", "vae", "gan"], ["deepar"], ["cnn-mnist"]]


def test_another_version_of_the_data_is_another_board() -> None:
    one, two = image_view("a", "gan", "", "", 1.0), image_view("b", "gan", "", "", 2.0)
    checkpoint = two.version.evaluation.checkpoint
    data = checkpoint.dataset.model_copy(update={"digest": "0" * 32 + ".dir"})
    evaluation = two.version.evaluation.model_copy(
        update={"checkpoint": checkpoint.model_copy(update={"dataset": data})}
    )
    two = two.model_copy(update={"version": two.version.model_copy(update={"evaluation": evaluation})})
    assert page([one, two]).count('class="board"') == 2
    assert page([one, one]).count('class="board"') == 1


def test_a_score_that_is_not_finite_is_named_and_comes_last() -> None:
    good, lost = classifier_view(), classifier_view()
    lost = with_scores(
        lost.model_copy(update={"recipe": "lost"}), score("accuracy_test_1k", math.nan, math.nan, math.nan, higher=True)
    )
    html = page([lost, good])
    board = html.split('class="board"')[1]
    assert board.index("cnn-mnist") < board.index(">lost<")
    assert "NaN" in board
    assert "nan%" not in html.lower()


def test_a_model_without_scores_pictures_or_curves_still_has_its_section() -> None:
    bare = with_scores(classifier_view().model_copy(update={"curves": {}, "settings": {}, "card": {}}))
    parsed = Page(page([bare]))
    assert "no score" in "".join(parsed.text)
    assert parsed.open == []


def test_no_runs() -> None:
    assert "Nothing has run yet." in page([])


def test_bytes_that_are_no_png_are_left_out() -> None:
    view = image_view("a", "gan", "", "", 1.0)
    files = dict.fromkeys(view.files, b"<svg onload=alert(1)>")
    assert Page(page([view.model_copy(update={"files": files, "snapshots": {}})])).having("img") == []


def test_a_damaged_png_does_not_stop_the_page() -> None:
    damaged = grid(2, 2, 0.1)[:60]
    view = image_view("a", "gan", "", "", 1.0).model_copy(update={"files": {"samples.png": damaged}, "snapshots": {}})
    assert len(Page(page([view])).having("img")) == 1


def test_reasons_that_failed_come_first(views: list[RunView]) -> None:
    held = next(view for view in views if view.version.decision == "HOLD")
    verdict = page([held]).split('class="verdict hold"')[1]
    assert verdict.index("is not beaten") < verdict.index("Every score is finite")


def test_rendering_twice_gives_the_same_bytes(views: list[RunView]) -> None:
    assert page(views) == page(views)


def test_the_score_of_the_board_is_shown_with_interval_and_floors(views: list[RunView]) -> None:
    text = " ".join(Page(page(views[:1])).text)
    assert "0.610" in text
    assert re.search(r"0\.549\s–\s0\.689", text)
    assert "3,100× better than the noise floor" in text
    assert FD in text


def test_what_a_classifier_needs_of_data_stands_beside_what_it_took() -> None:
    one = classifier_view()
    text = page([one])
    table = text[text.index("Accuracy by the share of the training data") :]
    table = table[: table.index("</table>")]
    assert re.findall(r"<th scope=\"col\">([^<]*)", table) == ["Model", "1 %", "all"]
    assert re.findall(r"<td>([^<]*)", table) == ["79.1 % (76.5 % to 81.5 %)", "97.9 % (96.9 % to 98.6 %)"]
    assert "by the share of the training data" not in page([one.model_copy(update={"learned": {}})])


def test_a_generator_of_the_same_data_stands_beside_the_classifiers_by_what_it_teaches() -> None:
    name = "classification_accuracy_1200steps_domain-1a2b3c4d_1k"
    lessons = (score(name, 0.84, 0.83, 0.85, higher=True), score(name, 0.9, 0.89, 0.91, "real", higher=True))
    one, other = classifier_view(), image_view("cgan", "cgan", "", "", 1.0)
    dataset = one.version.evaluation.checkpoint.dataset
    checkpoint = other.version.evaluation.checkpoint.model_copy(update={"dataset": dataset})
    judged = other.version.evaluation.model_copy(
        update={"checkpoint": checkpoint, "scores": (*other.version.evaluation.scores, *lessons)}
    )
    taught = other.model_copy(update={"version": other.version.model_copy(update={"evaluation": judged})})
    text = page([one, taught])
    table = text[text.index("Beside models of other tasks") :]
    cells = re.findall(r"<th scope=\"row\">([^<]*)</th><td>([^<]*)</td><td>([^<]*)", table[: table.index("</table>")])
    assert [(who, value) for who, _, value in cells] == [
        ("cnn-mnist", "97.9 % (96.9 % to 98.6 %)"),
        ("cgan", "84.0 % (83.0 % to 85.0 %)"),
        ("real data", "90.0 % (89.0 % to 91.0 %)"),
    ]
    assert "1200 steps of training" in cells[-1][1]
    assert "Beside models of other tasks" not in page([one, other])


def test_every_form_of_exhibit_is_drawn_below_its_heading_and_said_in_words() -> None:
    view = classifier_view().model_copy(update={"exhibits": of_every_form("what it is"), "files": FILES})
    parsed = Page(page([view]))
    assert dangers(parsed) == []
    assert parsed.having("img")[-1]["alt"] == "what it is"
    (sound,) = parsed.having("audio")
    assert sound["src"].startswith("data:audio/wav;base64,")
    labels = [svg["aria-label"] for svg in parsed.having("svg") if svg.get("role") == "img"]
    assert any(label.startswith("Forecast of what it is") for label in labels)
    assert any(label.startswith("what it is: what it is over what it is, 1.00 at 0") for label in labels)
    assert "what it is: what it is 1.0, what it is2 −1.0" in [box.get("aria-label") for box in parsed.having("div")]
    assert "".join(parsed.text).count("what it is") > 20


def test_exhibits_of_one_heading_stand_together_in_the_judges_order() -> None:
    html = page([series_view()])
    headings = re.findall(r"<h3>([^<]+)</h3>", html.split('<section class="model"')[1])
    assert headings[:4] == [
        "Forecasts", "The verdict, and why", "Scores, beside what they are measured against", "CRPS by step ahead",
    ]  # fmt: skip
    assert html.count('class="plot fan"') == 5


def test_an_exhibit_whose_file_is_gone_is_left_out_with_its_heading() -> None:
    view = classifier_view().model_copy(update={"exhibits": (Picture(title="Lost", file="gone.png", alt="gone"),)})
    assert "Lost" not in page([view])
