"""Two revisions of a repository: genfoundry's own, or one that holds a project of somebody's; and what differs."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

from genfoundry.errors import UserError
from genfoundry.identity import PACKAGE
from genfoundry.project.markers import is_marked
from genfoundry.project.root import project_root


class Revisions(NamedTuple):
    """A checkout, the project in it, its present commit, and where its history left the branch that it is compared
    with."""

    checkout: Path
    project: Path
    head: str
    base: str
    uncommitted: bool

    @property
    def ours(self) -> bool:
        """Whether the checkout holds the genfoundry that runs, so that the change may be in its code."""
        return PACKAGE.resolve().is_relative_to(self.checkout)

    @property
    def below(self) -> Path:
        """The project's folder in the checkout: `.`, or a subfolder of a larger repository."""
        return self.project.relative_to(self.checkout)


def revisions(against: str) -> Revisions:
    """The present checkout beside `against`, a branch, tag or commit.

    Raises:
        UserError: not a git checkout, or one that holds neither a project with a mark nor the genfoundry that runs; no
            such revision; no common history.
    """
    root = project_root().resolve()
    try:
        checkout = Path(git(root, "rev-parse", "--show-toplevel")).resolve()
    except UserError as error:
        raise UserError(
            f"{root} is not a git checkout, so there is no change to review ({error.found})",
            remedy="run genfoundry ci in a clone of your repository",
        ) from None
    if not PACKAGE.resolve().is_relative_to(checkout) and not is_marked(root):
        raise UserError(
            f"{root} is no project with a mark, and this genfoundry is installed in {PACKAGE}, outside the checkout.",
            expected="recipes and entries of your own, which are what a change here would be in",
            remedy=f"cd {shlex.quote(str(root))} && genfoundry init",
        )
    head = git(checkout, "rev-parse", "HEAD")
    changed = bool(git(checkout, "status", "--porcelain"))
    return Revisions(checkout, root, head, _merge_base(checkout, against), changed)


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
        document = yaml.safe_load(text_at_base(found, "data.dvc"))
        datasets = document["meta"]["datasets"]
    except (UserError, yaml.YAMLError, KeyError, TypeError):
        return {}
    return {str(name): str(digest) for name, digest in datasets.items()} if isinstance(datasets, dict) else {}


def text_at_base(found: Revisions, name: str) -> str:
    """A file of the project's folder, or `../NAME` of one above it in the checkout, as the base has it.

    Raises:
        UserError: the base has no such file.
    """
    return git(found.project, "show", f"{found.base}:./{name}")


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
