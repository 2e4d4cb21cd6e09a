import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genfoundry.gate import Policy, Unjudged, better_beyond, decide, paired_difference
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.records import Checkpoint, Cost, DatasetVersion, Evaluation, Score

SPEC = ImageSpec(channels=1, height=28, width=28, num_classes=10)
FD, COPIES = "fd_domain-1a2b3c4d_1k", "near_copy_rate_pca64_1k"
RANK = {"REJECT": 0, "HOLD": 1, "PROMOTE": 2}


def score(name=FD, value=5.0, half=0.5, subject="model", higher=False) -> Score:
    return Score(name=name, subject=subject, value=value, low=value - half, high=value + half, higher_is_better=higher)


def evaluation(*scores: Score, primary=FD, digest="a.dir", outcome="COMPLETED", **details) -> Evaluation:
    version = DatasetVersion(name="mnist-5k", kind="image", digest=digest, spec=SPEC)
    checkpoint = Checkpoint(
        recipe="dcgan", family="dcgan", run_key="k", run_id="r", weights_digest="w", dataset=version, seed=0,
        cost=Cost(), outcome=outcome,
    )  # fmt: skip
    trivial = tuple(score.subject for score in scores if score.subject in ("noise", "bicubic"))
    return Evaluation(
        checkpoint=checkpoint, primary=primary, scores=scores, protocol={}, details=details, trivial=trivial
    )


NOISE = score(value=900.0, half=10, subject="noise")


def rules(verdict, passed=False):
    return [reason.rule for reason in verdict.reasons if reason.passed is passed]


def test_a_first_good_version_is_promoted_and_says_why():
    verdict = decide(evaluation(score(), NOISE), None, Policy())
    assert verdict.decision == "PROMOTE"
    assert rules(verdict, True) == ["completed", "finite", "beats noise", "champion"]
    assert "no champion" in verdict.reasons[-1].sentence


@pytest.mark.parametrize(("value", "decision"), [(3.0, "PROMOTE"), (4.5, "HOLD"), (5.9, "HOLD"), (7.0, "REJECT")])
def test_the_champion_is_compared_by_intervals(value, decision):
    champion = evaluation(score(value=5.0))
    assert decide(evaluation(score(value=value), NOISE), champion, Policy()).decision == decision


@pytest.mark.parametrize(("value", "decision"), [(0.99, "PROMOTE"), (0.95, "HOLD"), (0.90, "REJECT")])
def test_the_direction_is_the_scores_own(value, decision):
    def accuracy(value, subject="model"):
        return score("accuracy_test_1k", value, 0.01, subject, higher=True)

    new = evaluation(accuracy(value), accuracy(0.1, "noise"), primary="accuracy_test_1k")
    champion = evaluation(accuracy(0.95), primary="accuracy_test_1k")
    assert decide(new, champion, Policy()).decision == decision


def champions_of_another_ruler():
    plain = evaluation(score(value=1.0))
    return {
        "judged on mnist-5k at b.dir": evaluation(score(value=1.0), digest="b.dir"),
        "no score fd_domain-1a2b3c4d_1k": evaluation(
            score("fd_domain-ffffffff_1k", 1.0), primary="fd_domain-ffffffff_1k"
        ),
        "not finite": evaluation(score(value=math.nan)),
        "another protocol (seeds: 1, here not stated)": plain.model_copy(update={"protocol": {"seeds": 1}}),
        "its weights are gone": Unjudged("its weights are gone"),
    }


@pytest.mark.parametrize("why", champions_of_another_ruler())
def test_what_was_not_measured_with_the_same_ruler_never_takes_the_champions_place(why):
    for own in (0.01, 50.0):
        verdict = decide(
            evaluation(score(value=own, half=0.001), NOISE), champions_of_another_ruler()[why], Policy(), "mend it"
        )
        assert verdict.decision == "HOLD"
        reason = verdict.reasons[-1]
        assert (reason.rule, reason.passed) == ("champion", False)
        assert reason.sentence.startswith("Not compared with the champion: ")
        assert why in reason.sentence
        assert reason.sentence.endswith("A person settles it: mend it")


CRPS = "scaled_crps_h24_o14"


def forecaster(windows: list[float]) -> Evaluation:
    mean = sum(windows) / len(windows)
    scores = (
        score(CRPS, mean, 1.0),
        score(CRPS, 9.0, 0.1, "seasonal_naive"),
        score("scaled_crps_to_seasonal_naive_h24_o14", mean / 9, 0.01),
    )
    own = evaluation(*scores, primary=CRPS, **{f"windows/{CRPS}": windows})
    return own.model_copy(update={"trivial": ("seasonal_naive",)})


HARD_AND_EASY = [0.5 + 0.2 * (number % 10) for number in range(40)]  # windows differ far more than the two models do


