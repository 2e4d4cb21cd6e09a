"""The options of `genfoundry data add` that follow from the kinds of data, told kind by kind."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

if TYPE_CHECKING:
    from genfoundry.stages.intake_options import IntakeOption


class AddCommand(click.Command):
    """A command that has the options of all kinds beside its own; they are read when they are asked for. Help imports
    the shipped kinds alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[HELP] = asks_for_help(ctx, args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        shipped = ctx.meta.get(HELP, True)
        return [*super().get_params(ctx), *(option for options in _by_kind(shipped).values() for option in options)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, options in {"Options": super().get_params(ctx), **_by_kind(shipped=True)}.items():
            shown = (option.get_help_record(ctx) for option in options if isinstance(option, click.Option))
            rows = [record for record in shown if record]
            with formatter.section(title):
                formatter.write_dl(rows)


HELP = "genfoundry.help"
"""Where a context keeps whether help was asked for, or a completion: nothing of a project is imported for these."""


def asks_for_help(ctx: click.Context, args: list[str]) -> bool:
    return ctx.resilient_parsing or any(arg in ctx.help_option_names for arg in args)


@cache
def _by_kind(shipped: bool) -> dict[str, list[click.Parameter]]:
    """The kinds' options, below the kinds that have them."""
    from genfoundry.stages.intake_options import intake_options

    found: dict[str, list[click.Parameter]] = {}
    for option in intake_options(shipped=shipped):
        found.setdefault(option.whose.capitalize(), []).append(_as_click(option))
    return found


def _as_click(option: IntakeOption) -> click.Option:
    help_text = f"{option.description[0].upper()}{option.description[1:]}."
    if option.annotation is bool:
        return click.Option([option.flag], is_flag=True, help=help_text)
    multiple = isinstance(option.default, tuple)
    takes = next(each for each in (*get_args(option.annotation), option.annotation) if each is not type(None))
    kind = click.Path(path_type=Path) if takes is Path else takes
    return click.Option([option.flag], type=kind, multiple=multiple, help=help_text)
