"""One side of a review: the recipes of some sources, run by the genfoundry that belongs to these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from genfoundry.identity import PACKAGE
from genfoundry.project.root import ROOT, SOURCES
from genfoundry.records import Evaluation
from genfoundry.review.compare import Side

LAST_LINES = 12  # of what a side said, where it ended without a result
NO_SUCH_RECIPE = Side(error="This revision has no such recipe.", status=2)


class Code(NamedTuple):
    """Sources (mark, recipes, own package), and the genfoundry that runs them.

    `paths` come first where modules are looked for, and `package` is the folder that must then be found; `recipes`
    must hold the file of each recipe, where that is known.
    """

    sources: Path
    package: Path = PACKAGE
    paths: tuple[Path, ...] = ()
    recipes: Path | None = None


@contextmanager
def of_checkout(tree: Path) -> Iterator[Code]:
    """The code of a checkout of genfoundry itself, run by itself."""
    with tempfile.TemporaryDirectory() as packages:
        Path(packages, "genfoundry_flows").symlink_to(tree / "flows", target_is_directory=True)
        source = tree / "src"
        yield Code(tree, source / "genfoundry", (Path(packages), source), tree / "flows" / "recipes")


def of_project(sources: Path, release: Path | None = None) -> Code:
    """The code of a project of somebody's: run by the installed genfoundry, or by the one in the folder `release`."""
    return Code(sources, release / "genfoundry", (release,)) if release else Code(sources)


def tried(code: Code, root: Path, recipes: Sequence[str], options: Sequence[str]) -> dict[str, Side]:
    """Run `genfoundry trial` of `code` on the data and the store of `root`; what it says goes to stderr.

    A recipe that the sources don't know, or a revision that can't run at all, is a side with its reason.
    """
    missing = [name for name in recipes if code.recipes and not (code.recipes / f"{name}.yaml").is_file()]
    sides = dict.fromkeys(missing, NO_SUCH_RECIPE)
    if there := [name for name in recipes if name not in missing]:
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch) / "trial.json"
            status, said = _run(code, root, ["trial", *there, *options, "--output", str(output)])
            sides |= _read(output, code) or dict.fromkeys(there, Side(error=said, status=status or 1))
    return sides


def _run(code: Code, root: Path, arguments: list[str]) -> tuple[int, str]:
    """The exit status of the code's command line, and the last lines that it said."""
    paths = [*map(str, code.paths), os.environ.get("PYTHONPATH", "")]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        ROOT: str(root),
        SOURCES: str(code.sources),
    }
    command = [sys.executable, "-P", "-m", "genfoundry_flows.cli", *arguments]
    said: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        command, cwd=root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        try:
            for line in child.stderr:
                click.echo(line, nl=False, err=True)
                said.append(line)
        except BaseException:  # a signal; the child saves what it trains, and ends before its sources go
            child.terminate()
            child.wait()
            raise
    return child.returncode, "".join(said) or f"It ended with status {child.returncode} and said nothing."


def _read(output: Path, code: Code) -> dict[str, Side]:
    if not output.exists():
        return {}
    document = json.loads(output.read_text(encoding="utf-8"))
    home = Path(document["package"])
    if home.resolve() != code.package.resolve():
        raise RuntimeError(f"the genfoundry of {code.package} was to run, and that of {home} did")
    return {name: _side(entry) for name, entry in document["recipes"].items()}


def _side(entry: dict) -> Side:
    if "evaluation" not in entry:
        return Side(error=entry["error"], status=entry["status"])
    return Side(Evaluation.model_validate(entry["evaluation"]))
