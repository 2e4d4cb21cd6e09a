"""The gate: a pure function from evaluations to PROMOTE, HOLD or REJECT, with a ledger of reasons.

Every rule reads intervals, never bare points, and every rule is asked, so the ledger is whole. One failed rule
rejects; only the champion's rule can hold a version back. What was not measured with the same ruler is not compared,
and what was not compared with the champion never takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, stdev
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from genfoundry.records import TRIAL, Decision, Evaluation, Reason, Score, Verdict

COPY_SCORE = "near_copy_rate"
MEMBER_SCORE = "membership_tpr_at_fpr1"
CLASS_SHARE, REAL_CLASS_SHARE = "class_share", "class_share_real"
MIN_RECALL = 0.01  # below, under one real example in a hundred lies where the model puts anything
MAX_CLASS_SHIFT = 0.5  # total variation: half of the samples would have to change class
MIN_OBEDIENCE = 0.5  # of the share of real examples that the classifier takes for their own class
PAIRED_BEFORE = {"seasonal_naive": "relative_crps"}  # of evaluations whose deciding score was in the data's unit
WINDOWS = (
    "windows/"  # before a score's name: the model's score of each example or window, among an evaluation's details
)
Z95 = 1.959964


Protocol = dict[str, str | int | float]


class Policy(BaseModel):
    """What a recipe asks of a version before it may be champion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_copy_rate: float = Field(default=0.005, ge=0, le=1, description="near-copies of training examples tolerated")
    max_members_named: float = Field(
        default=0.02, ge=0.01, le=1, description="training rows that an attacker may name at 1 % false alarms"
    )
    trial: bool = Field(default=False, description="judge it, but never make it champion; a budget sets it")
    must_beat: tuple[str, ...] = Field(default=(), description="baselines to beat, besides the task's trivial ones")


class Unjudged(NamedTuple):
    """A champion whose weights can't be judged by today's protocol on today's data, and why not, as half a sentence."""

    why: str


def decide(evaluation: Evaluation, champion: Evaluation | Unjudged | None, policy: Policy, settle: str = "") -> Verdict:
    """Decide from intervals, never from bare points; NaN, missing or infinite never passes.

    Args:
        evaluation: of the version that wants to be champion.
        champion: of the present champion's weights, on the same data and by the same protocol. What is not
            comparable, or could not be judged, is HOLD, and the ledger says why. A trial is not compared.
        policy: the recipe's.
        settle: the command by which a person decides where the gate can't.
    """
    return _on_trial(evaluation, policy) if policy.trial else _on_merit(evaluation, champion, policy, settle)


def _on_merit(evaluation: Evaluation, champion: Evaluation | Unjudged | None, policy: Policy, settle: str) -> Verdict:
    reasons = [*_own_rules(evaluation, policy)]
    if not all(reason.passed for reason in reasons):
        return Verdict(decision="REJECT", reasons=tuple(reasons))
    decision, against = _against_champion(evaluation, champion, settle)
    return Verdict(decision=decision, reasons=(*reasons, against))


def _on_trial(evaluation: Evaluation, policy: Policy) -> Verdict:
    """By its own rules alone: a champion had all of its steps."""
    own = tuple(_own_rules(evaluation, policy))
    reason = Reason(rule=TRIAL, passed=False, sentence="A trial on a part of the budget is never made champion.")
    return Verdict(decision="HOLD" if all(each.passed for each in own) else "REJECT", reasons=(*own, reason))


def _own_rules(evaluation: Evaluation, policy: Policy) -> Iterator[Reason]:
    yield _completed(evaluation)
    yield _finite(evaluation)
    for subject in dict.fromkeys((*evaluation.trivial, *policy.must_beat)):
        yield _beats(evaluation, subject)
    yield from _no_copy(evaluation, policy)
    yield from _membership(evaluation, policy)
    yield from _recall(evaluation)
    yield from _class_balance(evaluation)
    yield from _obedience(evaluation)


def _completed(evaluation: Evaluation) -> Reason:
    outcome = evaluation.checkpoint.outcome
    return Reason(rule="completed", passed=outcome == "COMPLETED", sentence=f"Training ended {outcome}.")


def _finite(evaluation: Evaluation) -> Reason:
    own = [score for score in evaluation.scores if score.subject == "model"]
    bad = [score.name for score in own if not is_sound(score)]
    if evaluation.score(evaluation.primary) is None:
        return Reason(rule="finite", passed=False, sentence=f"The deciding score {evaluation.primary} is missing.")
    if bad:
        sentence = f"{', '.join(bad)}: not a finite number inside a finite interval."
        return Reason(rule="finite", passed=False, sentence=sentence)
    return Reason(rule="finite", passed=True, sentence=f"All {len(own)} scores are finite.")


