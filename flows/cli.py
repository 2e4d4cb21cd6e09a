"""The console script `genfoundry`."""

from __future__ import annotations

import copy
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from genfoundry import __version__

from .commands.champions import judge_champions
from .commands.check import check
from .commands.ci import ci
from .commands.data import data
from .commands.doctor import doctor, reconcile
from .commands.forget import forget
from .commands.generate import generate
from .commands.init import init
from .commands.merging import merge_driver
from .commands.models import models
from .commands.new import new
from .commands.pipes import CLOSED, flushed, readers_may_leave, silence_closed
from .commands.publish import publish
from .commands.registry import registry
from .commands.report import report
from .commands.run import run
from .commands.servers import down, status, up
from .commands.trial import trial
from .commands.watch import watch

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """The commands, each of which ends quietly where whoever reads its output has gone."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with readers_may_leave():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with readers_may_leave():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="genfoundry")
@click.option("--project", metavar="DIR", help="The project's folder; by default the nearest here or above.")
def cli(project: str | None) -> None:
    """A continuous-training factory for generative models.

    Versioned data in; judged, registered, reproducible models out.

    \b
    genfoundry run dcgan             train, judge and register one recipe
    genfoundry run --default         the default fleet, side by side
    genfoundry data add DIR --name x bring your own images or series
    genfoundry registry list         what is registered, and which is champion

    Completion for bash: eval "$(_GENFOUNDRY_COMPLETE=bash_source genfoundry)"   (zsh_source, fish_source)
    """


def placed(command: click.Command) -> click.Command:
    """The command, which looks before it works where it is: in a project, and by the project's own code."""
    made = copy.copy(command)
    if isinstance(made, click.Group):
        made.commands = {name: placed(each) for name, each in made.commands.items()}
    elif made.callback:
        made.callback = _looking(made.callback, anywhere=command in ANYWHERE)
    return made


def _looking(work: Callable[..., Any], *, anywhere: bool) -> Callable[..., Any]:
    @functools.wraps(work)
    def look_and_work(*args: Any, **kwargs: Any) -> Any:
        from genfoundry.project.root import NoProject

        from .commands.checkout import ensure_own_code

        try:
            ensure_own_code()
        except NoProject:
            if not anywhere:
                raise
        return work(*args, **kwargs)

    return look_and_work


ANYWHERE = (models, init, merge_driver)
WORK, ROUND = (
    (run, trial, ci, watch, data, models, new, check, generate),
    (registry, report, doctor, reconcile, publish, forget),
)
for command in (init, *WORK, judge_champions, *ROUND, up, down, status):
    cli.add_command(placed(command))


def main() -> None:
    """Run the command line; a user's mistake is a sentence and an exit status, never a traceback."""
    try:
        status = _status()
    except BrokenPipeError:  # while the error was told
        if not silence_closed():
            raise
        status = CLOSED
    sys.exit(flushed(status))


def _status() -> int:
    from genfoundry.errors import UserError

    from .runs.credentials import explained
    from .servers.environment import prepare

    try:
        _look_in_project()
        prepare()
        with explained():
            return cli(standalone_mode=False) or 0  # a command's exit status is returned, not raised
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UserError as error:
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {error}", err=True)
        if os.environ.get("GENFOUNDRY_DEBUG"):
            raise
        return error.exit_code


def _look_in_project() -> None:
    """Let the folder that `--project` names be the project, of this process and all that it starts.

    It is read before anything else, for where the state and the servers are depends on it.
    """
    from genfoundry.errors import UserError
    from genfoundry.project.root import ROOT

    with cli.make_context("genfoundry", sys.argv[1:], resilient_parsing=True) as context:
        given = context.params["project"]
    if given is None:
        return
    folder = Path(given).expanduser().resolve()
    if not folder.is_dir():
        raise UserError(
            f"--project is {folder}, which is {'no folder' if folder.exists() else 'not there'}.",
            expected="the folder of a project; a mistyped one is never made",
        )
    os.environ[ROOT] = str(folder)


if __name__ == "__main__":
    main()
