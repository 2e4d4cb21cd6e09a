from test_leaderboard import FD, version

from genfoundry.records import TRIAL, Reason, Score
from genfoundry.report.tables import as_markdown


def seeded(value: float, seed: int, number: int = 3, variant: str = "a"):
    found = version("gan", value)
    checkpoint = found.evaluation.checkpoint.model_copy(update={"seed": seed, "variant": variant})
    evaluation = found.evaluation.model_copy(update={"checkpoint": checkpoint})
    return found.model_copy(update={"evaluation": evaluation, "version": number})


def row(text: str, start: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_seeds_stand_in_one_line_with_students_interval():
    text = as_markdown([seeded(9.0, 0), seeded(10.0, 1), seeded(11.0, 2)])
    cells = row(text, "**gan**")
    assert cells[1] == "3"
    assert cells[2] == "10.0 [7.52, 12.5]"  # 4.303 * 1 / sqrt(3) = 2.48
    assert f"`{FD}`" in text


def test_one_seed_has_the_interval_of_its_judging_and_baselines_have_a_line():
    text = as_markdown([seeded(10.0, 0)])
    assert row(text, "**gan**")[2] == "10.0 [9.00, 11.0]"
    assert row(text, "the noise floor")[2] == "1,900 [1,850, 1,950]"


def test_a_seed_that_was_trained_again_counts_once_by_its_newest_version():
    text = as_markdown([seeded(10.0, 0, 1), seeded(20.0, 0, 2)])
    assert row(text, "**gan**")[1:3] == ["1", "20.0 [18.0, 22.0]"]


def test_seeds_of_earlier_settings_are_not_averaged_with_those_of_the_newest():
    text = as_markdown([seeded(9.0, 0, 1), seeded(10.0, 1, 2), seeded(20.0, 0, 3, "b")])
    assert row(text, "**gan**")[1:3] == ["1", "20.0 [18.0, 22.0]"]


def test_what_saw_a_part_of_the_data_has_a_line_of_its_own():
    part = seeded(20.0, 0, 2)
    checkpoint = part.evaluation.checkpoint.model_copy(update={"fraction": 0.1})
    part = part.model_copy(update={"evaluation": part.evaluation.model_copy(update={"checkpoint": checkpoint})})
    text = as_markdown([seeded(10.0, 0, 1), part])
    assert row(text, "**gan**")[2] == "10.0 [9.00, 11.0]"
    assert row(text, "**gan, 10 % of the data**")[2] == "20.0 [18.0, 22.0]"


def test_trials_are_left_out_where_there_is_a_whole_training():
    reason = Reason(rule=TRIAL, passed=False, sentence="A trial.")
    trial = seeded(90.0, 1, 2).model_copy(update={"reasons": (reason,)})
    assert row(as_markdown([seeded(10.0, 0), trial]), "**gan**")[1:3] == ["1", "10.0 [9.00, 11.0]"]
    assert row(as_markdown([trial]), "**gan**")[1] == "1"


def test_what_stands_beside_a_score_has_columns_for_baselines_too():
    found = seeded(10.0, 0)
    floor = next(score for score in found.evaluation.scores if score.subject == "noise")
    more = (
        Score(name="fd_pca64_1k", value=2.0, low=1.0, high=3.0, higher_is_better=False),
        Score(name="recall_domain-1_1k", value=0.8, low=0.7, high=0.9, higher_is_better=True),
        Score(name="recall_domain-1_1k", subject="noise", value=0.0, low=0.0, high=0.0, higher_is_better=True),
        floor.model_copy(update={"subject": "standard_prior", "value": 40.0}),
    )
    evaluation = found.evaluation.model_copy(update={"scores": (*found.evaluation.scores, *more)})
    text = as_markdown([found.model_copy(update={"evaluation": evaluation})])
    assert row(text, "recipe")[2:5] == ["Fréchet distance", "Fréchet distance, 64 principal components", "Recall"]
    assert row(text, "**gan**")[3:5] == ["2.00 [1.00, 3.00]", "0.800 [0.700, 0.900]"]
    assert row(text, "the noise floor")[3:5] == ["", "0"]
    assert row(text, "gan, standard prior")[2].startswith("40.0")
    assert {line.count(" | ") for line in text.splitlines() if line.startswith("| ")} == {8}
