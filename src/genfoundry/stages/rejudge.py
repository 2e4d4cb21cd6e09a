"""Rejudge: a registered version on today's data, by the protocol that it was promoted by. Never moves an alias."""

from __future__ import annotations

from typing import Literal

from genfoundry import tracking
from genfoundry.gate import better_beyond
from genfoundry.recipe import EvaluationPlan
from genfoundry.records import Checkpoint, DatasetVersion, Evaluation, Record, Score
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
    then = tracking.evaluation_of(info)
    if then.checkpoint.dataset.spec != today.spec:
        sentence = f"Not compared: the data have another shape now, {today.spec}."
        return Finding(model=info.name, version=info.version, state="NOT_COMPARED", sentence=sentence)
    judge = _extractor(then, extractor, today)
    samples = then.protocol.get("samples")
    plan = plan.model_copy(update={"num_samples": samples}) if isinstance(samples, int) else plan
    now = evaluate_model(then.checkpoint.model_copy(update={"dataset": today}), plan, judge)
    found = compared(info, then, now)
    told = f"{found.now.name} = {found.now.value:.6g} [{found.now.low:.6g}, {found.now.high:.6g}]" if found.now else ""
    tracking.set_version_tags(info.name, info.version, {STATE: found.state, DATASET: today.digest, PRIMARY: told})
    return found


def _extractor(then: Evaluation, name: str | None, today: DatasetVersion) -> Checkpoint | None:
    wanted = str(then.protocol.get("extractor", "none"))
    for info in tracking.list_versions(name) if name and wanted != "none" else ():
        if info.tags.get("weights_digest", "").startswith(wanted):
            return tracking.evaluation_of(info).checkpoint.model_copy(update={"dataset": today})
    return None


def compared(info: VersionInfo, then: Evaluation, now: Evaluation) -> Finding:
    """The deciding score then and now; worse only where the intervals do not touch."""
    before, after = then.score(then.primary), _like(then.primary, now)
    if before is None or after is None:
        state, words = "NOT_COMPARED", f"not compared: today it has no score {then.primary}"
    elif better_beyond(before, after):
        state, words = "WORSE", "worse beyond the intervals"
    else:
        state, words = "AS_GOOD", "as good as when it was registered"
    sides = " against ".join(f"{s.value:.4g} [{s.low:.4g}, {s.high:.4g}]" for s in (after, before) if s)
    sentence = f"{then.primary} {sides}: {words}."
    return Finding(model=info.name, version=info.version, state=state, sentence=sentence, then=before, now=after)


def _like(name: str, evaluation: Evaluation) -> Score | None:
    """The score of that name; or, but for a Fréchet distance, the same one of another number of examples."""
    if (found := evaluation.score(name)) is not None or name.startswith("fd"):
        return found
    start = name.rpartition("_")[0]
    return next((s for s in evaluation.scores if s.subject == "model" and s.name.rpartition("_")[0] == start), None)
