"""What is wrong with the store, each with the command that repairs it; and what can be repaired without asking."""

from __future__ import annotations

import json
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from genfoundry.errors import UserError
from genfoundry.tracking import ledger, registry, restoring, runs, strays, versions
from genfoundry.tracking.published import FOLDER, SEALS, fetch_model
from genfoundry.tracking.runs import HEARTBEAT, OWNER, RunInfo
from genfoundry.tracking.store import TrackerDown, client, translates_errors
from genfoundry.tracking.versions import VersionInfo

LEASE = 300  # seconds that a run may be silent on another machine
REGISTERED_BY = (versions.KEY, versions.DECISION, versions.EVALUATION_SEAL, SEALS)


class Problem(NamedTuple):
    """One thing that is wrong, in a sentence, and the command that repairs it."""

    sentence: str
    command: str


Rerun = Callable[[VersionInfo], str]
"""The command that trains a version again, from the same settings, data and code; empty where there is none."""


@translates_errors
def diagnose(only: str | None = None, *, deep: bool = False, rerun: Rerun = lambda _: "") -> list[Problem]:
    """Everything that is wrong with runs, versions, aliases and ledgers, of the model `only` or of all.

    The files of versions under an alias are downloaded and hashed, with `deep` those of every version; of the others
    it is seen that they are there.
    """
    found = [Problem(_abandoned(run), "genfoundry reconcile") for run in _ownerless()]
    for name in _names(only):
        found += [*_of_aliases(name), *_of_versions(name, deep, rerun)]
    return found


def _names(only: str | None) -> list[str]:
    """The registered models, and those that this machine has seen and that are gone."""
    return [only] if only else sorted({*versions.model_names(), *ledger.witnesses()})


def _ownerless() -> list[RunInfo]:
    return [run for run in runs.list_runs(["RUNNING"]) if not is_alive(run)]


def is_alive(run: RunInfo) -> bool:
    """Whether the owner of a run lives: its process on this machine, its heartbeat on another."""
    host, _, number = run.tags.get(OWNER, "").rpartition(":")
    heard = float(run.tags.get(HEARTBEAT, 0))
    if host == socket.gethostname() and number.isdecimal():
        return _process_lives(int(number), heard)
    return time.time() - heard < LEASE


def _process_lives(number: int, heard: float) -> bool:
    """Whether the process that was heard of at `heard` lives; one that began later has only its number."""
    try:
        return psutil.Process(number).create_time() <= heard + 1
    except psutil.NoSuchProcess:
        return False


def _abandoned(run: RunInfo) -> str:
    owner = run.tags.get(OWNER, "nobody")
    return f"Run {run.run_id} ({run.run_key[:8]}) is RUNNING, but its owner {owner} does not live."


def _of_aliases(name: str) -> Iterator[Problem]:
    try:
        chain, at = ledger.read(name)
    except UserError as error:
        yield Problem(error.found, error.remedy or "genfoundry reconcile")
        return
    there = {info.version for info in versions.list_versions(name)}
    for alias in sorted({*at, *(move.alias for move in chain)}):
        said = ledger.position(chain, alias)
        if said is not None and said not in there:
            error = strays.version_deleted(name, alias, said)
            yield Problem(error.found, error.remedy)
        elif at.get(alias) != said:
            error = strays.moved_outside(name, alias, at.get(alias), said)
            cut_off = said is not None and at.get(alias) == registry.before(chain, alias)
            yield (
                Problem(f"The move of '{alias}' of '{name}' to version {said} was cut off.", "genfoundry reconcile")
                if cut_off
                else Problem(error.found, error.remedy)
            )


def _of_versions(name: str, deep: bool, rerun: Rerun) -> Iterator[Problem]:
    for info in versions.list_versions(name):
        where = f"'{name}' version {info.version}"
        if lacking := [tag for tag in REGISTERED_BY if not info.tags.get(tag)]:
            yield Problem(f"{where} carries no {', '.join(lacking)}.", "genfoundry reconcile")
            continue
        if sentence := _damage(info, deep or bool(info.aliases)):
            yield Problem(f"{where}: {sentence}", _remedy(info, rerun))


