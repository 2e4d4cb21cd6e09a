"""The console script `genfoundry`."""

from __future__ import annotations

import os
import signal
import sys

import click

from genfoundry import __version__

from .commands.champions import judge_champions
from .commands.ci import ci
from .commands.data import data
from .commands.doctor import doctor, reconcile
from .commands.generate import generate
from .commands.models import models
from .commands.publish import publish
from .commands.registry import registry
from .commands.report import report
from .commands.run import run
from .commands.servers import down, status, up
from .commands.trial import trial
from .commands.watch import watch

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="genfoundry")
def cli() -> None:
    """A continuous-training factory for generative models.

    Versioned data in; judged, registered, reproducible models out.

    \b
    genfoundry run dcgan             train, judge and register one recipe
    genfoundry run --default         the default fleet, side by side
    genfoundry data add DIR --name x bring your own images or series
    genfoundry registry list         what is registered, and which is champion

    Completion for bash: eval "$(_GENFOUNDRY_COMPLETE=bash_source genfoundry)"   (zsh_source, fish_source)
    """


WORK, ROUND = (run, trial, ci, watch, data, models, generate), (registry, report, doctor, reconcile, publish)
for command in (*WORK, judge_champions, *ROUND, up, down, status):
    cli.add_command(command)


def main() -> None:
    """Run the command line; a user's mistake is a sentence and an exit status, never a traceback."""
    from genfoundry.errors import UserError

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    from .credentials import explained
    from .environment import prepare

    try:
        prepare()
        with explained():
            sys.exit(cli(standalone_mode=False))  # a command's exit status is returned, not raised
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {error}", err=True)
        if os.environ.get("GENFOUNDRY_DEBUG"):
            raise
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
