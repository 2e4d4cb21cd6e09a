"""Watch: what a dataset's change is worth. Same digest as last trained on: nothing is read but its files.

A change is validated, then held against the version that was trained on. It is worth a training where the data drifted
beyond their own noise, or where `watch.min_new_rows` came in; otherwise it says why not, and what was saved. What was
found of a change is kept in `.genfoundry/looks/`, so the next look at it costs no more than one at unchanged data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from genfoundry import identity, tracking
from genfoundry.data import sealed
from genfoundry.data.policy import Validation, Watch
from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.project.root import state_path
from genfoundry.recipe import Recipe
from genfoundry.records import DatasetVersion, Record
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.statistics.drift import Drift
from genfoundry.tracking import VersionInfo

Decision = Literal["SKIPPED", "RETRAIN", "NOT_WORTH_IT", "FAILED"]
DIGITS = 12  # of a digest, in sentences


class Look(Record):
    """One dataset, the recipes that were last trained on one version of it, and what is to be done.

    `before` is the digest that they were trained on, empty where they never were; `now` the present one, empty where
    there is none. `hours_saved` is what the last trainings of these recipes and their judging took. `known` where an
    earlier look had found it.
    """

    dataset: str
    before: str
    now: str
    decision: Decision
    sentence: str
    recipes: tuple[str, ...]
    drift: Drift | None = None
    hours_saved: float = 0.0
    known: bool = False


def look(dataset: str, recipes: Sequence[Recipe], extractor: str | None = None, untrained: bool = True) -> list[Look]:
    """Decide, for the recipes that read a dataset, whether its present version is worth a training.

    Args:
        recipes: all of them read `dataset`.
        extractor: images: the registered model of the classifier in whose features drift is measured.
        untrained: what was never trained is to be trained; else it is SKIPPED, and the look says how to begin.

    Returns:
        one look for each group of recipes that were last trained on the same version and have the same policies.

    Raises:
        tracking.TrackerDown: MLflow does not answer, so nobody knows what was trained.
    """
    trained = tracking.newest(recipe.registered_name for recipe in recipes)
    try:
        version = fetch_dataset(dataset)
    except UserError as error:
        names = tuple(recipe.name for recipe in recipes)
        return [Look(dataset=dataset, before="", now="", decision="FAILED", sentence=str(error), recipes=names)]
    groups: dict[tuple[str, Validation, Watch], list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault((_digest(trained, recipe), recipe.validation, recipe.watch), []).append(recipe)
    looks = [_looked(version, before, members, trained, extractor) for (before, *_), members in groups.items()]
    return looks if untrained else [_passed_over(found) for found in looks]


def _passed_over(found: Look) -> Look:
    if found.before or found.decision != "RETRAIN":
        return found
    sentence = f"{found.sentence} To begin: genfoundry run {' '.join(found.recipes)} --data {found.dataset}"
    return found.model_copy(update={"decision": "SKIPPED", "sentence": sentence})


def _digest(trained: dict[str, VersionInfo], recipe: Recipe) -> str:
    info = trained.get(recipe.registered_name)
    return info.tags.get("dataset_digest", "") if info else ""


def _looked(
    version: DatasetVersion, before: str, recipes: list[Recipe], trained: dict[str, VersionInfo], extractor: str | None
) -> Look:
    made = Look(
        dataset=version.name, before=before, now=version.digest, decision="SKIPPED", sentence="",
        recipes=tuple(recipe.name for recipe in recipes),
    )  # fmt: skip
    if before == version.digest:
        sentence = f"Unchanged since the last training, at {before[:DIGITS]}."
        return made.model_copy(update={"sentence": sentence})
    if not before:
        sentence = f"Never trained on {version.name}."
        return made.model_copy(update={"decision": "RETRAIN", "sentence": sentence})
    path = state_path("looks") / f"{_key(made, version, recipes[0], extractor)[:40]}.json"
    if found := sealed.read(path, Look.model_fields, Look.model_validate, "the change is looked at again"):
        return found.model_copy(update={"known": True})
    decision, sentence, drift = _decided(version, before, recipes[0], extractor)
    last = [trained[recipe.registered_name] for recipe in recipes] if decision == "NOT_WORTH_IT" else []
    saved = sum(map(_hours, last))
    made = made.model_copy(update={"decision": decision, "sentence": sentence, "drift": drift, "hours_saved": saved})
    if drift or decision == "FAILED":
        sealed.write(path, made.model_dump(mode="json"))
    return made


def _key(made: Look, version: DatasetVersion, recipe: Recipe, extractor: str | None) -> str:
    """sha256 of all that decides what is found of a change."""
    code = identity.code_digest(identity.watching_modules(version.kind))
    validation = identity.validation_key(version, recipe.validation)
    return digest([made.dataset, made.before, made.recipes, validation, recipe.watch.model_dump(), extractor, code])


def _decided(
    version: DatasetVersion, before: str, recipe: Recipe, extractor: str | None
) -> tuple[Decision, str, Drift | None]:
    from genfoundry.stages.validate import validate_dataset  # reads Great Expectations

    try:
        validate_dataset(version, recipe.validation)
    except UserError as error:
        return "FAILED", str(error), None
    try:
        old = _recalled(version.name, before)
    except UserError as error:
        return "RETRAIN", f"Changed, and what was trained on can't be had to compare: {error.found}", None
    if old.spec != version.spec:
        return "RETRAIN", f"Its shape changed, from {old.spec} to {version.spec}.", None
    return _weighed(old, version, recipe.watch, extractor)


def _recalled(name: str, digest: str) -> DatasetVersion:
    from genfoundry.data.versions.history import recall

    return recall(name, digest)


def _weighed(
    old: DatasetVersion, new: DatasetVersion, policy: Watch, extractor: str | None
) -> tuple[Decision, str, Drift]:
    from genfoundry.stages.measure_drift import measure_drift  # reads torch

    found = measure_drift(old, new, policy, extractor)
    rows = f"{found.new_rows:,} of {found.rows_after:,} rows are new, {found.gone_rows:,} are gone"
    if found.exceeds:
        told = " ".join(measure.sentence for measure in found.measures if measure.exceeds)
        return "RETRAIN", f"Drifted: {rows}. {told}", found
    if found.new_rows >= policy.min_new_rows:
        return "RETRAIN", f"Grew: {rows}, and {policy.min_new_rows:,} new ones are enough.", found
    told = "no measure of drift exceeds its noise" if found.measures else "too few to measure drift"
    return "NOT_WORTH_IT", f"Not worth it: {rows}, fewer than {policy.min_new_rows:,} came, and {told}.", found


def _hours(info: VersionInfo) -> float:
    try:
        evaluation = tracking.evaluation_of(info)
    except tracking.TrackerDown:
        raise
    except UserError as error:
        sealed.say(f"{error.found} What its training took is not counted.")
        return 0.0
    return (evaluation.checkpoint.cost.seconds + evaluation.seconds) / 3600