@pytest.mark.parametrize(("gain", "decision"), [(0.9, "PROMOTE"), (1.0, "HOLD"), (1.1, "REJECT")])
def test_forecasters_are_compared_window_by_window(gain, decision):
    champion, own = forecaster(HARD_AND_EASY), forecaster([gain * window for window in HARD_AND_EASY])
    assert not better_beyond(own.score(CRPS), champion.score(CRPS)), "the intervals overlap by far"
    verdict = decide(own, champion, Policy())
    assert verdict.decision == decision
    assert "on the same windows" in verdict.reasons[-1].sentence


def test_other_windows_are_no_pairs():
    champion, own = forecaster(HARD_AND_EASY), forecaster([0.9 * window for window in HARD_AND_EASY[:30]])
    assert paired_difference(own, champion) is None
    assert decide(own, champion, Policy()).decision == "HOLD"


def test_diverged_is_rejected():
    verdict = decide(evaluation(score(), NOISE, outcome="DIVERGED"), None, Policy())
    assert verdict.decision == "REJECT"
    assert rules(verdict) == ["completed"]


def test_a_missing_deciding_score_is_rejected():
    verdict = decide(evaluation(NOISE), None, Policy())
    assert verdict.decision == "REJECT"
    assert rules(verdict) == ["finite", "beats noise"]


def test_touching_the_floor_is_rejected():
    near = score(value=895.0, half=5)
    assert decide(evaluation(near, NOISE), None, Policy()).decision == "REJECT"
    baseline = score(value=4.8, subject="seasonal_naive")
    policy = Policy(must_beat=("noise", "seasonal_naive"))
    assert rules(decide(evaluation(score(), NOISE, baseline), None, policy)) == ["beats seasonal_naive"]


def test_a_copy_is_rejected_even_with_the_best_distance():
    scores = (score(value=0.1, half=0.01), NOISE, score(COPIES, 0.99, 0.01), score(COPIES, 1.0, 0.0, "copy"))
    verdict = decide(evaluation(*scores), evaluation(score(value=5.0)), Policy())
    assert verdict.decision == "REJECT"
    assert rules(verdict) == ["not a copy"]


def test_the_copy_rate_must_be_there_where_the_floor_has_one():
    verdict = decide(evaluation(score(), NOISE, score(COPIES, 1.0, 0.0, "copy")), None, Policy())
    assert rules(verdict) == ["not a copy"]


def test_copies_that_the_data_itself_holds_are_tolerated():
    own, copy = score(COPIES, 0.03, 0.01), score(COPIES, 1.0, 0.0, "copy")
    assert decide(evaluation(score(), NOISE, own, copy), None, Policy()).decision == "REJECT"
    twins = score(COPIES, 0.03, 0.01, "real")
    assert decide(evaluation(score(), NOISE, own, copy, twins), None, Policy()).decision == "PROMOTE"


def test_collapse_is_rejected():
    recall = score("recall_domain-1a2b3c4d_1k", 0.001, 0.001, higher=True)
    assert rules(decide(evaluation(score(), NOISE, recall), None, Policy())) == ["not collapsed"]
    even = [0.1] * 10
    for share, decision in (
        ([0.6] + [0.4 / 9] * 9, "REJECT"),
        ([1.0] + [0.0] * 9, "REJECT"),
        ([0.2] + [0.8 / 9] * 9, "PROMOTE"),
        ([math.nan] * 10, "REJECT"),
    ):
        made = evaluation(score(), NOISE, class_share=share, class_share_real=even)
        assert decide(made, None, Policy()).decision == decision
    skewed = [0.9] + [0.1 / 9] * 9  # a data set of mostly one class may be met by a model of mostly one class
    made = evaluation(score(), NOISE, class_share=skewed, class_share_real=skewed)
    assert decide(made, None, Policy()).decision == "PROMOTE"


numbers = st.floats(-1e6, 1e6)
halves = st.floats(0, 1e5)
broken = st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.sampled_from(["value", "low", "high"]), broken, st.sampled_from([FD, "kid_domain-1a2b3c4d_1k"]))
def test_nothing_that_is_not_finite_ever_passes(field, bad, name):
    scores = {FD: score(), "kid_domain-1a2b3c4d_1k": score("kid_domain-1a2b3c4d_1k", 0.1, 0.05)}
    scores[name] = scores[name].model_copy(update={field: bad})
    verdict = decide(evaluation(*scores.values(), NOISE), None, Policy())
    assert verdict.decision == "REJECT"
    assert "finite" in rules(verdict)


@given(broken)
def test_a_floor_that_is_not_finite_beats_nothing_and_is_not_beaten(bad):
    floor = NOISE.model_copy(update={"value": bad, "low": bad, "high": bad})
    assert decide(evaluation(score(), floor), None, Policy()).decision == "REJECT"


