"""Two revisions of the checkout: what differs between them, and the older one's code, run beside the newer one's."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import yaml

from genfoundry.errors import UserError
from genfoundry.identity import PACKAGE
from genfoundry.project.root import project_root
from genfoundry.records import Evaluation
from genfoundry.review.compare import Side

from ..commands.checkout import SOURCES

LAST_LINES = 12  # of what a side said, where it ended without a result


class Revisions(NamedTuple):
    """A checkout with its present commit, and where its history left the branch that it is compared with."""

    checkout: Path
    head: str
    base: str
    uncommitted: bool


def revisions(against: str) -> Revisions:
    """The present checkout beside `against`, a branch, tag or commit.

    Raises:
        UserError: not a git checkout, or not the one whose genfoundry runs; no such revision; no common history.
    """
    root = project_root()
    try:
        checkout = Path(git(root, "rev-parse", "--show-toplevel")).resolve()
    except UserError as error:
        raise UserError(
            f"{root} is not a git checkout, so there is no change to review ({error.found})",
            remedy="run genfoundry ci in a clone of your repository",
        ) from None
    if not PACKAGE.resolve().is_relative_to(checkout):
        raise UserError(
            f"This genfoundry is installed in {PACKAGE}, outside the checkout {checkout}.",
            expected="the checkout's own code, which is what the change is in",
            remedy=f"cd {shlex.quote(str(checkout))} && make install && .venv/bin/genfoundry ci",
        )
    head = git(checkout, "rev-parse", "HEAD")
    return Revisions(checkout, head, _merge_base(checkout, against), bool(git(checkout, "status", "--porcelain")))


def _merge_base(checkout: Path, against: str) -> str:
    try:
        git(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{against}^{{commit}}")
    except UserError:
        raise UserError(
            f"There is no revision '{against}' in {checkout}.",
            expected="a branch, tag or commit, as in --base origin/main",
            remedy="git fetch origin",
        ) from None
    try:
        return git(checkout, "merge-base", "--end-of-options", against, "HEAD")
    except UserError:
        raise UserError(
            f"'{against}' and HEAD have no common history in {checkout}.",
            remedy="fetch it whole: git fetch --unshallow (in a workflow: fetch-depth: 0)",
        ) from None


def git(checkout: Path, *arguments: str) -> str:
    """What git says.

    Raises:
        UserError: it refuses, or is not installed; holds its own words.
    """
    try:
        done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError("git is not installed.", remedy="install git") from None
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout.strip()


def changed_files(found: Revisions) -> frozenset[Path]:
    """Files that differ between the base and the working tree, by absolute path; new and removed ones too."""
    tracked = git(found.checkout, "diff", "--name-only", "--no-renames", "-z", found.base)
    new = git(found.checkout, "ls-files", "--others", "--exclude-standard", "--full-name", "-z")
    return frozenset(found.checkout / name for name in f"{tracked}\0{new}".split("\0") if name)


def recorded_data(found: Revisions) -> dict[str, str]:
    """The digest of each dataset that the base's `data.dvc` records; none where it has no such file."""
    try:
        document = yaml.safe_load(git(found.checkout, "show", f"{found.base}:data.dvc"))
        datasets = document["meta"]["datasets"]
    except (UserError, yaml.YAMLError, KeyError, TypeError):
        return {}
    return {str(name): str(digest) for name, digest in datasets.items()} if isinstance(datasets, dict) else {}


@contextmanager
def checked_out(found: Revisions) -> Iterator[Path]:
    """The base's files, in a worktree that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="genfoundry-base-") as scratch:
        tree = Path(scratch) / "base"
        git(found.checkout, "worktree", "add", "--detach", str(tree), found.base)
        try:
            yield tree
        finally:
            git(found.checkout, "worktree", "remove", "--force", str(tree))


def tried(code: Path, root: Path, recipes: Sequence[str], options: Sequence[str]) -> dict[str, Side]:
    """Run `genfoundry trial` of the sources in `code` on the data and the store of `root`; what it says goes to stderr.

    A recipe that the sources don't know, or a revision that can't run at all, is a side with its reason.
    """
    missing = [name for name in recipes if not (code / "flows" / "recipes" / f"{name}.yaml").is_file()]
    sides = dict.fromkeys(missing, Side(error="This revision has no such recipe.", status=2))
    if there := [name for name in recipes if name not in missing]:
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch) / "trial.json"
            status, said = _run(code, root, ["trial", *there, *options, "--output", str(output)])
            sides |= _read(output, code) or dict.fromkeys(there, Side(error=said, status=status or 1))
    return sides


def _run(code: Path, root: Path, arguments: list[str]) -> tuple[int, str]:
    """The exit status of the sources' command line, and the last lines that it said."""
    with tempfile.TemporaryDirectory() as packages:
        Path(packages, "genfoundry_flows").symlink_to(code / "flows", target_is_directory=True)
        paths = [packages, str(code / "src"), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GENFOUNDRY_ROOT": str(root),
            SOURCES: str(code),
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


def _read(output: Path, code: Path) -> dict[str, Side]:
    if not output.exists():
        return {}
    document = json.loads(output.read_text(encoding="utf-8"))
    home = Path(document["package"])
    if home.resolve() != (code / "src" / "genfoundry").resolve():
        raise RuntimeError(f"the sources of {code} were to run, and those of {home} did")
    return {name: _side(entry) for name, entry in document["recipes"].items()}


def _side(entry: dict) -> Side:
    if "evaluation" not in entry:
        return Side(error=entry["error"], status=entry["status"])
    return Side(Evaluation.model_validate(entry["evaluation"]))
