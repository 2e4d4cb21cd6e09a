"""What a change does to quality: the same recipes before and after it, judged by the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from genfoundry import gate
from genfoundry.gate import Policy, better_beyond, decide, not_comparable
from genfoundry.outcomes import MEANINGS, Outcome
from genfoundry.records import Evaluation, Reason, Score, Verdict
from genfoundry.review.affected import Selection, Touched

DIVERGED = MEANINGS[Outcome.DIVERGED].status


class Side(NamedTuple):
    """What one revision made of a recipe: an evaluation, else why there is none, and with which exit status."""

    evaluation: Evaluation | None = None
    error: str = ""
    status: int = 0


class Effect(StrEnum):
    """What came of one recipe."""

    BETTER = "better"
    SAME = "no difference shown"
    IDENTICAL = "identical"
    SOUND = "sound, not compared"
    INHERITED = "fails as before"
    REJECTED = "REJECT"
    FAILED = "failed"


class RecipeComparison(NamedTuple):
    """One recipe before and after; `verdict` is the gate's with the base for a champion, None without weights.

    `inherited` are the rules that the base fails as well, on the same data. `champion` is the registered one with its
    version, for information, where its deciding score is of the same name.
    """

    touched: Touched
    before: Side
    after: Side
    verdict: Verdict | None
    inherited: frozenset[str] = frozenset()
    champion: tuple[int, Evaluation] | None = None

    @property
    def recipe(self) -> str:
        return self.touched.recipe

    @property
    def sides(self) -> dict[str, Side]:
        """Both, in the order of the page."""
        return {"before": self.before, "after": self.after}

    @property
    def finding(self) -> Effect:
        """The gate's decision, in words that know the base: what the base fails too, the change did not do."""
        if self.verdict is None:
            return Effect.REJECTED if self.after.status == DIVERGED else Effect.FAILED
        if self.verdict.decision == "REJECT":
            as_before = {reason.rule for reason in self.failed} <= self.inherited and self._order() <= 0
            return Effect.INHERITED if as_before else Effect.REJECTED
        if self._pair and _shown(self._pair[0]) == _shown(self._pair[1]):
            return Effect.IDENTICAL
        if self.verdict.decision == "HOLD":
            return Effect.SAME
        return Effect.BETTER if self._order() < 0 else Effect.SOUND

    @property
    def _pair(self) -> tuple[Evaluation, Evaluation] | None:
        """Both evaluations, where they may be compared."""
        base, change = _on_same_data(self.before.evaluation, self.after.evaluation), self.after.evaluation
        return (base, change) if base and change else None

    def _order(self) -> int:
        """By the deciding score, as the gate compares: -1 the change is better, 1 worse, 0 neither."""
        return gate.compare_primary(*self._pair)[0] if self._pair else 0

    @property
    def failed(self) -> list[Reason]:
        """The rules that it fails."""
        return [reason for reason in (self.verdict.reasons if self.verdict else ()) if not reason.passed]

    def moved(self) -> Iterator[tuple[Score, Score]]:
        """The model's scores that differ beyond both intervals, before and after."""
        base, change = self._pair or (None, None)
        for score in change.scores if change else ():
            other = base.score(score.name) if base else None
            differs = better_beyond(score, other) or better_beyond(other, score)
            if score.subject == "model" and other and differs:
                yield other, score


class DataChange(NamedTuple):
    """A dataset whose version differs: digest and rows a split, None where the dataset or its card is not there."""

    name: str
    before: str | None
    after: str | None
    rows_before: Mapping[str, int] | None
    rows_after: Mapping[str, int] | None


class Review(NamedTuple):
    """A change and what came of it.

    `asked` says that the recipes were named, not found; `unable` is why this machine can't run some; `broken` are
    changed ones that don't parse, and why; `pictures` holds the images before and after of a recipe, as addresses.
    """

    against: str
    base: str
    head: str
    uncommitted: bool
    asked: bool
    protocol: str
    compared: tuple[RecipeComparison, ...]
    selection: Selection
    data: tuple[DataChange, ...] = ()
    removed: tuple[str, ...] = ()
    unable: Mapping[str, str] = {}
    broken: Mapping[str, str] = {}
    pictures: Mapping[str, tuple[str | None, str | None]] = {}

    def count(self, finding: Effect) -> int:
        """How many recipes came to that."""
        return sum(each.finding == finding for each in self.compared)

    @property
    def failures(self) -> int:
        """Recipes that came to nothing, or do not parse."""
        return self.count(Effect.FAILED) + len(self.broken)


def compare(
    touched: Touched, before: Side, after: Side, policy: Policy, champion: tuple[int, Evaluation] | None
) -> RecipeComparison:
    """Let the gate judge the change with the base in the champion's place; a shortened run is judged like any other."""
    if after.evaluation is None:
        return RecipeComparison(touched, before, after, None)
    policy = policy.model_copy(update={"trial": False})
    base = _on_same_data(before.evaluation, after.evaluation)
    alike = base is not None and not not_comparable(after.evaluation, base)
    verdict = decide(after.evaluation, base if alike else None, policy)
    alone = decide(base, None, policy).reasons if base else ()
    inherited = frozenset(reason.rule for reason in alone if not reason.passed)
    return RecipeComparison(touched, before, after, verdict, inherited, _comparable(after.evaluation, champion))


def _comparable(own: Evaluation, champion: tuple[int, Evaluation] | None) -> tuple[int, Evaluation] | None:
    found = _on_same_data(champion[1], own) if champion else None
    return champion if found and found.score(own.primary) else None


def _on_same_data(other: Evaluation | None, own: Evaluation | None) -> Evaluation | None:
    """`other`, where it judged the same version of the data."""
    same = other and own and other.checkpoint.dataset.digest == own.checkpoint.dataset.digest
    return other if same else None


def _shown(evaluation: Evaluation) -> tuple[str, tuple[Score, ...]]:
    """What two runs of the same have in common: the weights, and the scores."""
    return evaluation.checkpoint.weights_digest, evaluation.scores
