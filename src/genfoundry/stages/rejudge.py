"""Rejudge: a registered version's published weights on today's data. Never moves an alias.

The gate asks it of the champion, by the protocol of the version that wants its place. `judge-champions` asks it of
every champion, by the protocol that it was promoted by, and of the champions before it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Literal

from genfoundry import kind, tracking
from genfoundry.dataset import open_version
from genfoundry.errors import UserError
from genfoundry.gate import Unjudged, better_beyond, compare_primary, not_comparable
from genfoundry.outcomes import Interrupted
from genfoundry.records import Checkpoint, DatasetVersion, Evaluation, Record, Score
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.task import Plan
from genfoundry.tracking import VersionInfo

State = Literal["AS_GOOD", "WORSE", "BEATEN", "NOT_COMPARED", "FAILED"]
STATE, DATASET, PRIMARY = (f"today{word}" for word in ("", "_dataset_digest", "_primary"))  # tags of a version
MOST_BEFORE = 5  # champions of the past that are judged again beside the present one


class Rejudged(Record):
    """What a version is worth today: its deciding score when it was registered, and on today's data.

    BEATEN says that a champion before it is better on today's data.
    """

    model: str
    version: int
    state: State
    sentence: str
    then: Score | None = None
    now: Score | None = None


def judged_alike(
    info: VersionInfo, evaluation: Evaluation, plan: Plan | None, extractor: Checkpoint | None
) -> Evaluation | Unjudged:
    """A registered version by the ruler of `evaluation`: its stored evaluation where that is by the same one, else its
    published weights judged by it now. What was judged so once is found again.

    Args:
        plan: by which `evaluation` was made; None where nobody knows.
        extractor: likewise.

    Raises:
        Interrupted: a signal came.
        tracking.TrackerDown: MLflow does not answer.
    """
    try:
        then = tracking.evaluation_of(info)
        if not not_comparable(evaluation, then):
            return then
        today = evaluation.checkpoint.dataset
        if then.checkpoint.dataset.spec != today.spec:
            return Unjudged(f"it was made for data of another shape, {then.checkpoint.dataset.spec}")
        if _called_otherwise(info, then.checkpoint.dataset, today):
            return Unjudged("it learned other classes or series under the same numbers")
        if plan is None:
            return Unjudged(not_comparable(evaluation, then))
        now = evaluate_model(then.checkpoint.model_copy(update={"dataset": today}), plan, extractor, again=True)
    except (Interrupted, tracking.TrackerDown):
        raise
    except UserError as error:
        return Unjudged(f"version {info.version} can't be judged on today's data, for {error.found.rstrip('.')}")
    obstacle = not_comparable(evaluation, now)
    return Unjudged(obstacle) if obstacle else now


def rejudge(info: VersionInfo, today: DatasetVersion, plan: Plan, extractor: str | None) -> Rejudged:
    """Judge a champion's published weights on the test split of today's data, and tag the version with what was found.

    The classifier is the one whose features judged it then, whatever it was trained on: other features make other
    scores. As many samples are compared as then, since a Fréchet distance falls with their number.

    Args:
        plan: its recipe's section.
        extractor: the registered model of that classifier.

    Raises:
        UserError: the weights, or the scores that it was registered with, are gone or altered.
    """
    found = _judged(info, tracking.evaluation_of(info), today, plan, extractor)
    told = f"{found.now.name} = {found.now.value:.6g} [{found.now.low:.6g}, {found.now.high:.6g}]" if found.now else ""
    tracking.set_version_tags(info.name, info.version, {STATE: found.state, DATASET: today.digest, PRIMARY: told})
    return found


def _judged(info: VersionInfo, then: Evaluation, today: DatasetVersion, plan: Plan, extractor: str | None) -> Rejudged:
    if then.checkpoint.dataset.spec != today.spec:
        return _not_compared(info, f"the data have another shape now, {today.spec}")
    if _called_otherwise(info, then.checkpoint.dataset, today):
        return _not_compared(info, "the data call their classes or series otherwise now, and a number means another")
    view = re.search(r"domain-([0-9a-f]+)", then.primary)
    classifier = _classifier(view[1], extractor) if view else None
    if view and classifier is None:
        lost = f"that is no version of '{extractor}'" if extractor else "and its recipe names none now"
        return _not_compared(info, f"{then.primary} is measured in the features of a classifier {lost}")
    plan = plan.as_large_as(then.protocol)
    judge = tracking.evaluation_of(classifier).checkpoint if classifier else None
    now = evaluate_model(then.checkpoint.model_copy(update={"dataset": today}), plan, judge, again=True)
    found = compared(info, then, now)
    found = found.model_copy(update={"sentence": f"{found.sentence}{_features(then, today, classifier)}"})
    return _beside_those_before(found, now, plan, judge)


def _beside_those_before(found: Rejudged, now: Evaluation, plan: Plan, judge: Checkpoint | None) -> Rejudged:
    """The finding, held against what the champions before come to on the same data by the same protocol."""
    told, state = [found.sentence], found.state
    for version in tracking.champions_before(found.model)[:MOST_BEFORE]:
        older = judged_alike(tracking.get_version(found.model, version), now, plan, judge)
        if isinstance(older, Unjudged):
            told.append(f"Version {version}, a champion before, is not compared: {older.why}.")
            continue
        order, words = compare_primary(older, now)
        score = older.score(now.primary)
        if order > 0 and score:
            state = "BEATEN"
            told.append(
                f"Version {version}, a champion before, is better on today's data: {_told(score)}, {words}. "
                f"To go back to it: genfoundry registry rollback {found.model} --to {version}"
            )
    return found.model_copy(update={"state": state, "sentence": " ".join(told)})


def _called_otherwise(info: VersionInfo, then: DatasetVersion, today: DatasetVersion) -> bool:
    """Whether what the version learned under a number has another name today; False where nobody knows the names."""
    if then.digest == today.digest:
        return False
    names = tracking.load_version(info.name, info.version).names
    if not names:
        with suppress(UserError):  # the data that it was trained on are gone
            names = kind.of(then).storage.names(open_version(then).folder, then.spec)
    return bool(names) and names != kind.of(today).storage.names(open_version(today).folder, today.spec)


def _not_compared(info: VersionInfo, why: str) -> Rejudged:
    return Rejudged(model=info.name, version=info.version, state="NOT_COMPARED", sentence=f"Not compared: {why}.")


def _classifier(identity: str, name: str | None) -> VersionInfo | None:
    """The registered version whose weights' digest starts so."""
    versions = tracking.list_versions(name) if name else []
    return next((info for info in versions if info.tags.get("weights_digest", "").startswith(identity)), None)


