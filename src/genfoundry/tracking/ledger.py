"""The ledger of alias moves: append-only, one chain per registered model, every entry sealed with the hash before it.

It lies in the store itself, as tags of the registered model, so every machine reads the same one. Each machine also
keeps a witness, `.genfoundry/ledger/<store>/<name>.jsonl`, of the entries that it has seen; a store whose chain no
longer begins with them was rewritten.

A store has no compare-and-set. An entry is therefore written under a tag of its own (number and hash), then the
chain is read again: who sees another entry of the same number withdraws and tries again. Of two writers at least the
later one sees the other, so never do both go on.
"""

from __future__ import annotations

import random
import re
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import digest, write_atomic
from genfoundry.project.root import state_path
from genfoundry.records import Record
from genfoundry.tracking import deleted
from genfoundry.tracking.store import client, id_without_slug, is_absent, lock, store_id, translates_errors

TAG = re.compile(r"^genfoundry\.move\.(\d{5})\.([0-9a-f]{8})$")
START = "0" * 64
ATTEMPTS = 8
Expected = int | None | Literal["any"]


class Move(Record):
    """One move of an alias. `previous` is the version that it left, `seal` the hash over all other fields.

    `nonce` keeps apart two moves that two machines make with the same words in the same second.
    """

    number: int
    alias: str
    version: int
    previous: int | None
    action: Literal["promote", "rollback", "register", "repair"]
    reason: str
    at: str
    host: str
    nonce: str
    before: str
    seal: str = ""

    def sealed(self) -> Move:
        """This entry with its seal."""
        return self.model_copy(update={"seal": digest(self.model_dump(exclude={"seal"}))})

    @property
    def tag(self) -> str:
        return f"genfoundry.move.{self.number:05d}.{self.seal[:8]}"


class BrokenLedger(UserError):  # noqa: N818
    """The chain of a ledger does not hold."""


class LedgerState(NamedTuple):
    """One look at a registered model: its ledger, and the version that each alias is at."""

    chain: list[Move]
    aliases: dict[str, int]


def read(name: str) -> LedgerState:
    """The verified chain of a registered model, oldest first, and its aliases at that moment.

    Raises:
        Broken: an entry was changed, is missing, is there twice, or this machine's witness has seen another one.
    """
    state = _quiet(name)
    chain = state.chain
    check(name, chain)
    seen, whole = witnessed(name)
    if seen and not chain and not deleted.is_there(name):
        raise BrokenLedger(**deleted.explain(name, len(seen)))
    if chain[: len(seen)] != seen:
        raise BrokenLedger(
            f"The ledger of '{name}' in MLflow is not the one that this machine has seen: "
            f"{len(chain)} entries there, {len(seen)} in {_witness(name)}, "
            f"which differ from number {_first_difference(chain, seen)} on.",
            expected="an append-only chain",
            remedy=f"restore MLflow's database from a backup; or, if the change was meant, delete {_witness(name)}",
        )
    if not whole:
        with suppress(OSError):
            _record(name, chain)
    return state


def _quiet(name: str) -> LedgerState:
    """The entries once no writer has two of one number there, or after two seconds at the latest."""
    deadline = time.monotonic() + 2
    while True:
        state = in_store(name)
        if len({move.number for move in state.chain}) == len(state.chain) or time.monotonic() > deadline:
            return state
        time.sleep(0.1)


def in_store(name: str) -> LedgerState:
    """The entries in the store, unchecked, by number, and the aliases; both empty where there is no such model."""
    try:
        model = client().get_registered_model(name)
    except Exception as error:
        if is_absent(error):
            return LedgerState([], {})
        raise
    found = [_parse(name, key, text) for key, text in model.tags.items() if TAG.match(key)]
    at = {alias: int(version) for alias, version in model.aliases.items()}
    return LedgerState(sorted(found, key=lambda move: (move.number, move.seal)), at)


def _parse(name: str, key: str, text: str) -> Move:
    try:
        return Move.model_validate_json(text)
    except ValueError as error:
        raise BrokenLedger(f"The ledger of '{name}': tag {key} does not parse: {error}") from None


def check(name: str, chain: list[Move]) -> None:
    """Verify every seal and every link.

    Raises:
        Broken: names the first entry that does not hold.
    """
    before = START
    for number, move in enumerate(chain, 1):
        if move.number != number or move.before != before or move.sealed().seal != move.seal:
            raise BrokenLedger(
                f"The ledger of '{name}' is broken at entry {number}: "
                + ("its content was changed." if move.sealed().seal != move.seal else "it does not follow the last."),
                expected=f"entry {number} that follows {before[:8]}",
                remedy="genfoundry registry history (what is left), then restore MLflow's database from a backup",
            )
        before = move.seal


def _first_difference(chain: list[Move], seen: list[Move]) -> int:
    pairs = enumerate(zip(chain, seen, strict=False), 1)
    return next((number for number, (a, b) in pairs if a != b), min(len(chain), len(seen)) + 1)