def _remedy(info: VersionInfo, rerun: Rerun) -> str:
    """What repairs a damaged version: the job that trained it, the same training again, or only a backup."""
    if restoring.has_run(info):
        if restoring.is_restorable(info):
            return "genfoundry reconcile   (this machine has it whole and publishes it anew)"
        if command := rerun(info):
            return f"{command}   (it trains the same weights again, and publishes them there)"
    return (
        f"{strays.run_command(info.name)}   (this code, these settings or data make other weights: another version, "
        f"for genfoundry registry promote {info.name} VERSION; or restore MLflow's artifacts from a backup)"
    )


def _damage(info: VersionInfo, hashed: bool) -> str:
    """What is wrong with the run and the files behind a version, or nothing."""
    seals = json.loads(info.tags[SEALS])
    try:
        registry.evaluation_of(info)
        if not hashed:
            lost = [name for name in seals if not runs.has_artifact(info.run_id, f"{FOLDER}/{name}")]
            return f"{', '.join(lost)} of run {info.run_id} is missing." if lost else ""
        with tempfile.TemporaryDirectory() as folder:
            fetch_model(info.run_id, seals, Path(folder))
    except TrackerDown:
        raise
    except UserError as error:
        return error.found
    except ValueError as error:
        return f"its evaluation does not parse: {str(error).splitlines()[0]}"
    except Exception as error:
        if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
            raise
        return f"its run {info.run_id} is gone: {error}"
    return ""


@translates_errors
def republish_all(only: str | None = None) -> list[str]:
    """Publish anew what is damaged behind a version and lies whole on this machine; says what was done."""
    return [line for name in _names(only) for info in versions.list_versions(name) for line in republish(info)]


@translates_errors
def republish(info: VersionInfo) -> list[str]:
    """`restore`, of one version."""
    registered = all(info.tags.get(tag) for tag in REGISTERED_BY)
    if not registered or not restoring.has_run(info) or not _damage(info, hashed=True):
        return []
    return restoring.restore(info)


@translates_errors
def repair_store(only: str | None = None) -> list[str]:
    """Repair what needs no decision, and say what was done: ownerless runs, cut-off moves, unfinished versions.

    What was moved or changed outside genfoundry is left for `doctor` to report.
    """
    done = []
    for run in _ownerless():
        runs.finish(run.run_id, "KILLED", "FAILED", "Its process died; running it again goes on from its snapshot.")
        done.append(f"{_abandoned(run)} It was closed as KILLED.")
    for name in _names(only):
        done += [*_chain(name), *_tag_orphans(name)]
    return done


def _chain(name: str) -> list[str]:
    """What needs a decision is left as it is; a ledger that does not hold may only be forked by a writer that died."""
    done = []
    with suppress(UserError):
        done += put_back(name)
        return done + registry.finish_cut_off_moves(name)
    with suppress(UserError):
        for move in ledger.withdraw_fork(name):
            done.append(f"The ledger of '{name}': entry {move.number} of a writer that died was withdrawn.")
        if done:
            done += registry.finish_cut_off_moves(name)
    return done


def put_back(name: str) -> list[str]:
    """Return every alias but the champion's to where the ledger says; says what was done. A champion is a decision."""
    done = []
    with versions.registry_lock(name):
        chain, at = ledger.read(name)
        there = {info.version for info in versions.list_versions(name)}
        for alias in sorted({move.alias for move in chain} - {versions.CHAMPION}):
            said = ledger.position(chain, alias)
            if said in there and at.get(alias) not in (said, registry.before(chain, alias)):
                registry.set_alias(name, alias, said, "put back: it was moved outside genfoundry", action="repair")
                done.append(f"'{alias}' of '{name}' was put back to version {said}; it was moved outside genfoundry.")
    return done


def _tag_orphans(name: str) -> list[str]:
    """A version without digests or verdict is tagged, never deleted, and no alias goes to it."""
    done = []
    for info in versions.unfinished(name, REGISTERED_BY):
        client().set_model_version_tag(name, str(info.version), versions.ORPHAN, "not registered to the end")
        done.append(f"'{name}' version {info.version} was not registered to the end; it was tagged as an orphan.")
    return done
