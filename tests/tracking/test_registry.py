"""Versions, aliases, the ledger and what repairs them, on a real SQLite store."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.tracked import REJECTED, registered

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.tracking import ledger
from genfoundry.tracking.store import client


def test_a_second_version_of_one_key_is_tagged_as_an_orphan(run_id, name, tmp_path):
    """Another machine, or MLflow's own retry after a lost answer, made one more of the same key."""
    first = registered(name, tmp_path, 5, 0)
    info = tracking.get_version(name, first)
    client().create_model_version(name, info.source, info.run_id, tags=info.tags)
    assert registered(name, tmp_path, 5, 0) == first
    from genfoundry.tracking.versions import _single

    assert _single(name, "key-0") == first
    assert [v.version for v in tracking.list_versions(name)] == [first]
    assert [v.version for v in tracking.list_versions(name, orphans=True)] == [2, 1]


def test_an_upload_is_not_repeated(run_id, tmp_path):
    from support.tracked import tiny_model

    tiny_model(tmp_path / "model")
    address = tracking.publish_model(run_id, tmp_path / "model")
    uploaded = Path(address) if "://" not in address else Path(address.removeprefix("file://"))
    before = (uploaded / "weights.safetensors").stat().st_mtime_ns
    assert sorted(path.name for path in uploaded.iterdir()) == ["MLmodel", "model.json", "weights.safetensors"]
    assert tracking.publish_model(run_id, tmp_path / "model") == address
    assert (uploaded / "weights.safetensors").stat().st_mtime_ns == before
    tiny_model(tmp_path / "model", seed=1)
    tracking.publish_model(run_id, tmp_path / "model")
    assert (uploaded / "weights.safetensors").stat().st_mtime_ns > before


def test_aliases_follow_the_ledger_and_back(sqlite, name, tmp_path):
    one, two, three = (registered(name, tmp_path, 10 - seed, seed) for seed in range(3))
    for version in (one, two, three):
        tracking.set_alias(name, "champion", version, "better")
    assert tracking.set_alias(name, "champion", three, "again") == three
    assert [(m.version, m.previous) for m in tracking.history(name)] == [(1, None), (2, 1), (3, 2)]
    found = tracking.champion(name)
    assert found
    assert (found[0], found[1].scores[0].value) == (3, 8)
    assert tracking.rollback(name) == two
    assert tracking.rollback(name) == one
    with pytest.raises(UserError, match="no earlier champion"):
        tracking.rollback(name)
    assert tracking.rollback(name, to=three, reason="it was fine") == three
    assert [move.action for move in tracking.history(name)][3:] == ["rollback"] * 3
    assert tracking.history(name)[-1].reason == "it was fine"
    assert tracking.aliases(name) == {"champion": three}
    assert tracking.load_version(name, "champion").generative
    (row,) = [row for row in tracking.compare_versions(name, one, three) if row.first.subject == "model"]
    assert (row.first.value, row.second.value, row.better) == (10, 8, three)
    listed = {model.name: model for model in tracking.list_models()}
    assert (listed[name].versions, listed[name].champion) == (3, 3)


def test_a_rejected_version_is_promoted_only_by_force_with_a_reason(run_id, name, tmp_path):
    version = registered(name, tmp_path, 5, 0, REJECTED)
    with pytest.raises(UserError, match="The gate said REJECT"):
        tracking.promote(name, version)
    with pytest.raises(UserError, match="needs a reason"):
        tracking.promote(name, version, force=True)
    assert tracking.aliases(name) == {}
    tracking.promote(name, version, force=True, reason="for the demonstration")
    assert tracking.history(name)[0].reason == "for the demonstration"
    with pytest.raises(UserError, match="never was champion"):
        tracking.rollback(name, to=registered(name, tmp_path, 6, 1))


