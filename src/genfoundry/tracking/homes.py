"""Which project made a registered model, where several share a store: the model says so in a tag.

A project is known by the first commits of its repository and by its slug, or its path in there, so that every clone is
the same project; one without git by a random number that it keeps in `.genfoundry/home`, which moves along with it.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.project.places import settings
from genfoundry.project.root import project_root, state_dir, state_path
from genfoundry.tracking import ledger
from genfoundry.tracking.store import client, is_absent, own, quoted, translates_errors, uri

if TYPE_CHECKING:
    from mlflow.entities.model_registry import RegisteredModel

HOME, PLACE = "genfoundry.home", "genfoundry.home.place"  # tags of a registered model
FILE = "home"


def tags() -> dict[str, str]:
    """What a registered model that this project makes says of it; nothing in a clone that is too shallow to tell."""
    ids = _named(project_root(), settings().slug)
    return {HOME: ids[0], PLACE: _place()} if ids else {}


def _place() -> str:
    slug = settings().slug
    return f"{f'{slug}, in ' if slug else ''}the folder {project_root().name} of {socket.gethostname()}"


def known(root: Path, slug: str) -> tuple[str, ...]:
    """All that a project is known by, what is written first; nothing where git has but the last commits of it, or where
    there is no git and nothing was registered from here."""
    commits = _commits(root) or []
    return (*(f"{commit}:{slug or prefix}" for commit, prefix in commits), *_kept(root))


def _named(root: Path, slug: str) -> tuple[str, ...]:
    """The same for a project that registers: without git it is given a number."""
    return known(root, slug) or (_keep(secrets.token_hex(16)) if _commits(root) is None else ())


@cache
def _commits(root: Path) -> list[tuple[str, str]] | None:
    """The commits without a parent, newest last, each with the project's path in the repository; none where it is too
    shallow to tell, None where there is no git. Looked at once in a process."""
    try:
        shallow, prefix, *first = _git(root)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return [] if shallow == "true" else [(commit, prefix) for commit in reversed(first)]


def _git(root: Path) -> list[str]:
    """Whether the repository is shallow, the project's path in it, and its commits without a parent, newest first.

    Raises:
        ValueError: there is no commit.
    """

    def ask(*words: str) -> list[str]:
        command = ["git", "-C", str(root), "-c", "safe.directory=*", *words]  # whose folder it is, is no matter
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()

    where = (*ask("rev-parse", "--is-shallow-repository", "--show-prefix"), "")[:2]
    if not (first := ask("rev-list", "--max-parents=0", "HEAD")):
        raise ValueError("no commit")
    return [*where, *first]


def _kept(root: Path) -> tuple[str, ...]:
    path = root / ".genfoundry" / FILE
    return tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()


def _keep(number: str) -> tuple[str, ...]:
    try:
        write_atomic(state_dir() / FILE, f"{number}\n")
    except OSError:  # who may not write the state registers nothing either
        return ()
    return (number,)


def is_foreign(model: RegisteredModel) -> bool:
    """Whether another project made a registered model; False where that can't be told."""
    said = model.tags.get(HOME, "").split()
    return bool(said) and uri() != own() and set(said).isdisjoint(known(project_root(), settings().slug) or said)


@translates_errors
def ensure_home(name: str, data: str) -> None:
    """See that a registered model is not another project's; one that says nobody's becomes this one's.

    Nobody's are those of the release before: this project's are such as it moved an alias of, or trained on these data.

    Args:
        data: the digest of the dataset's version that is to be trained on.

    Raises:
        UserError: it is another's; says whose.
        TrackerDown: MLflow does not answer.
    """
    if uri() == own() or not (ids := _named(project_root(), settings().slug)):
        return
    if (model := _registered(name)) is None:
        return
    said = model.tags.get(HOME, "").split()
    if set(said).isdisjoint(ids) and (said or not _was_made_here(name, data)):
        raise _others(name, model)
    if ids[0] not in said:
        client().set_registered_model_tag(name, HOME, " ".join([*said, ids[0]]))
    if PLACE not in model.tags:
        client().set_registered_model_tag(name, PLACE, _place())


def _registered(name: str) -> RegisteredModel | None:
    try:
        return client().get_registered_model(name)
    except Exception as error:
        if is_absent(error):
            return None
        raise


def _was_made_here(name: str, data: str) -> bool:
    if ledger.has_witness(name):
        return True
    versions = client().search_model_versions(f"name = {quoted(name)}", max_results=200)
    return not versions or any(version.tags.get("dataset_digest") == data for version in versions)


def _others(name: str, model: RegisteredModel) -> UserError:
    said = model.tags.get(HOME, "").split()
    whose = model.tags.get(PLACE, "a project that a release before this one did not note")
    slug = settings().slug
    other = "genfoundry init --slug NAME" if not slug else f"another slug than '{slug}' in the mark of {project_root()}"
    one = f"; if both are one project: echo {said[0]} >> '{state_path(FILE)}'" if said else ""
    return UserError(
        f"The registered model '{name}' is of another project: {whose}.",
        expected="a registered model for each project: what one promotes would take the alias of the other's",
        remedy=f"{other}   (this project's names then begin with it){one}",
    )
