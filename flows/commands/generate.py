"""`genfoundry generate`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .intake_options import HELP, asks_for_help
from .options import option

if TYPE_CHECKING:
    from genfoundry.task import Generated, Wishes


class Asking(click.Command):
    """A command that has an option for each field of the wishes of every task, read when they are asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[HELP] = asks_for_help(ctx, args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        argument, *own = super().get_params(ctx)
        return [argument, *_options(shipped=ctx.meta.get(HELP, True)), *own]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own text, and between the first line and the rest what each task says of its wishes."""
        first, _, rest = (self.help or "").partition("\n\n")
        told = " ".join(getdoc(form) or "" for form in _forms(shipped=True))
        whole = click.Command(None, help=f"{first}\n\n{told} {rest.strip()}")
        whole.format_help_text(ctx, formatter)


def _forms(*, shipped: bool) -> list[type[Wishes]]:
    """What may be asked of each task that makes something, or of the shipped ones alone, so that nothing of a project
    is imported; the longest come first. A task whose forms are broken is told of once, and left out."""
    from genfoundry import catalog, task
    from genfoundry.errors import UserError
    from genfoundry.project import places, sources

    known, found = catalog.places("tasks"), []
    for each in task.every():
        if each.makes and (not shipped or known[each.name].origin == places.SHIPPED):
            try:
                found.append(each.wishes)
            except UserError as error:
                sources.tell_once(str(error))
    return sorted(found, key=lambda form: -len(form.model_fields))


def _options(*, shipped: bool) -> Iterator[click.Option]:
    """An option for each name of a field."""
    from genfoundry import task

    forms = _forms(shipped=shipped)
    names = dict.fromkeys(name for form in forms for name in form.model_fields)
    for name in sorted(names, key=lambda name: name != "number"):
        able = [form for form in forms if name in form.model_fields]
        yield option(name, task.options(able[0])[name].flag, [form.model_fields[name] for form in able])


@click.command(cls=Asking)
@click.argument("model", metavar="NAME[@ALIAS|/VERSION]")
@click.argument("more", nargs=-1, metavar="")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A new or empty folder.")
@click.option(
    "--force", is_flag=True, help="Write into a folder that holds files; those of the same name are replaced."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def generate(
    context: click.Context, model: str, more: tuple[str, ...], output: Path, force: bool, as_json: bool, **wishes: Any
) -> None:
    """Write what a registered model makes: its champion, else its newest version.

    Each file says that it was generated, by which version, from which data.
    """
    from genfoundry.stages.generate import generate_samples

    if more:
        right = f"{model}{'/' if more[0].isdecimal() else '@'}{more[0]}"
        raise click.UsageError(f"One word names a model and its version or alias: genfoundry generate {right} …")
    given = {name: value for name, value in wishes.items() if _is_given(context, name)}
    _print(generate_samples(model, output, given, force=force), as_json)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def _print(made: Generated, as_json: bool) -> None:
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