def is_sound(score: Score | None) -> bool:
    """Whether a score is there and is a finite number inside a finite interval."""
    if score is None or not all(math.isfinite(number) for number in (score.low, score.value, score.high)):
        return False
    return score.low <= score.value <= score.high


def better_beyond(score: Score | None, other: Score | None) -> bool:
    """Whether `score` is better than `other` and their intervals do not touch. False where either is unsound."""
    if score is None or other is None or not (is_sound(score) and is_sound(other)):
        return False
    return score.low > other.high if score.higher_is_better else score.high < other.low


def _beats(evaluation: Evaluation, subject: str) -> Reason:
    rule, own = f"beats {subject}", evaluation.score(evaluation.primary)
    floor = evaluation.score(evaluation.primary, subject)
    if floor is None:
        known = ", ".join(s.subject for s in evaluation.scores if s.name == evaluation.primary and s is not own)
        return Reason(rule=rule, passed=False, sentence=f"There is no '{subject}' to beat; known: {known or 'none'}.")
    if ratio := paired(evaluation, subject):
        passed = is_sound(ratio) and ratio.high < 1
        sentence = f"{ratio.name} {_show(ratio)} is {'' if passed else 'not '}below 1, which is {subject}."
        return Reason(rule=rule, passed=passed, sentence=sentence)
    passed = better_beyond(own, floor)
    relation = "is better than" if passed else "is not beyond"
    sentence = f"{evaluation.primary} {_show(own)} {relation} {subject} {_show(floor)}."
    return Reason(rule=rule, passed=passed, sentence=sentence)


def paired(evaluation: Evaluation, subject: str) -> Score | None:
    """The model's score over that of `subject` on the same examples, where there is one: below 1 is better."""
    metric = evaluation.primary.partition("_h")[0]
    start = ratio_name(metric, subject)
    return _named(evaluation, start) or _named(evaluation, PAIRED_BEFORE.get(subject, start))


def ratio_name(metric: str, subject: str) -> str:
    """The bare name of a score over that of a baseline on the same examples."""
    return f"{metric}_to_{subject}"


def _show(score: Score | None) -> str:
    return "missing" if score is None else f"{score.value:.4g} [{score.low:.4g}, {score.high:.4g}]"


def _named(evaluation: Evaluation, start: str, subject: str = "model") -> Score | None:
    return next((s for s in evaluation.scores if s.subject == subject and s.name.startswith(start)), None)


def _no_copy(evaluation: Evaluation, policy: Policy) -> Iterator[Reason]:
    own, copied = _named(evaluation, COPY_SCORE), _named(evaluation, COPY_SCORE, "copy")
    if own is None and copied is None:
        return  # a forecaster or a classifier makes no examples
    real = _named(evaluation, COPY_SCORE, "real")
    natural = real.value if real is not None and is_sound(real) else 0.0
    limit = max(policy.max_copy_rate, natural)
    passed = own is not None and is_sound(own) and own.low <= limit
    sentence = f"Near-copies of training examples: {_show(own)}; tolerated {limit:.4g}."
    yield Reason(rule="not a copy", passed=passed, sentence=sentence)


def _membership(evaluation: Evaluation, policy: Policy) -> Iterator[Reason]:
    if (own := _named(evaluation, MEMBER_SCORE)) is None:
        return
    real = _named(evaluation, MEMBER_SCORE, "real")
    limit = max(policy.max_members_named, real.value if real is not None and is_sound(real) else 0.0)
    passed = is_sound(own) and own.low <= limit
    sentence = f"Training rows that an attacker names at 1 % false alarms: {_show(own)}; tolerated {limit:.4g}."
    yield Reason(rule="membership inference", passed=passed, sentence=sentence)


def _recall(evaluation: Evaluation) -> Iterator[Reason]:
    if (recall := _named(evaluation, "recall")) is None:
        return
    passed = is_sound(recall) and recall.high >= MIN_RECALL
    sentence = f"The samples cover {_show(recall)} of the real examples; a collapsed model covers under {MIN_RECALL}."
    yield Reason(rule="not collapsed", passed=passed, sentence=sentence)


def _class_balance(evaluation: Evaluation) -> Iterator[Reason]:
    made, real = (evaluation.details.get(key) for key in (CLASS_SHARE, REAL_CLASS_SHARE))
    if not made or not real or len(made) != len(real):
        return
    shift = sum(abs(a - b) for a, b in zip(made, real, strict=True)) / 2
    passed = shift < MAX_CLASS_SHIFT  # NaN fails
    sentence = f"{shift:.0%} of the samples lie in other classes than the data's; collapse from {MAX_CLASS_SHIFT:.0%}."
    yield Reason(rule="classes kept", passed=passed, sentence=sentence)


