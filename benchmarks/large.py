"""`python -m benchmarks.large`: what a set that is large beside memory costs in passes over its bytes, and in memory.

Each step runs in a process of its own. Counted are the bytes that are hashed, and the most private memory (`RssAnon` of
Linux: pages that are mapped from the set's own files don't count, the system takes them back at will) over what the
step began with, both in sizes of the set.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

SIDE, CLASSES = 128, 10
STAGES = 4  # of a run open the data: fetch, validate, train, evaluate


class Cost(NamedTuple):
    """In sizes of the set."""

    passes: float
    memory: float


class Watched:
    """What is hashed, in bytes, and the most private memory, in bytes over that of the beginning."""

    def __init__(self) -> None:
        self.hashed, self.first = 0, private()
        self.most, self.over = self.first, threading.Event()

    def look(self) -> None:
        """Until it is over, a hundred times per second."""
        while not self.over.wait(0.01):
            self.most = max(self.most, private())


def private() -> int:
    """Bytes of memory that only this process has."""
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


@contextmanager
def watched() -> Iterator[Watched]:
    """Count what happens inside."""
    plain, found = hashlib.file_digest, Watched()

    def counted(file, digest):
        found.hashed += os.fstat(file.fileno()).st_size
        return plain(file, digest)

    hashlib.file_digest = counted
    thread = threading.Thread(target=found.look)
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        thread.join()
        hashlib.file_digest = plain


def write(folder: Path, count: int) -> None:
    """Write and seal a set of random images (3, 128, 128), one in ten of them held out."""
    from genfoundry.dataset import Card, seal
    from genfoundry.kinds.image import storage

    def examples() -> Iterator[storage.ImageExample]:
        rng = np.random.default_rng(0)
        for row in range(count):
            pixels = rng.integers(0, 256, (3, SIDE, SIDE), np.uint8)
            yield storage.ImageExample("train" if row % 10 else "test", pixels, row % CLASSES, f"{row}.png")

    card = Card(name="large", kind="image", title="Random images", licence="CC0", source="", consent="")
    spec, counts = storage.write(folder, examples(), CLASSES)
    seal(folder, card.model_copy(update={"spec": spec, "counts": counts}))


def open_often(folder: Path, count: int) -> None:
    """Open the set as each stage of a run does."""
    from genfoundry.dataset import verify

    for _ in range(STAGES):
        verify(folder)


def judge(folder: Path, count: int) -> None:
    """The real side of a judging: floors, and the features of all training images for each of them."""
    from genfoundry.dataset import verify
    from genfoundry.judging.features import PixelPCA
    from genfoundry.judging.image_sets import floors, real_images

    verify(folder)
    real = real_images(folder, count // 100, 0)
    pixels = PixelPCA(real.train.images)
    for floor in floors(real.train, count // 100, 0):
        floor.train_features(pixels)


def cost(step: Callable[[Path, int], None], root: Path, count: int) -> Cost:
    """What a step costs in this process."""
    os.environ["GENFOUNDRY_ROOT"] = str(root)
    with watched() as found:
        step(root / "data" / "large", count)
    size = count * 3 * SIDE**2
    return Cost(found.hashed / size, (found.most - found.first) / size)


@click.command()
@click.option("--gigabytes", default=2.5, help="Size of the set; as much is needed on the disk.")
def main(gigabytes: float) -> None:
    """Print a table of passes and memory."""
    count = round(gigabytes * 1e9 / (3 * SIDE**2))
    print(f"| a set of {gigabytes:g} GB | passes of hashing | private memory, in sizes of the set |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        for step in (write, open_often, judge):
            with ProcessPoolExecutor(1, get_context("spawn")) as apart:
                found = apart.submit(cost, step, Path(root), count).result()
            print(f"| {(step.__doc__ or '').splitlines()[0]} | {found.passes:.2f} | {found.memory:.2f} |", flush=True)


if __name__ == "__main__":
    main()
