"""Register: the gate decides, the version is made once, what was uploaded is read back, the alias moves last."""

from __future__ import annotations

from genfoundry import __version__, task, tracking
from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.gate import Policy, Unjudged, decide
from genfoundry.outcomes import WORDS
from genfoundry.records import Checkpoint, Decision, Evaluation, ModelVersion, Verdict
from genfoundry.report.model_card import describe, describe_model
from genfoundry.stages.ownership import ensure_own
from genfoundry.stages.rejudge import judged_alike
from genfoundry.stopping import raise_if_interrupted
from genfoundry.task import Plan
from genfoundry.tracking import VersionInfo

SETTLED = "genfoundry.settled"  # tag: everything was done, the alias included
RELEASE = "genfoundry.release"  # tag: which genfoundry registered it
EQUALS = "genfoundry.equals"  # tag of a run that came to the weights of a version of another run
ALIAS: dict[Decision, str | None] = {"PROMOTE": "champion", "HOLD": "challenger", "REJECT": None}
ATTEMPTS = 3  # another machine may move the champion while this one judges


def register_model(
    evaluation: Evaluation,
    policy: Policy,
    recipe_name: str,
    plan: Plan | None = None,
    extractor: Checkpoint | None = None,
) -> ModelVersion:
    """Register the evaluated model as a version of `recipe_name`, once for its run key and evaluation.

    The champion is judged again first, where it was not judged on the same data by the same protocol. The alias
    `champion` moves on PROMOTE, `challenger` on HOLD. Cut off anywhere, the same call finishes it; once finished it is
    SKIPPED, and never moves an alias again. So is what only has the weights of a version that is there.

    Args:
        plan: how the model was evaluated, for the champion's sake.
        extractor: in whose features.

    Raises:
        Interrupted: a signal came.
        UserError: the weights in MLflow are not the evaluated ones, or an alias was moved outside genfoundry.
        tracking.TrackerDown: MLflow does not answer; nothing is half promoted.
    """
    raise_if_interrupted()
    key = digest([evaluation.checkpoint.run_key, _digest(evaluation)])
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _attempted(evaluation, policy, recipe_name, key, plan, extractor)
        except tracking.AliasMoved:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def _attempted(
    evaluation: Evaluation,
    policy: Policy,
    name: str,
    key: str,
    plan: Plan | None,
    extractor: Checkpoint | None,
) -> ModelVersion:
    with tracking.registry_lock(name):
        ensure_own(name, evaluation.checkpoint.dataset)
        tracking.finish_cut_off_moves(name)
        if done := _done(evaluation, name, key):
            return done
        _check_weights(evaluation)
        version = _champion(name, tracking.find_version(name, key))
        info = tracking.get_version(name, version) if version else tracking.champion_without_slug(name)
    rival = None
    if info and not policy.trial:  # outside the lock: it may take as long as a judging does
        rival = judged_alike(info, evaluation, plan, extractor)
    with tracking.registry_lock(name):
        return _done(evaluation, name, key) or _register(evaluation, policy, name, key, version, rival)


def _done(evaluation: Evaluation, name: str, key: str) -> ModelVersion | None:
    """The version that is there already: registered to the end, or of equal weights from another run on these data."""
    known = tracking.find_version(name, key) or _equal(evaluation, name)
    if known is None or SETTLED not in known.tags:
        return None
    if known.run_id != evaluation.checkpoint.run_id:
        tracking.set_tags(evaluation.checkpoint.run_id, {"outcome": "SKIPPED", EQUALS: f"version {known.version}"})
    verdict = Verdict.model_validate_json(known.tags[tracking.VERDICT])
    return _record(evaluation, verdict, known.version, name, known.tags[SETTLED] or None, skipped=True)


def _equal(evaluation: Evaluation, name: str) -> VersionInfo | None:
    """A settled version of the same weights and data; one of the same run only where it is champion: it can't win."""
    checkpoint, at = evaluation.checkpoint, tracking.aliases(name).get("champion")
    same = tracking.find_equal(name, checkpoint.weights_digest, checkpoint.dataset.digest)
    others = (v for v in same if SETTLED in v.tags and (v.run_id != checkpoint.run_id or v.version == at))
    return next(others, None)


