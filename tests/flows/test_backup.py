"""Backup and restore, word for word as docs/runbook.md says them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.services import binaries, postgres_cluster
from support.tracked import registered

from genfoundry import tracking

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
FULL = ".genfoundry/prefect"


def said(start: str) -> str:
    """The line of the runbook that begins with these words, without its remark."""
    return re.search(rf"^{re.escape(start)}.*$", RUNBOOK, re.M)[0].partition("  #")[0]  # pyright: ignore[reportOptionalSubscript]


def champion_of(name: str, tmp_path: Path) -> None:
    registered(name, tmp_path, 5, 0)
    tracking.set_alias(name, "champion", 1, "a test")


def test_the_state_of_a_checkout_comes_back_whole(root, name, tmp_path_factory):
    champion_of(name, tmp_path_factory.mktemp("model"))
    (root / FULL).mkdir(parents=True)
    chain = tracking.history(name)
    subprocess.run(said("tar -czf"), shell=True, check=True, cwd=root, timeout=60)
    shutil.rmtree(root / ".genfoundry")
    subprocess.run(["tar", "-xzf", "backup.tgz"], check=True, cwd=root, timeout=60)
    from genfoundry.tracking import store

    store._client.cache_clear()
    assert tracking.aliases(name) == {"champion": 1}
    assert tracking.history(name) == chain
    tracking.load_version(name, 1)
    assert tracking.diagnose(name, deep=True) == []


@pytest.mark.slow
def test_a_postgresql_comes_back_whole(root, name, tmp_path_factory, monkeypatch):
    with postgres_cluster() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        champion_of(name, tmp_path_factory.mktemp("model"))
        monkeypatch.setenv("PATH", f"{binaries()}:/usr/bin:/bin")
        monkeypatch.setenv("GENFOUNDRY_DATABASE_URL", address)
        subprocess.run(said("pg_dump"), shell=True, check=True, cwd=root, timeout=60)
        tracking.set_alias(name, "challenger", 1, "after the backup")
        subprocess.run(said("pg_restore"), shell=True, check=True, cwd=root, timeout=60)
        assert tracking.aliases(name) == {"champion": 1}
        with pytest.raises(tracking.ledger.BrokenLedger):  # the witness has seen what the older database has not
            tracking.history(name)
