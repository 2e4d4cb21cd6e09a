"""What a model made and what it has learned, drawn for the report: one PNG an exhibit."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from genfoundry.files import publish
from genfoundry.judging.features import PixelPCA
from genfoundry.judging.image_sets import ImageSet
from genfoundry.judging.sheet import grid
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import to_batch
from genfoundry.metrics.memorisation import nearest
from genfoundry.model import Completes, Decodes, Model, Pyramids, Reconstructs

COLUMNS, SHOWN, BANDS = 10, 100, 20  # images in a row, in the sheet of samples, and beside their neighbours
REACH = 2.5  # deviations of a latent to either side in a traversal


def draw(out: Path, model: Model, made: list[ImageSet], held_out: np.ndarray, pixels: PixelPCA) -> None:
    """Fill the gallery's folder with what this model has to show."""
    samples = made[0]
    write(out / "samples.png", samples.draws[0][:SHOWN])
    for variant in made[1:]:
        write(out / f"samples-{variant.subject}.png", variant.draws[0][:SHOWN])
    shown = samples.draws[0][:BANDS]
    row = nearest(samples.train_features(pixels), pixels(shown)).row
    write(out / "neighbours.png", shown, samples.train.images[row])
    held_out = held_out[spread(len(held_out), BANDS)]
    if isinstance(model, Reconstructs):
        rebuilt = in_chunks(model.reconstruct, held_out, model.device)
        write(out / "reconstructions.png", held_out, to_pixels(torch.from_numpy(np.nan_to_num(rebuilt))))
    with torch.inference_mode():
        if isinstance(model, Decodes):
            _latents(out, model, held_out)
        if isinstance(model, Completes):
            _completions(out, model, held_out[::2])
        if isinstance(model, Pyramids):
            _levels(out, model, held_out[::2])


def spread(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` row numbers, evenly spaced."""
    return np.linspace(0, count - 1, min(most, count)).astype(int)


def write(path: Path, *sets: np.ndarray) -> None:
    """A row of the first set, below it the same row of the second; then the next such band."""
    starts = range(0, len(sets[0]), COLUMNS)
    publish(
        path, grid(np.concatenate([images[start : start + COLUMNS] for start in starts for images in sets]), COLUMNS)
    )


def _latents(out: Path, model: Decodes, held_out: np.ndarray) -> None:
    """Straight lines between the codes of held-out images; and one code, moved along each of its widest directions."""
    device = cast(Model, model).device
    codes = model.embed(to_batch(held_out, device))  # (N, D)
    steps = torch.linspace(0, 1, COLUMNS, device=device)[:, None]
    half = len(codes) // 2
    lines = [a + (b - a) * steps for a, b in zip(codes[:half], codes[half:], strict=False)]
    write(out / "interpolations.png", to_pixels(model.decode(torch.cat(lines))))
    deviation = codes.std(0)
    widest = deviation.topk(min(8, len(deviation))).indices
    moved = codes[:1].repeat(len(widest), COLUMNS, 1)  # (directions, steps, D)
    reach = torch.linspace(-REACH, REACH, COLUMNS, device=device)
    for rows, direction in zip(moved, widest, strict=True):
        rows[:, direction] = codes[:, direction].mean() + reach * deviation[direction]
    write(out / "traversals.png", to_pixels(model.decode(moved.flatten(0, 1))))


def _completions(out: Path, model: Completes, held_out: np.ndarray) -> None:
    """Held-out images, their upper halves, and three completions of each."""
    images = to_batch(held_out, cast(Model, model).device).images
    known = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool, device=images.device)
    known[:, :, : images.shape[2] // 2] = True
    made = [to_pixels(model.complete(images, known, Generator().manual_seed(seed))) for seed in range(3)]
    write(out / "completions.png", held_out, to_pixels(torch.where(known, images, torch.zeros(()))), *made)


def _levels(out: Path, model: Pyramids, held_out: np.ndarray) -> None:
    """The same samples at every level, the coarsest first; of each class in turn, where there are classes."""
    owner = cast(Model, model)
    labels = np.arange(len(held_out)) % owner.spec.num_classes if owner.takes_labels else None
    like = to_batch(held_out, owner.device, labels)
    made = model.sample_levels(like, Generator().manual_seed(0))
    write(out / "levels.png", *(to_pixels(fitted(level, made[-1])) for level in made))


def fitted(images: Tensor, like: Tensor) -> Tensor:
    """Images at the size of others, each pixel repeated."""
    return torch.nn.functional.interpolate(images, like.shape[2:], mode="nearest")