def _features(then: Evaluation, today: DatasetVersion, classifier: VersionInfo | None) -> str:
    """What lies between two numbers of other versions of the data, as a sentence; empty where nothing does."""
    if then.checkpoint.dataset.digest == today.digest:
        return ""
    if classifier:
        return (
            f" Both in the features of '{classifier.name}' version {classifier.version}, "
            f"which was trained on the data of then."
        )
    fitted = "_pca" in then.primary
    return " Each in the principal components of the training images of its own data." if fitted else ""


def compared(info: VersionInfo, then: Evaluation, now: Evaluation) -> Rejudged:
    """The deciding score then and now; worse only where the intervals do not touch."""
    before, after = then.score(then.primary), _like(then.primary, now)
    if before is None or after is None:
        return _not_compared(info, f"today it has no score {then.primary}")
    if better_beyond(before, after):
        state, words = "WORSE", "worse beyond the intervals"
    else:
        state, words = "AS_GOOD", "as good as when it was registered"
    sides = f"{_told(after)} against {_told(before, named=after.name != before.name)}"
    sentence = f"{sides}, {_data(then, now)}: {words}."
    return Rejudged(model=info.name, version=info.version, state=state, sentence=sentence, then=before, now=after)


def _told(score: Score, named: bool = True) -> str:
    return f"{score.name} " * named + f"{score.value:.4g} [{score.low:.4g}, {score.high:.4g}]"


def _data(then: Evaluation, now: Evaluation) -> str:
    old, new = (side.checkpoint.dataset.digest[:12] for side in (then, now))
    return (
        f"both on the data at {new}" if old == new else f"on the data of today at {new} against those of then at {old}"
    )


def _like(name: str, evaluation: Evaluation) -> Score | None:
    """The score of that name; or, but for a Fréchet distance, the same one of another number of examples."""
    if (found := evaluation.score(name)) is not None or name.startswith("fd"):
        return found
    start = name.rpartition("_")[0]
    return next((s for s in evaluation.scores if s.subject == "model" and s.name.rpartition("_")[0] == start), None)
