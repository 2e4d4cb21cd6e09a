"""The training process: `python -m genfoundry.training.trainer FOLDER [SHA256]`, where FOLDER holds `job.json`.

It imports torch, Lightning, numpy, pydantic, safetensors and what the kind of data needs, and none of the pipeline's
vendors, so it starts fast and runs on a bare GPU box. It reports by its journal, saves snapshots that resume exactly,
and ends by writing `result.json`. On SIGTERM it saves, says PREEMPTED and exits with 143.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from genfoundry import kind
from genfoundry.batch import Batch, Split, Subset
from genfoundry.data import sealed
from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.files import DiskFull, explains_full_disk, require_free, write_atomic
from genfoundry.kind import Labelled, Pictured
from genfoundry.model import Model
from genfoundry.records import Cost
from genfoundry.training import snapshot
from genfoundry.training.device import Resolved, resolve
from genfoundry.training.job import MODEL, SAMPLES, Order, Outcome, Result, read_order, write_result
from genfoundry.training.journal import LEFT_OUT, Journal
from genfoundry.training.loader import build_model, write_model
from genfoundry.training.loop import Loop, NotFinite, Turns
from genfoundry.training.naming import choose_class
from genfoundry.training.rows import chosen_rows
from genfoundry.training.settings import Settings

EXIT = {"COMPLETED": 0, "DIVERGED": 3, "PREEMPTED": 143, "FAILED": 1}
GRID = 64  # samples in one grid
RESERVE, RESERVED = "reserve", 1 << 16  # a file of so many bytes, removed at the end: the result then finds room


class Reporter(pl.Callback):
    """Writes the journal, the snapshots and the sample grids, and turns signals into a clean stop."""

    def __init__(self, folder: Path, journal: Journal, loop: Loop) -> None:
        self.folder, self.journal, self.loop = folder, journal, loop
        self.parent, self.reported = os.getppid(), loop.step

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, lambda *_: self.loop.stop("a signal"))
        self.journal.write("started", step=self.loop.step, of=self.loop.settings.max_steps, pid=os.getpid())

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any, **__: Any) -> None:
        loop, settings = self.loop, self.loop.settings
        if loop.step == self.reported:
            return
        self.reported = loop.step
        self.journal.write("metrics", step=loop.step, of=settings.max_steps, metrics=loop.drain())
        if os.getppid() != self.parent:
            loop.stop("the death of its parent")
        if loop.step % settings.snapshot_every == 0:
            self.save()
        if loop.step % settings.sample_every == 0 and loop.step < settings.max_steps:
            self.draw()

    def save(self) -> None:
        """A resumable snapshot of this step.

        Raises:
            Diverged: a weight is not finite; nothing was written, so every snapshot is one to go back to.
        """
        self.loop.ensure_finite()
        snapshot.write(self.folder, self.loop.step, self.loop.state())
        self.journal.write("snapshot", step=self.loop.step)

    def draw(self) -> None:
        """A grid of samples of the published weights, as `samples/<step>.npy`, of kinds that can be looked at."""
        model = self.loop.model
        rows = kind.of(model.kind).rows
        if model.generative and isinstance(rows, Pictured):
            like = self.loop.split.batch(torch.arange(min(GRID, len(self.loop.split))))
            with self.loop.published():
                samples = model.sample(like, torch.Generator().manual_seed(0))
            pixels = rows.pictures(samples, model.spec)
            (self.folder / SAMPLES).mkdir(exist_ok=True)
            sealed.write_array(self.folder / SAMPLES / f"{self.loop.step:08d}.npy", pixels)
            self.journal.write("samples", step=self.loop.step, file=f"{self.loop.step:08d}.npy")


def main(folder: Path, seal: str = "") -> int:
    """Run the job of `folder`, whose order has the sha256 `seal`, where one is given; returns the exit status."""
    journal, key = Journal(folder), ""
    try:
        order = read_order(folder, seal)
        key = order.run_key
        with explains_full_disk(folder):
            write_atomic(folder / RESERVE, bytes(RESERVED))
            result = train(order, folder, journal)
    except UserError as error:
        sentence = str(UserError(error.found, expected=error.expected))
        result = Result(run_key=key, outcome="FAILED", sentence=sentence, remedy=error.remedy, step=0)
    except Exception as error:
        journal.write("traceback", text=traceback.format_exc())
        sentence = f"{type(error).__name__}: {error}"
        result = Result(run_key=key, outcome="FAILED", sentence=sentence, step=0)
    (folder / RESERVE).unlink(missing_ok=True)
    with suppress(DiskFull, OSError):  # another process took even that: the supervisor sees that no result came
        write_result(folder, result)
        journal.write("ended", outcome=result.outcome, sentence=result.sentence, step=result.step)
    return EXIT[result.outcome]


def train(order: Order, folder: Path, journal: Journal) -> Result:
    """Train, or go on training, what the order names, and publish the weights."""
    torch.set_num_threads(order.threads)
    settings = Settings.model_validate(order.training)
    verify(order.folder, order.dataset.digest)
    resolved = resolve(settings.accelerator, settings.precision)
    journal.write("resolved", device=resolved.name, precision=resolved.precision, threads=order.threads)
    pl.seed_everything(settings.seed, verbose=False)
    model = build_model(order.family, order.dataset.spec, order.settings).to(resolved.device)
    split = training_split(order, settings, resolved)
    names = kind.of(order.dataset).storage.names(order.folder, order.dataset.spec)
    model.before_training(lambda: passed_once(split))
    loop = Loop(model, settings, split)
    if found := snapshot.latest(folder, lambda sentence: journal.write(LEFT_OUT, sentence=sentence)):
        loop.step, path = found
        snapshot.restore(path, loop.state())
        journal.write("resumed", step=loop.step)
    require_free(folder, snapshot.room(folder, loop.state()))
    began = time.monotonic()
    outcome, sentence = fit(loop, resolved, Reporter(folder, journal, loop))
    steps, digest = loop.step, ""
    if outcome == "COMPLETED" or (outcome == "DIVERGED" and go_back(loop, folder)):
        digest = finish(order.family, loop, folder, names, journal)
    cost = measure(loop, resolved, time.monotonic() - began, steps)
    return Result(
        run_key=order.run_key, outcome=outcome, sentence=sentence, step=loop.step, weights_digest=digest, cost=cost
    )


def go_back(loop: Loop, folder: Path) -> bool:
    """Restore the last snapshot, from before a divergence; whether there is one."""
    if (sound := snapshot.latest(folder)) is None:
        return False
    loop.step, path = sound
    snapshot.restore(path, loop.state())
    return True


def training_split(order: Order, settings: Settings, resolved: Resolved) -> Split:
    """The training rows that the settings choose.

    Raises:
        UserError: there are none, or the settings ask for classes where there are none.
    """
    rows = kind.of(order.dataset).rows
    split = rows.open_split(order.folder, "train", order.dataset.spec, resolved.device)
    if settings.leave_out is not None or settings.fraction < 1:
        if not isinstance(rows, Labelled):
            raise _unchosen(order, settings, f"a dataset of {_labelled_kinds()}")
        chosen = chosen_rows(rows.labels(split), left_out(order, settings), settings.fraction, settings.seed)
        split = Subset(split, chosen)
    if len(split) == 0:
        raise UserError(f"Dataset '{order.dataset.name}' has no training rows.")
    return split


def _labelled_kinds() -> str:
    return " or ".join(each.spec.NOUN for each in kind.every() if isinstance(each.rows, Labelled))


def left_out(order: Order, settings: Settings) -> int | None:
    """The number of the class that training never sees, by the names on the card of the data.

    Raises:
        UserError: there is no such class; tells all of them.
    """
    if settings.leave_out is None:
        return None
    of, spec = kind.of(order.dataset), order.dataset.spec
    if not spec.num_names:
        raise _unchosen(order, settings, f"a dataset of labelled {of.spec.NOUN}")
    try:
        return choose_class(settings.leave_out, of.storage.names(order.folder, spec), spec.num_names).number
    except UserError as error:
        raise _unchosen(order, settings, error.expected) from None


def _unchosen(order: Order, settings: Settings, expected: str) -> UserError:
    return UserError(
        f"training.leave_out = {settings.leave_out}, training.fraction = {settings.fraction} on "
        f"'{order.dataset.name}', which has {_classes(order)} classes.",
        expected=expected,
    )


def _classes(order: Order) -> int:
    return order.dataset.spec.num_names if isinstance(kind.of(order.dataset).rows, Labelled) else 0


def fit(loop: Loop, resolved: Resolved, reporter: Reporter) -> tuple[Outcome, str]:
    """Hand the loop to Lightning until its budget is spent, it is stopped, or it diverges."""
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator=resolved.accelerator,
        devices=1,
        precision="bf16-mixed" if resolved.precision == "bf16" else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[reporter],
    )
    try:
        trainer.fit(loop, train_dataloaders=Turns(loop))
        loop.ensure_finite()
    except NotFinite as error:
        reporter.journal.write("diverged", step=loop.step, sentence=str(error))
        return "DIVERGED", str(error)
    if loop.stopping and loop.step < loop.settings.max_steps:
        reporter.save()
        return "PREEMPTED", f"stopped by {loop.stopping} at step {loop.step}; run it again to go on from there"
    return "COMPLETED", f"{loop.step} steps"


def finish(family: str, loop: Loop, folder: Path, names: tuple[str, ...], journal: Journal) -> str:
    """Put the averaged weights in place, fit what is fitted last, publish; returns the weights' sha256."""
    loop.publish_averages()
    model = loop.model.eval()
    if fits := type(model).after_training is not Model.after_training:
        journal.write("fitting", step=loop.step, of=loop.settings.max_steps, examples=len(loop.split))
    began = time.monotonic()
    model.after_training(passed_once(loop.split))
    if fits:
        journal.write("fitted", step=loop.step, seconds=round(time.monotonic() - began, 2))
    return write_model(folder / MODEL, family, model, model.state_dict(), names)


def passed_once(split: Split) -> Iterator[Batch]:
    """One pass over the rows of a split, in their order, in batches of at most 512."""
    return (split.batch(part) for part in torch.arange(len(split)).split(512))


def measure(loop: Loop, resolved: Resolved, seconds: float, steps: int) -> Cost:
    """What the training took on this machine, all that was fitted last included, and what one sample costs."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if resolved.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    return Cost(
        seconds=round(seconds, 2),
        steps=steps,
        examples=steps * loop.settings.batch_size,
        peak_memory_mb=round(peak, 1),
        parameters=sum(p.numel() for p in loop.model.parameters()),
        flops_per_sample=flops(loop.model, loop.split),
        device=resolved.name,
        precision=resolved.precision,
    )


def flops(model: Model, split: Split) -> float:
    """Floating-point operations of one sample (of one prediction, for a discriminative model)."""
    like = split.batch(torch.arange(1))
    predict = model.sample if model.generative else getattr(model, "classify", nn.Identity())
    training = model.training
    model.eval()
    with torch.random.fork_rng(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        predict(like)
    model.train(training)
    return float(counter.get_total_flops())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