@translates_errors
def append(name: str, alias: str, version: int, action: str, reason: str, expected: Expected = "any") -> list[Move]:
    """Append a move and return the chain with it; `expected` is the version that the alias must be at before.

    Raises:
        Moved: the alias is not at `expected`.
        Broken: see `read`.
    """
    with lock(f"ledger-{name}"):
        for attempt in range(ATTEMPTS):
            chain = read(name).chain
            now_at = position(chain, alias)
            if expected not in ("any", now_at):
                raise AliasMoved(f"'{alias}' of '{name}' is at version {now_at}.", expected=f"version {expected}")
            move = _entry(chain, alias, version, now_at, action, reason)
            client().set_registered_model_tag(name, move.tag, move.model_dump_json())
            if [entry for entry in in_store(name).chain if entry.number == move.number] == [move]:
                chain.append(move)
                _record(name, chain)
                return chain
            client().delete_registered_model_tag(name, move.tag)
            time.sleep(random.uniform(0.05, 0.2) * 2**attempt)
    raise UserError(f"The ledger of '{name}' is being written by others all the time.", remedy="run it again")


class AliasMoved(UserError):  # noqa: N818
    """Another writer moved the alias first."""


def _entry(chain: list[Move], alias: str, version: int, previous: int | None, action: str, reason: str) -> Move:
    return Move.model_validate(
        {
            "number": len(chain) + 1,
            "alias": alias,
            "version": version,
            "previous": previous,
            "action": action,
            "reason": reason,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "host": socket.gethostname(),
            "nonce": secrets.token_hex(8),
            "before": chain[-1].seal if chain else START,
        }
    ).sealed()


def position(chain: list[Move], alias: str) -> int | None:
    """The version that the chain says an alias is at."""
    return next((move.version for move in reversed(chain) if move.alias == alias), None)


def champion_line(chain: list[Move], alias: str) -> list[int]:
    """The versions that led to the present one, oldest first; a rollback takes back what came after."""
    line: list[int] = []
    for move in chain:
        if move.alias == alias:
            line = line[: line.index(move.version)] if move.version in line else line
            line.append(move.version)
    return line


def withdraw_fork(name: str) -> list[Move]:
    """Take back what a killed writer left beside another entry of the same number, the last one.

    The one that the alias is at stays, else the one with the smaller seal.
    """
    chain, at = _quiet(name)
    if not chain:
        return []
    last = [move for move in chain if move.number == chain[-1].number]
    if len(last) < 2:
        return []
    stays = next((move for move in last if at.get(move.alias) == move.version), last[0])
    withdrawn = [move for move in last if move != stays]
    for move in withdrawn:
        client().delete_registered_model_tag(name, move.tag)
    return withdrawn


def _witness(name: str, store: str = "") -> Path:
    return state_path("ledger", store or store_id()) / f"{quote(name, safe='')}.jsonl"


def has_witness(name: str) -> bool:
    """Whether this machine saw a move of an alias of that registered model, in the present store."""
    return _witness(name).is_file()


def was_ours(name: str) -> bool:
    """Whether this project moved aliases of that registered model before it had a slug; others' models are not ours."""
    before = id_without_slug()
    return bool(before) and _witness(name, before).is_file()


def witnesses() -> list[str]:
    """The registered models of this store whose ledgers this machine has seen."""
    return sorted(unquote(path.stem) for path in state_path("ledger", store_id()).glob("*.jsonl"))


def set_witness_aside(name: str) -> Path:
    """Let this machine forget what it has seen of a deleted model's ledger; returns where that lies now.

    Raises:
        UserError: it has seen none, or the model is there.
    """
    path = _witness(name)
    if not path.is_file():
        raise UserError(f"This machine has seen no ledger of '{name}'.", expected=f"one of {', '.join(witnesses())}")
    if deleted.is_there(name):
        raise UserError(f"The registered model '{name}' is there.", expected="one that was deleted")
    number = len(list(path.parent.glob(f"{path.stem}.deleted-*")))
    return path.rename(path.with_name(f"{path.stem}.deleted-{number + 1}"))


def witnessed(name: str) -> tuple[list[Move], bool]:
    """The entries that this machine has seen, and whether its file holds to the end; from where it does not, it is left
    out, and said.

    A witness holds by its own chain, so damage to it is told apart from a store that was rewritten.
    """
    path, seen, before = _witness(name), [], START
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            move = Move.model_validate_json(line)
        except ValueError:
            move = None
        if move is None or move.number != number or move.before != before or move.sealed().seal != move.seal:
            then = "the entries from there on are taken from MLflow, and written anew"
            sealed.say(sealed.damage(path, f"line {number} of {len(lines)} is not what was written", then))
            return seen, False
        seen.append(move)
        before = move.seal
    return seen, True


def _record(name: str, chain: list[Move]) -> None:
    write_atomic(_witness(name), "".join(move.model_dump_json() + "\n" for move in chain))
