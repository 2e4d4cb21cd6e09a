"""`genfoundry data merge`, and the merge driver by which git asks for it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

DRIVER = "genfoundry-data"
LINE = f"data.dvc merge={DRIVER}\n"


def set_up_merging(root: Path, *, dry: bool = False) -> list[str]:
    """Let git merge a project's `data.dvc` by genfoundry: a line in `.gitattributes`, which the team shares, and a
    setting of this clone.

    Returns:
        what was written, a sentence each; nothing where all is there, or outside a checkout.
    """
    said, attributes = [], root / ".gitattributes"
    if _git(root, "rev-parse", "--is-inside-work-tree") != "true":
        return said
    there = attributes.read_text(encoding="utf-8") if attributes.is_file() else ""
    if LINE.strip() not in there.splitlines():
        said.append(f"{attributes}: data.dvc is merged by name (commit it)")
        if not dry:
            gap = "" if not there or there.endswith("\n") else "\n"
            attributes.write_text(f"{there}{gap}{LINE}", encoding="utf-8")
    python = shlex.quote(sys.executable)
    driver = f"{python} -P -m genfoundry_flows.cli data merge-driver %O %A %B %P || git merge-file %A %O %B"
    if _git(root, "config", "--local", f"merge.{DRIVER}.driver") != driver:
        said.append("git config: this clone merges data.dvc by genfoundry")
        if not dry:
            _git(root, "config", "--local", f"merge.{DRIVER}.name", "datasets of data.dvc, by name")
            _git(root, "config", "--local", f"merge.{DRIVER}.driver", driver)
    return said


def _git(root: Path, *arguments: str) -> str:
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


@click.command("merge-driver", hidden=True)
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
def merge_driver(base: Path, ours: Path, theirs: Path, path: Path) -> None:
    """Merge three versions of data.dvc into OURS, as git's merge drivers do. PATH is its own, in the checkout."""
    from genfoundry.data.versions import merging
    from genfoundry.files import write_atomic
    from genfoundry.project.root import ROOT

    os.environ[ROOT] = str(path.absolute().parent)
    texts = (each.read_text(encoding="utf-8") for each in (base, ours, theirs))
    merged = merging.merge(merging.Versions(*texts))
    write_atomic(ours, merged.text)
    if merged.sentence:
        click.echo(merged.sentence, err=True)


@click.command("merge")
@click.option("--ours", multiple=True, metavar="NAME", help="Take this side's version of a dataset.")
@click.option("--theirs", multiple=True, metavar="NAME", help="Take the other side's.")
def merge(ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    """Finish a merge of data.dvc that git could not: what either side added, changed or removed, is.

    A dataset that both sides changed is taken from the side that --ours or --theirs names.
    """
    from genfoundry.data.versions import dvc, merging
    from genfoundry.files import write_atomic
    from genfoundry.project.root import project_root

    taken: dict[str, merging.Side] = {**dict.fromkeys(ours, "ours"), **dict.fromkeys(theirs, "theirs")}
    merged = merging.merge(merging.standing(), taken)
    write_atomic(dvc.data_file(), merged.text)
    click.echo(f"data.dvc: {', '.join(dvc.recorded()) or 'no dataset'}")
    for sentence in (merged.sentence, *set_up_merging(project_root())):
        if sentence:
            click.echo(sentence)
    click.echo("Next: git add data.dvc && git commit")
