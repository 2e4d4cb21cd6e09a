"""Every test runs in a project of its own: an empty root, its own MLflow store and Prefect home, telemetry off."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "False",
        "DVC_NO_ANALYTICS": "1",
    }
)
for variable in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "GENFOUNDRY_ROOT"):
    os.environ.pop(variable, None)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project root that the process believes in."""
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def _no_entries_of_another_test() -> Iterator[None]:
    """What a test's own project offered is forgotten with it."""
    yield
    if (own_project := sys.modules.get("support.own_project")) is not None:
        own_project.forget()


@pytest.fixture(scope="session")
def mnist_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real digits of mnist-5k, sealed."""
    from support.trained import built  # reads numpy and pydantic

    root = tmp_path_factory.mktemp("mnist")
    built(root, "mnist-5k")
    return root / "data" / "mnist-5k"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One root, and so one database, for all tests of tracking; each uses names of its own."""
    return tmp_path_factory.mktemp("tracked")


@pytest.fixture
def sqlite(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the default store, in `home`."""
    from genfoundry import tracking

    monkeypatch.setenv("GENFOUNDRY_ROOT", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tracking.uri()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A registered model's name that no other test uses."""
    return request.node.name.replace("[", "-").replace("]", "")[:100]


@pytest.fixture
def run_id(sqlite: str, name: str) -> str:
    """A run of that name, under way."""
    from support.tracked import DATA  # imports torch

    from genfoundry import tracking

    return tracking.start_run(name, recipe="tiny", tags={}, params={}, dataset=DATA)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with many slow tests come first, so that no worker is left with one of them alone."""
    import importlib.util

    slow = Counter(item.path for item in items if "slow" in item.keywords)
    items.sort(key=lambda item: -slow[item.path])
    if importlib.util.find_spec("torch") is None:
        return
    import torch

    if not torch.cuda.is_available():
        skip = pytest.mark.skip(reason="needs an accelerator, and torch sees none here")
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(skip)
