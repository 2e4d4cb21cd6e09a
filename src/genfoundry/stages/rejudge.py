"""Rejudge: a registered version on today's data, by the protocol that it was promoted by. Never moves an alias."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Literal

from genfoundry import tracking
from genfoundry.dataset import locate
from genfoundry.errors import UserError
from genfoundry.gate import better_beyond
from genfoundry.naming import names_of
from genfoundry.recipe import EvaluationPlan
from genfoundry.records import DatasetVersion, Evaluation, Record, Score
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.tracking import VersionInfo

State = Literal["AS_GOOD", "WORSE", "NOT_COMPARED", "FAILED"]
STATE, DATASET, PRIMARY = (f"today{word}" for word in ("", "_dataset_digest", "_primary"))  # tags of a version


class Finding(Record):
    """What a version is worth today: its deciding score when it was registered, and on today's data."""

    model: str
    version: int
    state: State
    sentence: str
    then: Score | None = None
    now: Score | None = None


def rejudge(info: VersionInfo, today: DatasetVersion, plan: EvaluationPlan, extractor: str | None) -> Finding:
    """Judge a version's published weights on the test split of today's data, and tag the version with what was found.

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


def _judged(
    info: VersionInfo, then: Evaluation, today: DatasetVersion, plan: EvaluationPlan, extractor: str | None
) -> Finding:
    if then.checkpoint.dataset.spec != today.spec:
        return _not_compared(info, f"the data have another shape now, {today.spec}")
    if _called_otherwise(info, then.checkpoint.dataset, today):
        return _not_compared(info, "the data call their classes or series otherwise now, and a number means another")
    view = re.search(r"domain-([0-9a-f]+)", then.primary)
    classifier = _classifier(view[1], extractor) if view else None
    if view and classifier is None:
        lost = f"that is no version of '{extractor}'" if extractor else "and its recipe names none now"
        return _not_compared(info, f"{then.primary} is measured in the features of a classifier {lost}")
    samples = then.protocol.get("samples")
    plan = plan.model_copy(update={"num_samples": samples}) if isinstance(samples, int) else plan
    judge = tracking.evaluation_of(classifier).checkpoint if classifier else None
    now = evaluate_model(then.checkpoint.model_copy(update={"dataset": today}), plan, judge, again=True)
    found = compared(info, then, now)
    return found.model_copy(update={"sentence": f"{found.sentence}{_features(then, today, classifier)}"})


def _called_otherwise(info: VersionInfo, then: DatasetVersion, today: DatasetVersion) -> bool:
    """Whether what the version learned under a number has another name today; False where nobody knows the names."""
    if then.digest == today.digest:
        return False
    names = tracking.load_version(info.name, info.version).names
    if not names:
        with suppress(UserError):  # the data that it was trained on are gone
            names = names_of(locate(then), then.spec)
    return bool(names) and names != names_of(locate(today), today.spec)


def _not_compared(info: VersionInfo, why: str) -> Finding:
    return Finding(model=info.name, version=info.version, state="NOT_COMPARED", sentence=f"Not compared: {why}.")


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


def compared(info: VersionInfo, then: Evaluation, now: Evaluation) -> Finding:
    """The deciding score then and now; worse only where the intervals do not touch."""
    before, after = then.score(then.primary), _like(then.primary, now)
    if before is None or after is None:
        return _not_compared(info, f"today it has no score {then.primary}")
    if better_beyond(before, after):
        state, words = "WORSE", "worse beyond the intervals"
    else:
        state, words = "AS_GOOD", "as good as when it was registered"
    sides = " against ".join(f"{s.value:.4g} [{s.low:.4g}, {s.high:.4g}]" for s in (after, before))
    sentence = f"{then.primary} {sides}, {_data(then, now)}: {words}."
    return Finding(model=info.name, version=info.version, state=state, sentence=sentence, then=before, now=after)


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
