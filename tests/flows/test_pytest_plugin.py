"""pytest collects a project's own entries, and in any other folder the plug-in is as if it were not there."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from support.own_project import called, here, own_project

PYTEST = (sys.executable, "-m", "pytest", "-p", "genfoundry_flows.pytest_plugin", "-p", "no:cacheprovider", "-q")
HERE = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from genfoundry_flows import new_entries

    home = here(own_project(tmp_path / "ein Projekt ü"), monkeypatch)
    new_entries.write_entry("metric", "spread")
    new_entries.write_entry("kind", "tone")
    torn = home / "acme_lab" / "models" / "torn.py"
    torn.parent.mkdir()
    torn.write_text("raise RuntimeError('no')\n")
    (home / "test_of_the_users.py").write_text("def test_it():\n    assert True\n")
    return home


@pytest.mark.slow
def test_own_entries_are_tests(project: Path) -> None:
    listed = called(project, "--collect-only", program=PYTEST)
    ids = [line for line in listed.stdout.splitlines() if "::" in line]
    assert ids == [
        "acme_lab/kinds/tone/spec.py::contract",
        "acme_lab/metrics/spread.py::contract",
        "acme_lab/models/torn.py::contract",
        "test_of_the_users.py::test_it",
    ], listed.stdout + listed.stderr
    done = called(project, "acme_lab/metrics", "acme_lab/models", program=PYTEST)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "torn.py, the family 'acme:torn', does not import: RuntimeError: no (line 1)" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_they_are_collected_beside_a_users_folder_of_tests(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (project / "tests").mkdir()
    (project / "test_of_the_users.py").rename(project / "tests" / "test_it.py")
    listed = called(project, "--collect-only", program=PYTEST)
    ids = {line for line in listed.stdout.splitlines() if "::" in line}
    assert ids == {
        "acme_lab/kinds/tone/spec.py::contract",
        "acme_lab/metrics/spread.py::contract",
        "acme_lab/models/torn.py::contract",
        "tests/test_it.py::test_it",
    }, listed.stdout + listed.stderr
    only = called(project, "--collect-only", "tests", program=PYTEST)
    assert [line for line in only.stdout.splitlines() if "::" in line] == ["tests/test_it.py::test_it"]


def test_elsewhere_it_does_nothing_and_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    assert 'genfoundry_flows.pytest_plugin' in sys.modules\n"
        "    assert not {'genfoundry.catalog', 'pydantic', 'torch', 'click'} & {*sys.modules}\n"
    )
    done = called(
        tmp_path, "-p", "no:hydra_pytest", "-p", "no:fugue_test", "-p", "no:fugue_test_fixtures", program=PYTEST
    )
    assert done.returncode == 0, done.stdout


def test_it_is_installed_with_the_package() -> None:
    with (HERE / "pyproject.toml").open("rb") as file:
        points = tomllib.load(file)["project"]["entry-points"]["pytest11"]
    assert points == {"genfoundry_flows.pytest_plugin": "genfoundry_flows.pytest_plugin"}