def _register(
    evaluation: Evaluation,
    policy: Policy,
    name: str,
    key: str,
    champion: int | None,
    rival: Evaluation | Unjudged | None,
) -> ModelVersion:
    if (now := _champion(name, tracking.find_version(name, key))) != champion:
        raise tracking.AliasMoved(f"The champion of '{name}' is version {now} now.", remedy="run it again")
    settle = f"genfoundry registry promote {name} challenger --reason WHY"
    verdict = decide(evaluation, rival, policy, settle)
    description = describe(name, evaluation, verdict, champion, tracking.run_page(evaluation.checkpoint.run_id))
    tags = _tags(evaluation, name)
    version = tracking.register(name, evaluation.checkpoint.run_id, evaluation, verdict, key, description, tags)
    tracking.load_version(name, version)
    alias = _move(name, version, verdict, champion)
    word = {"outcome": str(WORDS[verdict.decision])}
    tracking.set_tags(evaluation.checkpoint.run_id, word)
    show_model(name, evaluation)
    tracking.set_version_tags(name, version, {**word, "verdict": verdict.decision, SETTLED: alias or ""})
    return _record(evaluation, verdict, version, name, alias)


def show_model(name: str, latest: Evaluation | None = None) -> None:
    """Bring the page of the registered model to what the registry says now; `latest` where there is no champion."""
    version, found = tracking.aliases(name).get("champion"), None
    try:
        found = tracking.champion(name)
    except tracking.TrackerDown:
        raise
    except UserError:  # what it was judged by is lost, which `doctor` says; the page shows the latest
        version = None
    evaluation = found[1] if found else latest
    if evaluation is None:
        return
    data = evaluation.checkpoint.dataset
    tags = {
        "family": evaluation.checkpoint.family,
        "kind": data.kind,
        "dataset": data.name,
        "task": task.name_of(evaluation),
        "verdict": "PROMOTE" if version else "none",
    }
    page = describe_model(name, evaluation, version, tracking.run_page(evaluation.checkpoint.run_id))
    tracking.describe_model(name, page, tags)


def _champion(name: str, known: VersionInfo | None) -> int | None:
    """The champion to beat; not the version itself, where its promotion was cut off just before the end."""
    champion = tracking.aliases(name).get("champion")
    if champion is None or known is None or champion != known.version:
        return champion
    moves = (m for m in tracking.history(name) if (m.alias, m.version) == ("champion", known.version))
    return next(moves).previous


def _move(name: str, version: int, verdict: Verdict, champion: int | None) -> str | None:
    alias = ALIAS[verdict.decision]
    if alias:
        expected = champion if alias == "champion" and tracking.aliases(name).get(alias) != version else "any"
        reason = f"{WORDS[verdict.decision]}: the gate said {verdict.decision}"
        tracking.set_alias(name, alias, version, reason, expected=expected)
    return alias


def _check_weights(evaluation: Evaluation) -> None:
    """The published weights are the ones that were evaluated."""
    checkpoint = evaluation.checkpoint
    again = f"genfoundry run {checkpoint.recipe} --data {checkpoint.dataset.name}"
    tracking.seals_with(checkpoint.run_id, checkpoint.weights_digest, f"{again}   (it evaluates what is published now)")


def _digest(evaluation: Evaluation) -> str:
    """What the evaluation found, whoever ran it and however long it took."""
    return evaluation.digest or digest(evaluation.model_dump(include={"primary", "scores", "protocol"}, mode="json"))


def _tags(evaluation: Evaluation, name: str) -> dict[str, str]:
    checkpoint, data = evaluation.checkpoint, evaluation.checkpoint.dataset
    run = tracking.find_run(checkpoint.run_key)
    tags = {
        "family": checkpoint.family,
        "kind": data.kind,
        "task": task.name_of(evaluation),
        "dataset": data.name,
        "dataset_digest": data.digest,
        "weights_digest": checkpoint.weights_digest,
        "run_key": checkpoint.run_key,
        "recipe": name,
        "seed": str(checkpoint.seed),
        RELEASE: __version__,
        "git_revision": run.tags.get("mlflow.source.git.commit", "") if run else "",
    }
    if score := evaluation.score(evaluation.primary):
        tags["primary"] = f"{score.name} = {score.value:.6g} [{score.low:.6g}, {score.high:.6g}]"
    return tags


def _record(
    evaluation: Evaluation, verdict: Verdict, version: int, name: str, alias: str | None, *, skipped: bool = False
) -> ModelVersion:
    return ModelVersion(
        name=name,
        version=version,
        run_id=evaluation.checkpoint.run_id,
        decision=verdict.decision,
        reasons=verdict.reasons,
        alias=alias,
        evaluation=evaluation,
        skipped=skipped,
    )
