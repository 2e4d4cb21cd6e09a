"""The registry on a real PostgreSQL, where writers really run at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.services import postgres_cluster
from support.tracked import DATA, PASS, registered, trained

from genfoundry import tracking
from genfoundry.tracking.store import client

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def postgres():
    with postgres_cluster() as address:
        yield address


@pytest.fixture
def store(root, postgres, monkeypatch) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres)
    return tracking.uri()


def test_writers_at_the_same_time_make_one_version_and_one_chain(store, tmp_path):
    found = trained("pg", tmp_path)
    with ThreadPoolExecutor(4) as pool:
        arguments = ("pg", found.checkpoint.run_id, found, PASS, "key", "A card.", {})
        assert list(pool.map(lambda _: tracking.register(*arguments), range(4))) == [1] * 4
    assert [info.version for info in tracking.list_versions("pg", orphans=True)] == [1]
    numbers = [1, *(registered("pg", tmp_path, 5, seed) for seed in (1, 2))]
    barrier = threading.Barrier(3)

    def move(version: int) -> None:
        barrier.wait()
        tracking.set_alias("pg", "champion", version, "race")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(move, numbers))
    chain = tracking.history("pg")
    assert sorted(m.version for m in chain) == numbers
    assert tracking.aliases("pg") == {"champion": chain[-1].version}
    assert tracking.rollback("pg") == chain[-2].version
    assert tracking.diagnose("pg") == []


def test_without_any_common_lock_there_is_still_one_chain(store, tmp_path, monkeypatch):
    """Each writer is a machine of its own: its own locks and its own witness; only the database is shared."""
    from contextlib import nullcontext

    from genfoundry.tracking import ledger, registry

    for seed in range(3):
        registered("unlocked", tmp_path, 5, seed)
    for module, word in ((ledger, "lock"), (registry, "registry_lock")):
        monkeypatch.setattr(module, word, lambda *_: nullcontext())
    monkeypatch.setattr(ledger, "_witness", lambda name: tmp_path / str(threading.get_ident()) / name)
    barrier = threading.Barrier(3)

    def move(version: int) -> None:
        barrier.wait()
        for _ in range(4):
            tracking.set_alias("unlocked", "champion", version, "race of machines")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(move, (1, 2, 3)))
    chain = ledger.read("unlocked").chain
    assert {m.version for m in chain} == {1, 2, 3}
    assert tracking.aliases("unlocked") == {"champion": chain[-1].version}


def test_metrics_of_many_runs_at_once_all_arrive(store):
    def work(number: int) -> str:
        run_id = tracking.start_run(f"pg-{number}", recipe="tiny", tags={}, params={}, dataset=DATA)
        rows = [("m", float(step), step, step) for step in range(1500)]
        tracking.log_metrics(run_id, rows)
        tracking.log_metrics(run_id, rows[700:])
        return run_id

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(work, range(4)))
    assert [len(client().get_metric_history(run_id, "m")) for run_id in ids] == [1500] * 4


def test_a_stopped_database_is_named(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://postgres:secret@127.0.0.1:9/postgres")
    with pytest.raises(tracking.TrackerDown, match=r"127\.0\.0\.1:9/postgres does not answer") as caught:
        tracking.store.store_id()
    assert "secret" not in str(caught.value)
