"""Projects that earlier releases left, and the command line on one of them."""

from __future__ import annotations

import tarfile
from pathlib import Path

from click.testing import CliRunner, Result
from genfoundry_flows.cli import cli

FIXTURES = Path(__file__).parents[1] / "fixtures"


def unpacked(name: str, root: Path) -> Path:
    """`fixtures/<name>.tar.xz`, laid out in `root`."""
    with tarfile.open(FIXTURES / f"{name}.tar.xz") as archive:
        archive.extractall(root, filter="data")
    return root


def run(*arguments: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(cli, arguments)
