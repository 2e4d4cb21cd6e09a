"""How anything is measured here: interleaved, medians, in seconds of the process beside wall-clock.

A shared machine makes wall-clock drift; the time that the process itself was given (with its children) drifts less, so
ratios are of that, and the wall-clock's ratio stands beside it.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import torch


class Timing(NamedTuple):
    """Seconds of the process with its children, and of the wall, for one unit of work."""

    process: float
    wall: float


class Row(NamedTuple):
    """One line of the table. Without a peer `goal` is a bound on `ours` in seconds, else on the ratio."""

    what: str
    ours: Timing
    peer: Timing | None = None
    goal: str = ""
    share: float | None = None  # of the machine's measured peak, reached by ours
    unit: str = "s"
    items: int = 1  # in one unit of work: the table shows items a second where there are several


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.process = time.perf_counter(), _process()

    def read(self, units: int = 1) -> Timing:
        """The time of one of `units` pieces of work."""
        return Timing((_process() - self.process) / units, (time.perf_counter() - self.wall) / units)


def _process() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def interleaved(*sides: Callable[[], Timing], rounds: int) -> list[Timing]:
    """Run the sides in turn, A B A B A B; the median of each."""
    found: list[list[Timing]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, timings in zip(sides, found, strict=True):
            timings.append(side())
    return [median(timings) for timings in found]


@contextmanager
def apart(make: Callable[[], Callable[[], Timing]], environment: Mapping[str, str] = {}) -> Iterator[Callable]:
    """The side that `make` makes, on one thread in a process of its own, started with `environment` set."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_serve, args=(there,), daemon=True)
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        child.start()
    finally:
        for name in environment.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
    there.close()
    here.send(make)  # not an argument: starting would wait for ever for a child that died before it read a long one

    def side() -> Timing:
        here.send(None)
        return here.recv()

    try:
        yield side
    finally:
        here.close()
        child.join()


def _serve(connection: Connection) -> None:
    side = connection.recv()()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)  # after its import, which sets it
    with one_thread():
        try:
            while True:
                connection.recv()
                connection.send(side())
        except EOFError:
            return


def median(timings: list[Timing]) -> Timing:
    """Of each kind of second on its own."""
    return Timing(*(statistics.median(column) for column in zip(*timings, strict=True)))


def stepped(steps: Iterator, count: int, before: int = 2) -> Callable[[], Timing]:
    """A side that takes `count` steps of an endless training, after `before` that don't count."""

    def side() -> Timing:
        for _ in range(before):
            next(steps)
        clock = Clock()
        for _ in range(count):
            next(steps)
        return clock.read(count)

    return side


def peak() -> float:
    """Floating-point operations a second of the process: the faster of a matrix product and of a convolution, fp32."""
    matrix = torch.randn(1024, 1024)
    images = torch.randn(8, 64, 56, 56).to(memory_format=torch.channels_last)
    layer = torch.nn.Conv2d(64, 64, 3, padding=1, bias=False).to(memory_format=torch.channels_last)  # pyright: ignore
    with torch.no_grad():
        product = _rate(lambda: matrix @ matrix, 2 * 1024**3)
        convolution = _rate(lambda: layer(images), 2 * 8 * 56**2 * 64**2 * 9)
    return max(product, convolution)


def _rate(work: Callable, operations: float, repeats: int = 5) -> float:
    def side() -> Timing:
        clock = Clock()
        for _ in range(repeats):
            work()
        return clock.read(repeats)

    work()
    return operations / interleaved(side, rounds=5)[0].process


def machine() -> str:
    """What this was measured on, in a line."""
    flags = _flags()
    if "avx512_bf16" in flags or "amx_bf16" in flags:
        units = "with bf16 units"
    else:
        units = "AVX-512, no bf16 units" if "avx512f" in flags else "AVX2, no bf16 units" if "avx2" in flags else "?"
    return (
        f"{os.cpu_count()} cores of {platform.machine()} ({units}), load {os.getloadavg()[0]:.1f}, "
        f"{torch.get_num_threads()} thread, torch {torch.__version__}, Python {platform.python_version()}"
    )


def _flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return set(next((line for line in lines if line.startswith("flags")), "").split())


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for the time of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
