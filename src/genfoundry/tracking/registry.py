"""Who is champion: aliases that follow the ledger, what a version was judged by, and the way back."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.records import Evaluation, Score
from genfoundry.tracking import ledger, runs, strays
from genfoundry.tracking.ledger import Expected, Move
from genfoundry.tracking.published import SEALS, load_sealed
from genfoundry.tracking.store import client, translates_errors
from genfoundry.tracking.versions import (
    CHAMPION,
    EVALUATION,
    EVALUATION_SEAL,
    VersionInfo,
    aliases,
    get_version,
    list_versions,
    registry_lock,
)

if TYPE_CHECKING:
    from genfoundry.model import Model

COLLISION = ("IntegrityError", "UniqueViolation", "StaleDataError")  # SQLite's, PostgreSQL's, SQLAlchemy's name


class ScorePair(NamedTuple):
    """One score of two versions; `better` is the version whose interval lies wholly on the better side, if any."""

    name: str
    first: Score
    second: Score
    better: int | None


@translates_errors
def evaluation_of(info: VersionInfo) -> Evaluation:
    """The evaluation that a version was registered with.

    Raises:
        UserError: it is missing, or is not the one that was registered.
    """
    with tempfile.TemporaryDirectory() as folder:
        content = runs.fetch(info.run_id, info.tags[EVALUATION], Path(folder)).read_bytes()
    text = content.decode("utf-8", "replace")
    if digest(text) != info.tags[EVALUATION_SEAL]:
        raise UserError(
            f"{info.tags[EVALUATION]} of MLflow run {info.run_id}, the evaluation of '{info.name}' version "
            f"{info.version}, was changed after it was registered.",
            expected=f"sha256 {info.tags[EVALUATION_SEAL]} of {info.tags[EVALUATION]} in run {info.run_id}",
            remedy="genfoundry doctor   (it names the remedy)",
        )
    return Evaluation.model_validate_json(text)


@translates_errors
def champion(name: str) -> tuple[int, Evaluation] | None:
    """The version that the alias `champion` is at, with its evaluation; None where there is none."""
    at = aliases(name).get(CHAMPION)
    return None if at is None else (at, evaluation_of(get_version(name, at)))


@translates_errors
def champions_before(name: str) -> list[int]:
    """The champions before the present one that are still there, the last first; what a rollback took back is none."""
    there = {info.version for info in list_versions(name)}
    return [version for version in reversed(ledger.champion_line(history(name), CHAMPION)[:-1]) if version in there]


@translates_errors
def load_version(name: str, version: int | str, device: str = "cpu") -> Model:
    """Download a version (by number or alias), hold every file against the registry's digests, then load it.

    Raises:
        UserError: something is missing or differs; nothing was loaded.
    """
    info = get_version(name, version)
    seals = json.loads(info.tags.get(SEALS, "{}"))
    if not seals:
        raise UserError(f"'{name}' version {info.version} carries no digests: it was not registered by genfoundry.")
    return load_sealed(info.run_id, seals, device)


@translates_errors
def compare_versions(name: str, first: int | str, second: int | str) -> list[ScorePair]:
    """The scores that two versions share by name and so by protocol, of the model itself and of every floor."""
    a, b = get_version(name, first), get_version(name, second)
    left, right = evaluation_of(a), evaluation_of(b)
    rows = []
    for score in left.scores:
        other = right.score(score.name, score.subject)
        if other is not None:
            rows.append(ScorePair(score.name, score, other, _better(score, other, a.version, b.version)))
    return rows


def _better(first: Score, second: Score, a: int, b: int) -> int | None:
    if first.low > second.high:
        return a if first.higher_is_better else b
    if first.high < second.low:
        return b if first.higher_is_better else a
    return None


@translates_errors
def history(name: str) -> list[Move]:
    """Every move of every alias, oldest first; empty where there was none.

    Raises:
        UserError: the ledger was tampered with.
    """
    return ledger.read(name).chain


@translates_errors
def set_alias(
    name: str, alias: str, version: int, reason: str, *, action: str = "register", expected: Expected = "any"
) -> int:
    """Move an alias: first the ledger, then the alias, which always follows the ledger's last word, then read back.

    A move that was cut off between the two is finished by calling it again. Nothing happens where both agree.

    Raises:
        ledger.AliasMoved: the alias is not at `expected`.
        UserError: the ledger is broken, or the alias does not stay where it is put.
    """
    with registry_lock(name):
        chain, now = ledger.read(name)
        at, said = now.get(alias), ledger.position(chain, alias)
        if said == version and at not in (version, before(chain, alias)):
            action, reason = "repair", f"{reason} (the alias was at {at}, moved outside genfoundry)"
            said = None
        if at == said == version:
            return version
        if at is None and said not in (None, version) and not _exists(name, said):
            reason = f"{reason} (version {said}, where it was, was deleted outside genfoundry)"
            expected = said if expected is None else expected
        if said != version:
            ledger.append(name, alias, version, action, reason, expected)
        return follow(name, alias)


def _exists(name: str, version: int) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        client().get_model_version(name, str(version))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def before(chain: list[Move], alias: str) -> int | None:
    """Where the alias was before its last move."""
    return next((move.previous for move in reversed(chain) if move.alias == alias), None)


@translates_errors
def follow(name: str, alias: str) -> int:
    """Put an alias where the ledger says, until both agree, and return that version."""
    wanted = None
    for _ in range(5):
        chain, at = ledger.read(name)
        wanted = ledger.position(chain, alias)
        if wanted is None:
            raise UserError(f"The ledger of '{name}' has no move of '{alias}'.", remedy="genfoundry doctor")
        if at.get(alias) == wanted:
            return wanted
        _put(name, alias, wanted)
    raise UserError(
        f"The alias '{alias}' of '{name}' does not stay at version {wanted}, where it was put five times.",
        remedy="stop what else moves it, then: genfoundry doctor",
    )


def _put(name: str, alias: str, version: int) -> None:
    """Set an alias. Of two writers at once MLflow's database refuses one; the next reading says where it went."""
    from mlflow.exceptions import MlflowException

    try:
        client().set_registered_model_alias(name, alias, str(version))
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise strays.version_deleted(name, alias, version) from None
        if not any(word in str(error) for word in COLLISION):
            raise


