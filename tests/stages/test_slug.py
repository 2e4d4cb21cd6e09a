"""A project that gets its slug: new names, and the champion of the old name as the rival of their first version."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tracked import trained

from genfoundry import tracking
from genfoundry.gate import Policy
from genfoundry.records import ModelVersion
from genfoundry.stages.register import register_model

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def run(root: Path, name: str, fd: float, seed: int) -> ModelVersion:
    return register_model(trained(f"{name}-{seed}", root.parent, fd, seed), Policy(), name)


def test_the_champion_of_the_old_name_is_the_rival_of_the_new_names_first_version(root):
    assert run(root, "tiny", 10, 0).alias == "champion"
    (root / "genfoundry.toml").write_text('slug = "acme"')
    worse = run(root, "acme--tiny", 50, 1)
    assert (worse.version, worse.decision) == (1, "REJECT")
    assert "10" in worse.reasons[-1].sentence
    better = run(root, "acme--tiny", 2, 2)
    assert (better.version, better.decision, better.alias) == (2, "PROMOTE", "champion")
    assert tracking.aliases("tiny") == {"champion": 1}
    assert [model.name for model in tracking.list_models()] == ["acme--tiny", "tiny"]
    assert tracking.get_version(tracking.own_name("tiny"), "champion").name == "acme--tiny"


def test_a_name_that_this_project_never_moved_is_no_rival(root, monkeypatch):
    run(root, "tiny", 10, 0)
    other = root.parent / "other"
    other.mkdir()
    (other / "genfoundry.toml").write_text('slug = "acme"')
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / '.genfoundry' / 'mlflow.db'}")
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(other))
    first = run(other, "acme--tiny", 50, 1)
    assert (first.version, first.decision) == (1, "PROMOTE")
    assert [model.name for model in tracking.list_models()] == ["acme--tiny"]
