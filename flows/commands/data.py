"""`genfoundry data …`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .forget import remove
from .intake_options import AddCommand
from .merging import merge, merge_driver

SHOWN = 30  # classes that are listed

if TYPE_CHECKING:
    from genfoundry.records import Spec, ValidatedDataset
    from genfoundry.report import ValidationFound

    from ..intake import TakenIn


def _datasets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from genfoundry import catalog

    return [name for name in catalog.names("datasets") if name.startswith(incomplete)]


@click.group()
def data() -> None:
    """Datasets: list, build, add your own, validate."""


data.add_command(merge)
data.add_command(merge_driver)
data.add_command(remove)


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(as_json: bool) -> None:
    """List the datasets of the catalogue and your own."""
    from genfoundry.stages.ingest import status

    _print(status(), ("name", "kind", "state", "counts", "title"), as_json)


@data.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def status(as_json: bool) -> None:
    """Hold every dataset against its card and against data.dvc. Exits with 1 where one differs."""
    from genfoundry.stages import ingest

    rows = ingest.status()
    _print(rows, ("name", "state", "digest", "bytes", "problem"), as_json)
    if any(row["state"] in ("changed", "missing") for row in rows):
        raise click.exceptions.Exit(1)


@data.command()
@click.argument("names", nargs=-1, shell_complete=_datasets)
@click.option("--force", is_flag=True, help="Build again what is there, and record what came of it.")
def build(names: tuple[str, ...], force: bool) -> None:
    """Build NAMES of the catalogue, by default every dataset that the installed packages carry."""
    from genfoundry.stages import ingest

    for version in ingest.build_all(list(names) or None, force=force):
        click.echo(f"{version.name:<16} {version.digest}")


def _kinds(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from genfoundry import catalog

    return [name for name in catalog.names("kinds") if name.startswith(incomplete)]


@data.command(cls=AddCommand)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What to call it.")
@click.option("--kind", default="", shell_complete=_kinds, help="Of the data, where PATH does not tell.")
@click.option("--licence", default="not stated", show_default=True, help="Under which terms it may be used.")
@click.option("--consent", default="not stated", show_default=True, help="Why the data may be used.")
@click.option("--title", default="", help="One line for the report.")
@click.option("--max-bad-fraction", type=float, default=0.01, show_default=True, help="Above it nothing is taken.")
@click.option("--force", is_flag=True, help="Replace what DVC keeps no copy of; make anew what can't go on.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def add(path: Path, name: str, as_json: bool, **options) -> None:
    """Take in PATH: a folder of images (flat, or one folder per class), or a CSV or Parquet file of series (long form:
    unique_id, ds, y) or of a table (any other columns). With --paired each image of PATH, a target, has a source of the
    same name in another folder.

    Folders named train, test and val are taken as the split that they give; else an image is test by a hash of its
    pixels. Added over a set of that name, every image keeps its side and every class its number.

    Your files are never changed."""
    intake, warnings = _taken(path, name, as_json, options)
    if as_json:
        click.echo(json.dumps({**intake.model_dump(mode="json"), "warnings": warnings}, indent=1))
        return
    click.echo(f"{name}: " + ", ".join(f"{number:,} {word}" for word, number in intake.counts.items()))
    for step, sentence in intake.policy.items():
        click.echo(f"  {step}: {sentence}")
    if intake.change:
        click.echo(f"  since the version before: {intake.change}")
    _print_classes(intake.classes)
    for sentence in warnings:
        click.echo(f"  {click.style('⚠', fg='yellow')} {sentence}")
    for item in intake.quarantined[:10]:
        click.echo(f"  quarantined {item.path}: {item.reason}, {item.sentence}")
    if len(intake.quarantined) > 10:
        click.echo(f"  … and {len(intake.quarantined) - 10} more in .genfoundry/quarantine/{name}/quarantine.json")
    click.echo(f"  {intake.kept}")
    click.echo(f"\nNext: genfoundry run {_recipe(intake.version.spec)} --data {name}")


def _taken(path: Path, name: str, quiet: bool, options: dict) -> TakenIn:
    """Take the files in, with a bar on a terminal."""
    import sys

    from rich.console import Console
    from rich.progress import Progress

    from ..intake import take_in
    from ..progress import moves_cursor

    shown = not quiet and moves_cursor(sys.stderr)
    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as bars:
        bar = bars.add_task("reading", total=None)
        return take_in(
            path, name, progress=lambda done, total: bars.update(bar, completed=done, total=total), **options
        )


def _print_classes(classes: dict[str, dict[str, int]]) -> None:
    """The number, name and counts of each class, up to SHOWN of them."""
    if classes:
        click.echo(f"  {len(classes)} {'class' if len(classes) == 1 else 'classes'}:")
    for number, (name, counts) in enumerate(list(classes.items())[:SHOWN]):
        click.echo(f"    {number:>3} {name}: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))
    if len(classes) > SHOWN:
        click.echo(f"    … and {len(classes) - SHOWN} more (--json lists all)")


def _recipe(spec: Spec) -> str:
    """A recipe that learns from such data, and what must be set of it: the first that has its family's name."""
    from genfoundry import catalog, kind

    from .. import recipes

    task, settings = kind.of(spec).spec.first_training(spec)
    families = {*catalog.names("models")}
    for name in (each for each in (*recipes.DEFAULT, *recipes.names()) if each in families):
        says = catalog.describe("models", name).attributes
        if (says.get("kind"), says.get("task")) == (spec.kind, task):
            return " ".join([name, *(f"--set {key}={value}" for key, value in settings.items())])
    return "RECIPE"


@data.command()
@click.argument("name", shell_complete=_datasets)
@click.option("--max-bad-fraction", type=float, default=0.01, show_default=True, help="Share of bad rows tolerated.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def validate(name: str, max_bad_fraction: float, as_json: bool) -> None:
    """Hold the dataset NAME against its card with Great Expectations. Exits with 2 if a critical check failed."""
    from genfoundry.data.policy import Validation
    from genfoundry.stages.fetch import fetch_dataset
    from genfoundry.stages.validate import InvalidData, validate_dataset

    try:
        judged = validate_dataset(fetch_dataset(name), Validation(max_bad_fraction=max_bad_fraction))
    except InvalidData as error:
        _print_checks(error.judged, as_json)
        raise
    _print_checks(judged, as_json)


def _print_checks(judged: ValidationFound | ValidatedDataset, as_json: bool) -> None:
    if as_json:
        click.echo(judged.model_dump_json(indent=1))
        return
    failed = {"warning": click.style("⚠", fg="yellow"), "critical": click.style("✗", fg="red")}
    for check in judged.checks:
        click.echo(f"{click.style('✓', fg='green') if check.passed else failed[check.severity]} {check.sentence}")


def _print(rows: list[dict], columns: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        counts = ", ".join(f"{number:,} {split}" for split, number in row["counts"].items())
        table.add_row(*(counts if name == "counts" else str(row[name]) for name in columns))
    Console().print(table)