def test_a_damaged_version_never_becomes_champion(run_id, name, tmp_path):
    good, bad = registered(name, tmp_path, 5, 0), registered(name, tmp_path, 4, 1)
    tracking.promote(name, good)
    folder = Path(tracking.get_version(name, bad).source.removeprefix("file://"))
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"weights\.safetensors of MLflow run .* has sha256"):
        tracking.promote(name, bad)
    assert tracking.aliases(name) == {"champion": good}
    assert not [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    (problem,) = [p for p in tracking.diagnose(name, deep=True) if f"'{name}'" in p.sentence]
    assert "weights.safetensors" in problem.sentence
    assert problem.command.startswith(f"genfoundry run {name}")
    weights.unlink()
    (problem,) = [p for p in tracking.diagnose(name) if f"'{name}'" in p.sentence]
    assert "weights.safetensors of run" in problem.sentence
    assert "is missing" in problem.sentence


def test_moves_of_many_threads_are_one_chain(run_id, name, tmp_path):
    numbers = [registered(name, tmp_path, 5, seed) for seed in range(4)]
    barrier = threading.Barrier(4)

    def move(version: int) -> None:
        barrier.wait()
        tracking.set_alias(name, "champion", version, "race")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, numbers))
    chain = tracking.history(name)
    assert sorted(m.version for m in chain) == numbers
    assert [m.previous for m in chain] == [None, *(m.version for m in chain[:-1])]
    assert tracking.aliases(name) == {"champion": chain[-1].version}


def test_a_champion_that_moved_meanwhile_is_noticed(run_id, name, tmp_path):
    one, two = (registered(name, tmp_path, 5, seed) for seed in range(2))
    tracking.set_alias(name, "champion", one, "first", expected=None)
    with pytest.raises(tracking.AliasMoved, match="is at version 1"):
        tracking.set_alias(name, "champion", two, "judged against nobody", expected=None)
    assert tracking.aliases(name) == {"champion": one}


@pytest.fixture
def chain(sqlite, tmp_path):
    """A ledger of two moves, put right again after the test."""
    if not tracking.list_versions("tampered"):
        for seed in range(2):
            tracking.set_alias("tampered", "champion", registered("tampered", tmp_path, 5, seed), "fine")
    yield (moves := tracking.history("tampered"))
    for key in client().get_registered_model("tampered").tags:
        if ledger.TAG.match(key):
            client().delete_registered_model_tag("tampered", key)
    for move in moves:
        client().set_registered_model_tag("tampered", move.tag, move.model_dump_json())


def rewrite(moves: list[tracking.ledger.Move]) -> None:
    """A chain that holds, but is another one."""
    forged = moves[0].model_copy(update={"version": 2}).sealed()
    second = moves[1].model_copy(update={"before": forged.seal}).sealed()
    for old, new in zip(moves, (forged, second), strict=True):
        client().delete_registered_model_tag("tampered", old.tag)
        client().set_registered_model_tag("tampered", new.tag, new.model_dump_json())
    ledger.check("tampered", ledger.in_store("tampered").chain)


def edit(move: tracking.ledger.Move) -> None:
    changed = move.model_copy(update={"version": 2})
    client().set_registered_model_tag("tampered", move.tag, changed.model_dump_json())


def remove(move: tracking.ledger.Move) -> None:
    client().delete_registered_model_tag("tampered", move.tag)


TAMPERING = {
    "edited": (lambda moves: edit(moves[0]), "broken at entry 1: its content was changed"),
    "first removed": (
        lambda moves: client().delete_registered_model_tag("tampered", moves[0].tag),
        "broken at entry 1",
    ),
    "last removed": (lambda moves: client().delete_registered_model_tag("tampered", moves[1].tag), "number 2 on"),
    "nonsense": (lambda moves: client().set_registered_model_tag("tampered", moves[0].tag, "{}"), "does not parse"),
    "rewritten": (rewrite, "number 1 on"),
}


@pytest.mark.parametrize(("tamper", "sentence"), TAMPERING.values(), ids=list(TAMPERING))
def test_tampering_with_the_ledger_is_noticed(chain, tamper, sentence):
    tamper(chain)
    with pytest.raises(tracking.ledger.BrokenLedger, match=sentence):
        tracking.history("tampered")
    with pytest.raises(tracking.ledger.BrokenLedger):
        tracking.set_alias("tampered", "champion", 1, "on a broken chain")
    assert [p for p in tracking.diagnose("tampered") if sentence in p.sentence]


def test_an_unknown_name_or_version_names_what_there_is(run_id, name, tmp_path):
    registered(name, tmp_path, 5, 0)
    with pytest.raises(UserError, match=f"did you mean '{name}'"):
        tracking.get_version(name[:-1], 1)
    with pytest.raises(UserError, match="one of 1"):
        tracking.get_version(name, 7)
    with pytest.raises(UserError, match="no version or alias 'champion'"):
        tracking.load_version(name, "champion")
