"""`genfoundry generate`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("model", metavar="NAME[@ALIAS|/VERSION]")
@click.option("-n", "number", type=click.IntRange(1, 99_999), help="Images (64), or futures behind a forecast (200).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--class", "label", help="Of which class, by name, else by number (default: each in turn).")
@click.option("--input", "image", type=click.Path(path_type=Path), help="An image to enlarge, or to complete.")
@click.option("--until", help="The last moment that is known, in the data's zone (default: each last value).")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A new or empty folder.")
@click.option(
    "--force", is_flag=True, help="Write into a folder that holds files; those of the same name are replaced."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def generate(model: str, output: Path, force: bool, as_json: bool, **wishes) -> None:
    """Write what a registered model makes: its champion, else its newest version.

    Images become PNG files with a contact sheet; a forecast becomes forecast.csv, and begins one step after the last
    value of each series, in the zone that the data came in. An --input is enlarged by a
    super-resolution model; a model that completes draws what is transparent in it, or its lower half. Each file says
    that it was generated, by which version, from which data.
    """
    from genfoundry.stages.generate import Wishes, generate_samples

    made = generate_samples(model, output, Wishes(**wishes), force=force)
    if as_json:
        told = {"files": [str(file) for file in made.files], "notes": made.notes}
        click.echo(json.dumps({**told, "provenance": made.provenance.words}, indent=1))
        return
    for note in made.notes:
        click.echo(note, err=True)
    *many, last = made.files
    source = f"{made.provenance.model} version {made.provenance.version}"
    source += f", {made.provenance.given}" if made.provenance.given else ""
    reach = f"{many[0]} … {many[-1].name}" if len(many) > 1 else (many or [last])[0]
    click.echo(f"{reach}   {source}")
    if many:
        click.echo(last)
