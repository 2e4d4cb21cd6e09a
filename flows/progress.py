"""What a person sees while stages run: one line per finished stage, one bar per training."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from genfoundry.stopping import interrupted

from .commands.pipes import silence_closed

PLAIN_SECONDS = 20.0  # between two lines of one training, where there is no terminal
NOTEBOOK = "JPY_PARENT_PID"  # in the environment of a notebook's kernel, and of what a cell starts by `!`


class Screened(Console):
    """A console whose reader may go away: the work then ends as at a signal, with a snapshot and an outcome.

    rich's own would leave the thread that happened to write, which may be any.
    """

    def on_broken_pipe(self) -> None:
        """Write no more, and ask everything under way to end."""
        self.quiet = True
        silence_closed()
        interrupted.set()


def moves_cursor(stream: TextIO) -> bool:
    """Whether to draw bars there: on a terminal. A notebook is none, though it sets FORCE_COLOR, and gives a terminal
    of its own to what a cell starts by `!`.
    """
    return NOTEBOOK not in os.environ and stream.isatty()


class Screen:
    """Draws on a terminal; where there is none, prints a line now and then."""

    def __init__(self) -> None:
        aside = "ipykernel" not in sys.modules  # a cell shows what comes on stderr as if it were an error
        moves = moves_cursor(sys.stderr)
        self.console = Screened(stderr=aside, highlight=False, force_jupyter=False, force_terminal=moves)
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the bars on screen for the time of the block."""
        if not self.console.is_terminal:
            yield
            return
        columns = (TextColumn("  {task.description:<18}"), BarColumn(28), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, TextColumn("{task.fields[losses]}"), console=self.console, transient=True) as bars:
            self._bars = bars
            yield
            self._bars = None

    def stage(self, recipe: str, stage: str, sentence: str, skipped: bool = False) -> None:
        """Say that a stage is done."""
        with self._lock:
            if self._bars and stage == "train" and recipe in self._tasks:
                self._bars.remove_task(self._tasks.pop(recipe))
            mark = "[yellow]SKIPPED[/]" if skipped else "[green]done[/]   "
            clock = f"{time.monotonic() - self._began:5.0f} s"
            self.console.print(f"[dim]{clock}[/]  {recipe:<18} {stage:<9} {mark}  [dim]{sentence}[/]", soft_wrap=True)

    def warn(self, sentence: str) -> None:
        """Say what to look at, below the stage that found it."""
        with self._lock:
            self.console.print(f"{'':9}[yellow]⚠[/] {escape(sentence)}", soft_wrap=True)

    def training(self, recipe: str, step: int, of: int, metrics: dict[str, float], doing: str = "") -> None:
        """Move the bar of a training; `doing` is said whenever it comes."""
        losses = " ".join(f"{name.partition('/')[2]} {value:.3g}" for name, value in list(metrics.items())[:2]) or doing
        with self._lock:
            if self._bars:
                if recipe not in self._tasks:
                    self._tasks[recipe] = self._bars.add_task(recipe, total=of, losses="")
                self._bars.update(self._tasks[recipe], completed=step, total=of, losses=losses)
            elif doing or time.monotonic() - self._last.get(recipe, 0.0) > PLAIN_SECONDS:
                self._last[recipe] = time.monotonic()
                self.console.print(
                    f"{time.monotonic() - self._began:5.0f} s  {recipe:<18} step {step}/{of}  {losses}", soft_wrap=True
                )


screen = Screen()