def _obedience(evaluation: Evaluation) -> Iterator[Reason]:
    made, real = (_named(evaluation, "label_accuracy", subject) for subject in ("model", "real"))
    if made is None or real is None:
        return
    passed = is_sound(made) and is_sound(real) and made.low > MIN_OBEDIENCE * real.value
    sentence = f"Taken for the class asked for: {_show(made)} of the samples, {_show(real)} of real examples; " + (
        f"a model that does as it is asked reaches {MIN_OBEDIENCE:.0%} of those."
    )
    yield Reason(rule="does as asked", passed=passed, sentence=sentence)


def _against_champion(
    evaluation: Evaluation, champion: Evaluation | Unjudged | None, settle: str
) -> tuple[Decision, Reason]:
    if champion is None:
        return "PROMOTE", _champion_reason(True, "There is no champion yet.")
    if isinstance(champion, Unjudged):
        return _not_compared(champion.why, settle)
    if obstacle := not_comparable(evaluation, champion):
        return _not_compared(obstacle, settle)
    return _compared(evaluation, champion)


def _not_compared(why: str, settle: str) -> tuple[Decision, Reason]:
    remedy = f" A person settles it: {settle}" if settle else ""
    return "HOLD", _champion_reason(False, f"Not compared with the champion: {why}.{remedy}")


def _compared(evaluation: Evaluation, champion: Evaluation) -> tuple[Decision, Reason]:
    own, other = (side.score(evaluation.primary) for side in (evaluation, champion))
    sentence = f"{evaluation.primary} {_show(own)} against the champion's {_show(other)}: "
    order, words = compare_primary(evaluation, champion)
    if order > 0:
        return "PROMOTE", _champion_reason(True, f"{sentence}better, {words}.")
    if order < 0:
        return "REJECT", _champion_reason(False, f"{sentence}worse, {words}.")
    return "HOLD", _champion_reason(False, f"{sentence}neither is shown to be better, {words}.")


def compare_primary(evaluation: Evaluation, other: Evaluation) -> tuple[int, str]:
    """Whether the first is better (1), worse (-1) or neither (0) by its deciding score, and by what that is known.

    By the difference on the same windows where both have a score for each, else by intervals that do not touch.
    """
    if difference := paired_difference(evaluation, other):
        zero = difference.model_copy(update={"value": 0.0, "low": 0.0, "high": 0.0})
        order = better_beyond(difference, zero) - better_beyond(zero, difference)
        return order, f"by {_show(difference)} on the same windows"
    own, theirs = (side.score(evaluation.primary) for side in (evaluation, other))
    order = better_beyond(own, theirs) - better_beyond(theirs, own)
    return order, "beyond the intervals" if order else "as the intervals overlap"


def paired_difference(evaluation: Evaluation, other: Evaluation) -> Score | None:
    """Mean difference of the deciding score over the same windows, with its normal 95 % interval.

    None where either has no score for each window, or they are not as many.
    """
    own, theirs = (side.details.get(WINDOWS + evaluation.primary, []) for side in (evaluation, other))
    score = evaluation.score(evaluation.primary)
    if score is None or len(own) != len(theirs) or len(own) < 2:
        return None
    differences = [a - b for a, b in zip(own, theirs, strict=True)]
    if not all(map(math.isfinite, differences)):
        return None
    mean, half = fmean(differences), Z95 * stdev(differences) / math.sqrt(len(differences))
    return score.model_copy(update={"value": mean, "low": mean - half, "high": mean + half})


def _champion_reason(passed: bool, sentence: str) -> Reason:
    return Reason(rule="champion", passed=passed, sentence=sentence)


def not_comparable(evaluation: Evaluation, champion: Evaluation) -> str:
    """Why two evaluations were not measured with one ruler, as half a sentence; empty where they were."""
    ours, theirs = evaluation.checkpoint.dataset, champion.checkpoint.dataset
    if ours.digest != theirs.digest:
        there, here = (f"{data.name} at {data.digest[:12]}" for data in (theirs, ours))
        return f"it was judged on {there}, this version on {here}"
    if champion.score(evaluation.primary) is None:
        return f"it has no score {evaluation.primary} (its own is {champion.primary})"
    if evaluation.protocol != champion.protocol:
        return f"it was judged by another protocol ({_first_difference(evaluation.protocol, champion.protocol)})"
    if not is_sound(champion.score(evaluation.primary)):
        return f"its {evaluation.primary} is not finite"
    return ""


def _first_difference(ours: Protocol, theirs: Protocol) -> str:
    name = next(key for key in (*ours, *theirs) if ours.get(key) != theirs.get(key))
    return f"{name}: {theirs.get(name, 'not stated')}, here {ours.get(name, 'not stated')}"
