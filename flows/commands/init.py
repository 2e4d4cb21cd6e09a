"""`genfoundry init`."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command()
@click.option("--slug", default="", help="Begins each registered name; by default the folder's name, made fit.")
@click.option("--package", default="", help="Your own package's name; by default the slug's, made fit.")
@click.option("--ci", type=click.Choice(["github", "gitlab"]), multiple=True, help="A workflow of genfoundry ci, too.")
@click.option("--docker", is_flag=True, help="A compose file of the published image, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def init(slug: str, package: str, ci: tuple[str, ...], docker: bool, dry_run: bool) -> None:
    """Begin a project in this folder, empty or not.

    Writes what is not there, names it, and replaces nothing: the project's mark, an own package, a recipe, lines for
    git, DVC with a remote beside. Twice is the same as once.
    """
    from genfoundry.project.root import ROOT, standing_root

    from ..begin import apply, plan
    from ..begin.steps import EXAMPLE
    from .merging import set_up_merging

    root = standing_root() if os.environ.get(ROOT) else Path.cwd().resolve()
    changes = plan(root, slug=slug, package=package, ci=ci, docker=docker)
    if not dry_run:
        apply(changes)
    for change in changes:
        word = "left" if change.content is None else "added to" if change.added else "wrote"
        word = f"would have {word}".replace("wrote", "written") if dry_run and change.content is not None else word
        click.echo(f"{word:<9} {os.path.relpath(change.path, root)}{f'   ({change.why})' if change.why else ''}")
    for sentence in set_up_merging(root, dry=dry_run):
        click.echo(f"{'would set' if dry_run else 'set'} {sentence}")
    if not dry_run:
        written = [each.path.stem for each in changes if each.content is not None and each.path.suffix == ".yaml"]
        run = EXAMPLE if EXAMPLE in written else "RECIPE"
        click.echo(f"{root} is a project.   genfoundry run {run} trains, genfoundry up does so at night")
