"""`genfoundry forget`, and `genfoundry data remove`."""

from __future__ import annotations

import click


@click.command()
@click.option("--trainings", "chosen", flag_value="trainings", multiple=True, help="Jobs: snapshots, weights, logs.")
@click.option("--reports", "chosen", flag_value="reports", multiple=True, help="Pages of reports and reviews.")
@click.option("--data-cache", "chosen", flag_value="data-cache", multiple=True, help="Copies and what was computed.")
@click.option("--quarantine", "chosen", flag_value="quarantine", multiple=True, help="Lists of bad files.")
@click.option("--environments", "chosen", flag_value="environments", multiple=True, help="Older releases, for ci.")
@click.option("--everything", is_flag=True, help="All of these; never the registry, nor data/.")
@click.option("--ledger", metavar="NAME", help="What this machine saw of a registered model that was deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(chosen: tuple[str, ...], everything: bool, ledger: str | None, yes: bool) -> None:
    """Delete what .genfoundry/ keeps and the project can do without; without an option, only say how much that is.

    The registry stays: its database, its artifacts, its ledgers. So do data/ and what DVC keeps.
    """
    from genfoundry.files import megabytes
    from genfoundry.stages import forget as stage

    if ledger:
        _ask(f"Forget what this machine saw of the ledger of '{ledger}'? It is set aside, not deleted.", yes)
        click.echo(f"set aside: {stage.forget_ledger(ledger)}")
        return
    held = stage.holdings(tuple(stage.PARTS) if everything or not chosen else tuple(dict.fromkeys(chosen)))
    for each in held:
        click.echo(f"{each.part:<14} {megabytes(each.bytes):>13}   comes back {each.back}")
    if not held:
        click.echo("nothing is kept")
    elif not chosen and not everything:
        click.echo("Next: genfoundry forget --trainings (or another part, or --everything)")
    else:
        _ask(f"Delete {megabytes(sum(each.bytes for each in held))}?", yes)
        stage.forget(held)


@click.command()
@click.argument("name")
@click.option("--withdrawn", default="", metavar="REASON", help="Why the data may not be used any more, by anybody.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, withdrawn: str, yes: bool) -> None:
    """Take the dataset NAME out of data/ and data.dvc. What was trained on it stays registered, and is named.

    With --withdrawn its digests are refused from now on, and the versions trained on it carry the reason.
    """
    from genfoundry.files import megabytes
    from genfoundry.stages import remove as stage

    found = stage.plan(name)
    click.echo(f"{name}: {found.what}; {megabytes(found.bytes)}; version {', '.join(found.digests) or 'unknown'}")
    for model, version in found.trained:
        click.echo(f"  trained on it: {model} version {version} (stays)")
    click.echo(f"  comes back: {'not to be used again' if withdrawn else found.back}")
    _ask(f"Remove '{name}'?", yes)
    for sentence in stage.remove_dataset(found, withdrawn):
        click.echo(sentence)


def _ask(question: str, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True)
