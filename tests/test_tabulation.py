from test_leaderboard import FD, version

from genfoundry.records import TRIAL, Reason
from genfoundry.tabulation import as_markdown


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
