"""`python -m benchmarks`: one table of ours, the usual way, the ratio, and the share of the machine's measured peak."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

PARTS = ("training", "drawing", "distance", "pipeline")
HEAD = ("what", "ours", "the usual way", "ratio", "by the wall", "goal", "of peak")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--rounds", default=3, help="Interleaved repetitions; the table shows medians.")
@click.option("--only", multiple=True, help="Of training: dcgan, vae, gan, cgan, pixelcnn or srgan.")
@click.option("--quick", is_flag=True, help="A few steps each, to see that it runs.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the table to a Markdown file too.")
def main(parts: tuple[str, ...], rounds: int, only: tuple[str, ...], quick: bool, output: Path | None) -> None:
    """Measure PARTS (all by default) on one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks import measure

    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    with measure.one_thread(), tempfile.TemporaryDirectory() as scratch:
        peak = measure.peak()
        say(f"Machine: {measure.machine()}; fp32 peak of one thread {peak / 1e9:.0f} GFLOP/s. Medians of {rounds}.\n")
        say(_line(HEAD))
        say(_line(["---"] * len(HEAD)))
        for row in _rows(parts or PARTS, Path(scratch), peak, only, quick, rounds):
            say(_line(_cells(row)))
    if output:
        output.write_text("\n".join(lines) + "\n")


def _rows(parts: Iterable[str], root: Path, peak: float, only: tuple[str, ...], quick: bool, rounds: int) -> Iterator:
    from benchmarks import distance, drawing, pipeline, training

    if "training" in parts:
        images = digits(root)
        counts = {"dcgan": 20, "vae": 20, "gan": 60}
        against = {"dcgan": 4, "vae": 60, "gan": 40, "cgan": 40, "pixelcnn": 3, "srgan": 3}
        for make, steps in ((training.peers, against), (training.overhead, counts)):
            wanted = {name: 2 if quick else n for name, n in steps.items() if name in (only or steps)}
            yield from make(images, peak, wanted, rounds)
    if "drawing" in parts:
        yield drawing.row(8 if quick else 28, 4, rounds)
    if "distance" in parts:
        yield from distance.rows(64 if quick else 2048, 200 if quick else 2500, rounds)
    if "pipeline" in parts:
        yield from pipeline.rows(root, rounds)


def digits(root: Path):
    """The training images of `mnist-5k`, uint8 (4500, 1, 28, 28), built below `root`."""
    from genfoundry.catalog import module
    from genfoundry.kinds.image import storage

    folder = root / "digits"
    folder.mkdir(exist_ok=True)
    data = module("datasets", "mnist-5k")
    storage.write(folder, data.examples(), data.CARD)
    return storage.read(folder, "train").images


def _cells(row) -> list[str]:
    def amount(seconds: float) -> str:
        rate = row.items / seconds
        return f"{rate:,.{0 if rate >= 10 else 2}f} images/s" if row.items > 1 else f"{seconds:.2f} s"

    if row.peer is None:
        by_wall = f"{row.ours.wall:.2f} s"
        return [row.what, amount(row.ours.process), "", "", by_wall, row.goal, ""]
    ratio, wall = row.peer.process / row.ours.process, row.peer.wall / row.ours.wall
    share = "" if row.share is None else f"{row.share:.0%}"
    return [
        row.what, amount(row.ours.process), amount(row.peer.process), f"{ratio:.2f}", f"{wall:.2f}", row.goal, share,
    ]  # fmt: skip


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
