"""Listing, help and validation run nobody's code: not that of fifty own entries, each of which would write a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.own_project import called, own_project
from support.trained import built

from genfoundry import catalog

COMMANDS = (
    ("models", "--json"),
    ("data", "add", "--help"),
    ("generate", "--help"),
    ("data", "list"),
    pytest.param(("data", "validate", "digits"), marks=pytest.mark.slow),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Entries of every group that would touch a file of their name, and one that does not parse."""
    home = own_project(tmp_path_factory.mktemp("listing") / "ein Projekt ü")
    for group, name in (("models", "mlp"), ("metrics", "frechet"), ("datasets", "digits")):
        folder, text = home / "acme_lab" / group, catalog.source(group, name).read_text()
        folder.mkdir()
        for number in range(50 if group == "models" else 2):
            source = text.replace('"fd', f'"fd{number}').replace('name="digits"', f'name="own{number}"')
            (folder / f"own{number}.py").write_text(f"{source}\n{_touching(home, group)}")
        (folder / "torn.py").write_text("x = (\n")
    for group, name in (("kinds", "image"), ("tasks", "generation")):
        folder = home / "acme_lab" / group / name
        folder.mkdir(parents=True)
        for path in catalog.source(group, name).parent.glob("*.py"):
            (folder / path.name).write_text(f"{path.read_text()}\n{_touching(home, group)}")
    built(home, "digits")
    return home


def _touching(home: Path, group: str) -> str:
    return f"open({str(home / ('touched-' + group))!r}, 'w').close()\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command))
def test_nothing_of_the_project_is_imported(command: tuple[str, ...], project: Path) -> None:
    done = called(project, *command)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [path.name for path in project.glob("touched-*")] == []


def test_what_does_not_parse_is_named_and_all_others_are_listed(project: Path) -> None:
    done = called(project, "models")
    torn = project / "acme_lab" / "models" / "torn.py"
    assert f"Left out: {torn} does not parse: SyntaxError: '(' was never closed (line 1)." in done.stderr
    assert {f"acme:own{number}" for number in range(50)} | {"dcgan", "deepar"} <= {*done.stdout.split()}
