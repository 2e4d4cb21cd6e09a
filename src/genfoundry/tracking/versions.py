"""Registered models and their versions: one version per key, whatever is repeated or lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from genfoundry.errors import UserError, closest
from genfoundry.files import digest
from genfoundry.project.mark import JOINT
from genfoundry.project.places import settings
from genfoundry.records import Evaluation, Verdict
from genfoundry.tracking import homes, runs
from genfoundry.tracking.ledger import was_ours
from genfoundry.tracking.published import SEALS, seals_of, source
from genfoundry.tracking.store import client, is_absent, lock, quoted, translates_errors

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as Stored
    from mlflow.entities.model_registry import RegisteredModel

KEY, DECISION, VERDICT, ORPHAN = (f"genfoundry.{word}" for word in ("key", "decision", "verdict", "orphan"))
EVALUATION, EVALUATION_SEAL = "genfoundry.evaluation", "genfoundry.evaluation_sha256"
CHAMPION, CHALLENGER = "champion", "challenger"
PROJECT = "genfoundry.project"  # tag of a registered model: the slug of the project whose it is


class VersionInfo(NamedTuple):
    """A version as the registry knows it."""

    name: str
    version: int
    run_id: str
    decision: str
    aliases: tuple[str, ...]
    created: int
    description: str
    source: str
    tags: dict[str, str]


class ModelInfo(NamedTuple):
    """A registered model in one line; a version is None where the alias is not set."""

    name: str
    versions: int
    champion: int | None
    challenger: int | None
    description: str


def registry_lock(name: str) -> AbstractContextManager[None]:
    """Hold a registered model's name among the threads and processes of this checkout."""
    return lock(f"registry-{name}")


@translates_errors
def register(
    name: str, run_id: str, evaluation: Evaluation, verdict: Verdict, key: str, description: str, tags: dict
) -> int:
    """The version of `key`, made if there is none; a repeated call, or one whose answer was lost, makes no second.

    The evaluation is stored beside it in the run under its own name, so a later one of the same run replaces nothing.
    """
    with registry_lock(name):
        _ensure_model(name, evaluation.checkpoint.dataset.digest)
        stored = store_evaluation(run_id, evaluation)
        decided = {DECISION: verdict.decision, VERDICT: verdict.model_dump_json()}
        full = {**tags, **stored, **decided, KEY: key, SEALS: json.dumps(seals_of(run_id))}
        if (known := find_version(name, key)) is not None:
            _refresh(known, full, description)
            return known.version
        client().create_model_version(
            name, source(run_id), run_id, tags=full, description=description, await_creation_for=60
        )
        return _single(name, key)


def _ensure_model(name: str, data: str) -> None:
    from mlflow.exceptions import MlflowException

    slug = settings().slug
    tags = {"genfoundry": "recipe", **({PROJECT: slug} if slug else {}), **homes.tags()}
    try:
        client().create_registered_model(name, tags=tags)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        homes.ensure_home(name, data)


def store_evaluation(run_id: str, evaluation: Evaluation, *, again: bool = False) -> dict[str, str]:
    """Store an evaluation as a version has it beside it, whoever found it; returns the version's tags that name it.

    Args:
        again: what lies there is damaged, and is replaced.
    """
    checkpoint = evaluation.checkpoint.model_copy(update={"skipped": False})
    text = evaluation.model_copy(update={"checkpoint": checkpoint, "skipped": False}).model_dump_json()
    seal = digest(text)
    path = f"evaluation/{seal[:16]}.json"
    if again or not runs.has_artifact(run_id, path):
        runs.log_text(run_id, text, path)
    return {EVALUATION: path, EVALUATION_SEAL: seal}


def _refresh(known: VersionInfo, tags: dict, description: str) -> None:
    for key, value in tags.items():
        if known.tags.get(key) != str(value):
            client().set_model_version_tag(known.name, str(known.version), key, str(value))
    if known.description != description:
        client().update_model_version(known.name, str(known.version), description)


def _single(name: str, key: str) -> int:
    """The oldest version of a key; a second one, made by a retry or another machine, is tagged as an orphan."""
    same = sorted((v for v in _stored(name) if v.tags.get(KEY) == key), key=lambda v: v.version)
    for extra in same[1:]:
        client().set_model_version_tag(name, str(extra.version), ORPHAN, f"the same as version {same[0].version}")
    return same[0].version


def find_version(name: str, key: str) -> VersionInfo | None:
    """The version of that idempotency key, if there is one."""
    found = (info for info in _stored(name) if info.tags.get(KEY) == key and ORPHAN not in info.tags)
    return min(found, key=lambda info: info.version, default=None)


def find_equal(name: str, weights: str, data: str) -> list[VersionInfo]:
    """The versions with these weights (sha256), trained on this version of the data (its digest), oldest first."""
    tags = {"weights_digest": weights, "dataset_digest": data}
    found = (info for info in _stored(name) if tags.items() <= info.tags.items() and ORPHAN not in info.tags)
    return sorted(found, key=lambda info: info.version)