@given(numbers, halves, numbers, halves, st.floats(0, 1e6))
def test_a_better_score_never_gets_a_worse_verdict(value, half, other, width, gain):
    champion, floor = evaluation(score(value=other, half=width)), score(value=2e6, half=1.0, subject="noise")
    before = decide(evaluation(score(value=value, half=half), floor), champion, Policy()).decision
    after = decide(evaluation(score(value=value - gain, half=half), floor), champion, Policy()).decision
    assert RANK[after] >= RANK[before]


@given(numbers, halves, halves)
def test_a_wider_interval_never_promotes_over_a_champion(value, half, more):
    champion = evaluation(score(value=0.0, half=1.0))
    wide = evaluation(score(value=value, half=half + more))
    if decide(wide, champion, Policy()).decision == "PROMOTE":
        assert decide(evaluation(score(value=value, half=half)), champion, Policy()).decision == "PROMOTE"


@given(numbers, halves, numbers, halves, st.booleans())
def test_two_scores_are_never_each_better_than_the_other(a, half_a, b, half_b, higher):
    first, second = score(value=a, half=half_a, higher=higher), score(value=b, half=half_b, higher=higher)
    assert not (better_beyond(first, second) and better_beyond(second, first))
    assert not better_beyond(first, first)


def test_the_same_arguments_give_the_same_verdict():
    arguments = (evaluation(score(), NOISE), evaluation(score(value=4.0)), Policy())
    assert decide(*arguments) == decide(*arguments)


def test_a_trial_is_judged_but_never_made_champion():
    good, bad = evaluation(score(), NOISE), evaluation(score(value=899.0), NOISE)
    trial = decide(good, None, Policy(trial=True))
    assert trial.decision == "HOLD"
    assert rules(trial) == ["trial"]
    rejected = decide(bad, None, Policy(trial=True))
    assert rejected.decision == "REJECT"
    assert rejected.on_trial, "or it would pass for a training on this data"
    assert not decide(bad, None, Policy()).on_trial
    assert decide(good, evaluation(score(value=1.0)), Policy(trial=True)) == trial, "a champion had all of its steps"


def test_a_baseline_that_is_not_there_cannot_be_beaten():
    verdict = decide(evaluation(score(), NOISE), None, Policy(must_beat=("bicubicc",)))
    assert verdict.decision == "REJECT"
    (reason,) = [reason for reason in verdict.reasons if not reason.passed]
    assert reason.sentence == "There is no 'bicubicc' to beat; known: noise."


@pytest.mark.parametrize(("own", "decision"), [(0.8, "PROMOTE"), (0.98, "REJECT"), (1.3, "REJECT")])
def test_super_resolution_has_to_beat_interpolation(own, decision):
    name = "relative_fd_random32_x2_150"
    usual = score(name, 1.0, 0.0, "bicubic")
    assert decide(evaluation(score(name, own, 0.05), usual, primary=name), None, Policy()).decision == decision


@pytest.mark.parametrize(("ratio", "decision"), [(0.9, "PROMOTE"), (0.97, "REJECT"), (math.nan, "REJECT")])
def test_a_forecaster_has_to_beat_seasonal_naive_window_by_window(ratio, decision):
    """The two scores overlap by far; their ratio on the same windows decides."""
    name = CRPS
    scores = (
        score(name, 3.0, 2.0),
        score(name, 3.3, 2.0, "seasonal_naive"),
        score("scaled_crps_to_seasonal_naive_h24_o14", ratio, 0.05),
    )
    own = evaluation(*scores, primary=name).model_copy(update={"trivial": ("seasonal_naive",)})
    assert decide(own, None, Policy()).decision == decision


@pytest.mark.parametrize(("made", "decision"), [(0.9, "PROMOTE"), (0.45, "REJECT"), (0.1, "REJECT")])
def test_a_conditional_model_has_to_do_as_it_is_asked(made, decision):
    name = "label_accuracy_domain-1a2b3c4d_1k"
    labels = (score(name, made, 0.02, higher=True), score(name, 0.92, 0.02, "real", higher=True))
    verdict = decide(evaluation(score(), NOISE, *labels), None, Policy())
    assert verdict.decision == decision
    assert rules(verdict, decision == "PROMOTE").count("does as asked") == 1


MEMBERS = "membership_tpr_at_fpr1_840"


@pytest.mark.parametrize(
    ("named", "real", "passed"),
    [(0.012, 0.01, True), (0.035, 0.01, False), (1.0, 0.01, False), (math.nan, 0.01, False), (0.035, 0.03, True)],
)
def test_who_names_training_rows_is_rejected_beyond_what_unseen_rows_name(named, real, passed):
    shown = [score(MEMBERS, named, 0.008), score(MEMBERS, real, 0.008, "real")]
    verdict = decide(evaluation(score(), NOISE, *shown), None, Policy())
    assert ("membership inference" in rules(verdict, True)) is passed
    assert ("membership inference" in rules(verdict)) is not passed
    assert "membership inference" not in rules(decide(evaluation(score(), NOISE), None, Policy()), True)