@translates_errors
def finish_cut_off_moves(name: str) -> list[str]:
    """Finish moves that were cut off; returns what was done.

    Raises:
        UserError: an alias was moved outside genfoundry, its version was deleted, or the ledger is broken.
    """
    done = []
    with registry_lock(name):
        chain, at = ledger.read(name)
        none_left = not list_versions(name)
        for alias in sorted({*at, *(move.alias for move in chain)}):
            said = ledger.position(chain, alias)
            if at.get(alias) == said or none_left:  # the next version takes the place of those that were deleted
                continue
            if said is None or at.get(alias) != before(chain, alias):
                raise strays.moved_outside(name, alias, at.get(alias), said)
            done.append(f"'{alias}' of '{name}': the move to version {follow(name, alias)} was finished.")
    return done


@translates_errors
def promote(name: str, version: int | str, *, force: bool = False, reason: str = "") -> int:
    """Make a version champion by hand, once it was downloaded, verified and loaded.

    Raises:
        UserError: the gate said REJECT and `force` is not set, `force` without a reason, or it does not load.
    """
    info = get_version(name, version)
    if force and not reason.strip():
        raise UserError("A promotion by force needs a reason.", remedy="--reason 'why'")
    if info.decision != "PROMOTE" and info.decision != "HOLD" and not force:
        raise UserError(
            f"The gate said {info.decision or 'nothing'} of '{name}' version {info.version}.",
            expected="PROMOTE or HOLD",
            remedy=f"genfoundry registry show {name} {info.version}   (or promote it with --force --reason 'why')",
        )
    load_version(name, info.version)
    return set_alias(name, CHAMPION, info.version, reason or "by hand", action="promote")


@translates_errors
def rollback(name: str, to: int | str | None = None, *, reason: str = "") -> int:
    """Make an earlier champion champion again, by default the one before, once it was verified and loaded.

    Raises:
        UserError: there is no earlier one, `to` never was champion, or it does not load.
    """
    with registry_lock(name):
        chain = history(name)
        target = _earlier(name, chain) if to is None else get_version(name, to).version
        if target not in {move.version for move in chain if move.alias == CHAMPION}:
            raise UserError(
                f"'{name}' version {target} never was champion.", remedy=f"genfoundry registry promote {name} {target}"
            )
        load_version(name, target)
        return set_alias(name, CHAMPION, target, reason or "rolled back by hand", action="rollback")


def _earlier(name: str, chain: list[Move]) -> int:
    line = ledger.champion_line(chain, CHAMPION)
    if len(line) < 2:
        raise UserError(
            f"'{name}' has no earlier champion to go back to.", remedy=f"genfoundry registry history {name}"
        )
    return line[-2]