@translates_errors
def set_version_tags(name: str, version: int, tags: dict) -> None:
    """Set tags of a version."""
    for key, value in tags.items():
        client().set_model_version_tag(name, str(version), key, str(value))


@translates_errors
def describe_model(name: str, description: str, tags: dict) -> None:
    """The page of a registered model: its description, and the tags that a person filters by."""
    known = client().get_registered_model(name)
    if known.description != description:
        client().update_registered_model(name, description)
    for key, value in tags.items():
        if known.tags.get(key) != str(value):
            client().set_registered_model_tag(name, key, str(value))


@translates_errors
def model_description(name: str) -> str:
    """What `describe_model` wrote last; empty before."""
    return client().get_registered_model(name).description or ""


@translates_errors
def list_versions(name: str, *, orphans: bool = False) -> list[VersionInfo]:
    """Every version of a registered model, newest first; duplicates tagged as orphans only when asked for."""
    at = aliases(name)
    found = [info for info in _stored(name) if orphans or ORPHAN not in info.tags]
    named = [info._replace(aliases=tuple(sorted(a for a, v in at.items() if v == info.version))) for info in found]
    return sorted(named, key=lambda info: info.version, reverse=True)


@translates_errors
def unfinished(name: str, tags: Iterable[str]) -> list[VersionInfo]:
    """Versions that lack one of these tags, have no alias, and aren't tagged as orphans."""
    found = [info for info in _stored(name) if ORPHAN not in info.tags and any(not info.tags.get(tag) for tag in tags)]
    at = set(aliases(name).values()) if found else set()
    return [info for info in found if info.version not in at]


def _stored(name: str) -> Iterator[VersionInfo]:
    """Every version of a registered model, without its aliases."""
    token = None
    while True:
        page = client().search_model_versions(f"name = {quoted(name)}", max_results=200, page_token=token)
        yield from (_version(stored) for stored in page if stored.name == name)
        token = page.token
        if not token:
            return


def _version(stored: Stored) -> VersionInfo:
    tags = dict(stored.tags)
    return VersionInfo(
        stored.name, int(stored.version), stored.run_id or "", tags.get(DECISION, ""), (),
        int(stored.creation_timestamp or 0), stored.description or "", stored.source or "", tags,
    )  # fmt: skip


@translates_errors
def aliases(name: str) -> dict[str, int]:
    """The version that each alias of a registered model is at, in the store."""
    try:
        return {alias: int(version) for alias, version in client().get_registered_model(name).aliases.items()}
    except Exception as error:
        if is_absent(error):
            return {}
        raise


@translates_errors
def get_version(name: str, version: int | str) -> VersionInfo:
    """A version by number or alias.

    Raises:
        UserError: there is no such model or version.
    """
    known = list_versions(name, orphans=True)
    number = aliases(name).get(str(version), version)
    for info in known:
        if str(info.version) == str(number):
            return info
    if not known:
        names = closest(name, model_names())
        raise UserError(f"There is no registered model '{name}'; {names}", remedy="genfoundry registry list")
    numbers = ", ".join(str(info.version) for info in reversed(known))
    raise UserError(f"'{name}' has no version or alias '{version}'.", expected=f"one of {numbers}")


def own_name(written: str) -> str:
    """The registered model that somebody means in this project: a project's slug need not be typed.

    A name of several parts begins with another project's slug, or is a recipe and its dataset: what is there decides.
    """
    slug = settings().slug
    if not slug or written.startswith(f"{slug}{JOINT}"):
        return written
    own = f"{slug}{JOINT}{written}"
    return own if JOINT not in written or own in model_names() else written


@translates_errors
def champion_without_slug(name: str) -> VersionInfo | None:
    """The champion that this model had before the project got its slug, for its first version to be held against."""
    slug = settings().slug
    if not slug or list_versions(name):
        return None
    before = "-".join(name.split(JOINT)[1:])
    at = aliases(before).get(CHAMPION) if was_ours(before) else None
    return get_version(before, at) if at else None


@translates_errors
def list_models() -> list[ModelInfo]:
    """Every registered model of ours, by name."""
    return [_model(model) for model in _models()]


@translates_errors
def model_names() -> list[str]:
    """The names of the registered models of ours, in their order."""
    return [model.name for model in _models()]


def _models() -> list[RegisteredModel]:
    found, token = [], None
    while True:
        page = client().search_registered_models(max_results=100, page_token=token)
        found += [model for model in page if "genfoundry" in model.tags and _is_ours(model)]
        token = page.token
        if not token:
            return sorted(found, key=lambda model: model.name)


def _is_ours(stored: RegisteredModel) -> bool:
    """Whether a registered model is this project's: of its slug, of none as the project, or its own from before."""
    slug, whose = settings().slug, stored.tags.get(PROJECT, "")
    if not whose and slug:
        return was_ours(stored.name)
    return whose == slug and not homes.is_foreign(stored)


def _model(stored) -> ModelInfo:
    at = {alias: int(version) for alias, version in stored.aliases.items()}
    count = len(list_versions(stored.name))
    return ModelInfo(stored.name, count, at.get(CHAMPION), at.get(CHALLENGER), stored.description or "")
