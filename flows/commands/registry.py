"""`genfoundry registry …`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genfoundry.stages.generate import Reference

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


def _own(context: click.Context, parameter: click.Parameter, written: str) -> str:
    """The model's whole name, where somebody left the project's slug out."""
    from genfoundry import tracking

    return tracking.own_name(written)


MODEL = click.argument("name", callback=_own)
REFERENCE = click.argument("named", metavar="NAME[@ALIAS|/VERSION]", callback=lambda *given: _parted(given[2]))


def _parted(written: str) -> Reference:
    from genfoundry.stages.generate import parted

    return parted(written)


@click.group()
def registry() -> None:
    """Registered models: list, show, compare, promote, roll back."""


@registry.command("list")
@AS_JSON
def list_(as_json: bool) -> None:
    """List the registered models and their champions."""
    from genfoundry import tracking

    rows = []
    for model in tracking.list_models():
        at = model.champion or model.challenger or model.versions
        tags = tracking.get_version(model.name, at).tags if at else {}
        rows.append({**model._asdict(), "dataset": tags.get("dataset", ""), "score": tags.get("primary", "")})
    _table(rows, ("name", "versions", "champion", "challenger", "dataset", "score"), as_json)


@registry.command()
@REFERENCE
@click.argument("version", required=False, metavar="")
@AS_JSON
def show(named: Reference, version: str | None, as_json: bool) -> None:
    """Show the versions of NAME; with an alias or a version, that one whole."""
    from genfoundry import tracking

    name, version = named.name, named.alias or named.version or version
    if version:
        found = tracking.get_version(name, version)
        click.echo(json.dumps(found._asdict(), indent=1) if as_json else found.description)
        return
    rows = [
        {
            "version": info.version,
            "outcome": info.tags.get("outcome", info.decision),
            "aliases": ", ".join(info.aliases),
            "score": info.tags.get("primary", ""),
            "dataset": info.tags.get("dataset", ""),
            "run": info.run_id,
        }
        for info in tracking.list_versions(name)
    ]
    _table(rows, ("version", "outcome", "aliases", "score", "dataset", "run"), as_json)
    if not as_json:
        click.echo(f"\n{tracking.model_description(name)}")


@registry.command()
@MODEL
@click.argument("first")
@click.argument("second")
@AS_JSON
def compare(name: str, first: str, second: str, as_json: bool) -> None:
    """Compare two versions of NAME, score by score; only scores of one protocol stand side by side."""
    from genfoundry import tracking

    rows = [
        {
            "score": row.name,
            first: f"{row.first.value:.4g} [{row.first.low:.4g}, {row.first.high:.4g}]",
            second: f"{row.second.value:.4g} [{row.second.low:.4g}, {row.second.high:.4g}]",
            "better": str(row.better or "within the intervals"),
        }
        for row in tracking.compare_versions(name, first, second)
    ]
    _table(rows, ("score", first, second, "better"), as_json)


@registry.command()
@REFERENCE
@click.argument("version", required=False, metavar="")
@click.option("--reason", default="", help="Why, for the ledger.")
@click.option("--force", is_flag=True, help="Although the gate said REJECT; needs --reason.")
def promote(named: Reference, version: str | None, reason: str, force: bool) -> None:
    """Make a version of NAME its champion by hand."""
    from genfoundry import tracking
    from genfoundry.stages.register import show_model

    name, version = named.name, named.alias or named.version or version
    if not version:
        raise click.UsageError(f"Which version? genfoundry registry promote {name}@challenger, or {name}/VERSION")
    now = tracking.promote(name, version, force=force, reason=reason)
    show_model(name)
    click.echo(f"{name} champion is now version {now}")


@registry.command()
@MODEL
@click.option("--to", help="Version to go back to (default: the champion before).")
@click.option("--reason", default="", help="Why, for the ledger.")
def rollback(name: str, to: str | None, reason: str) -> None:
    """Put NAME's previous champion back, after loading it."""
    from genfoundry import tracking
    from genfoundry.stages.register import show_model

    now = tracking.rollback(name, to, reason=reason)
    show_model(name)
    click.echo(f"{name} champion is now version {now}")


@registry.command()
@MODEL
@AS_JSON
def history(name: str, as_json: bool) -> None:
    """Show every move of NAME's aliases, from the ledger."""
    from genfoundry import tracking

    rows = [move.model_dump(mode="json") for move in tracking.history(name)]
    _table(rows, ("number", "at", "action", "alias", "previous", "version", "reason"), as_json)


def _table(rows: Iterable[dict], columns: tuple[str, ...], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    Console().print(table)
