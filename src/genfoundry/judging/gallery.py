"""What a model of images made and what it has learned, as pictures for the report."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from genfoundry.exhibit import Picture
from genfoundry.files import write_atomic
from genfoundry.judging import sheet
from genfoundry.judging.features import PixelPCA
from genfoundry.judging.image_sets import ImageSet
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import to_batch
from genfoundry.metric import subject
from genfoundry.metrics.memorisation import nearest
from genfoundry.model import Completes, Decodes, Model, Pyramids, Reconstructs

COLUMNS, SHOWN, BANDS = 10, 100, 20  # images in a row, in the sheet of samples, and beside their neighbours
STANDING = 5  # images that may stand for a sheet
REACH = 2.5  # deviations of a latent to either side in a traversal


def draw(out: Path, model: Model, made: list[ImageSet], held_out: np.ndarray, pixels: PixelPCA) -> list[Picture]:
    """What this model has to show, its files in `out`."""
    found = _samples(out, made)
    found.append(_neighbours(out, made[0], pixels))
    held_out = held_out[spread(len(held_out), BANDS)]
    if isinstance(model, Reconstructs):
        found.append(_reconstructions(out, model, held_out))
    with torch.inference_mode():
        if isinstance(model, Decodes):
            found += _latents(out, model, held_out)
        if isinstance(model, Completes):
            found.append(_completions(out, model, held_out[::2]))
        if isinstance(model, Pyramids):
            found.append(_levels(out, model, held_out[::2]))
    return found


def picture(path: Path, *sets: np.ndarray, title: str, caption: str, alt: str, stands_for: bool = False) -> Picture:
    """A sheet of uint8 images (N, C, H, W): a row of the first set, below it the same row of the second; and so on.

    Args:
        stands_for: the first few images may stand for the whole in a small place.
    """
    starts = range(0, len(sets[0]), COLUMNS)
    rows = [images[start : start + COLUMNS] for start in starts for images in sets]
    write_atomic(path, sheet.grid(np.concatenate(rows), COLUMNS))
    height, width = sets[0].shape[2:]
    corner = sheet.corner(height, width, min(STANDING, len(sets[0]))) if stands_for else None
    return Picture(title=title, caption=caption, file=path.name, alt=alt, stands_for=corner)


def spread(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` row numbers, evenly spaced."""
    return np.linspace(0, count - 1, min(most, count)).astype(int)


def _samples(out: Path, made: list[ImageSet]) -> list[Picture]:
    found = [
        picture(
            out / "samples.png",
            made[0].draws[0][:SHOWN],
            title="Samples",
            caption="As they came: none was chosen.",
            alt="A grid of generated samples",
            stands_for=True,
        )
    ]
    for variant in made[1:]:
        found.append(
            picture(
                out / f"samples-{variant.subject}.png",
                variant.draws[0][:SHOWN],
                title="Samples",
                caption=f"For comparison: {subject(variant.subject)}.",
                alt=f"A grid of samples generated with {subject(variant.subject)}",
            )
        )
    return found


def _neighbours(out: Path, samples: ImageSet, pixels: PixelPCA) -> Picture:
    shown = samples.draws[0][:BANDS]
    row = nearest(samples.train_features(pixels), pixels(shown)).row
    return picture(
        out / "neighbours.png",
        shown,
        samples.train.images[row],
        title="Nearest training examples",
        caption="Is it copying? Rows in pairs: samples, and below each the training example nearest to it. Twins would "
        "mean yes.",
        alt="Samples beside the training examples nearest to them",
    )


def _reconstructions(out: Path, model: Reconstructs, held_out: np.ndarray) -> Picture:
    rebuilt = in_chunks(model.reconstruct, held_out, cast(Model, model).device)
    return picture(
        out / "reconstructions.png",
        held_out,
        to_pixels(torch.from_numpy(np.nan_to_num(rebuilt))),
        title="Reconstructions",
        caption="Rows in pairs: held-out examples, and below each what comes back from its code.",
        alt="Held-out examples beside their reconstructions",
    )


def _latents(out: Path, model: Decodes, held_out: np.ndarray) -> list[Picture]:
    codes = model.embed(to_batch(held_out, cast(Model, model).device))  # (N, D)
    return [_interpolations(out, model, codes), _traversals(out, model, codes)]


def _interpolations(out: Path, model: Decodes, codes: Tensor) -> Picture:
    steps, half = torch.linspace(0, 1, COLUMNS, device=codes.device)[:, None], len(codes) // 2
    lines = [a + (b - a) * steps for a, b in zip(codes[:half], codes[half:], strict=False)]
    return picture(
        out / "interpolations.png",
        to_pixels(model.decode(torch.cat(lines))),
        title="Interpolations",
        caption="Straight lines between the codes of two held-out examples, decoded.",
        alt="Rows of images that change from one held-out example into another",
    )


def _traversals(out: Path, model: Decodes, codes: Tensor) -> Picture:
    deviation = codes.std(0)
    widest = deviation.topk(min(8, len(deviation))).indices
    moved = codes[:1].repeat(len(widest), COLUMNS, 1)  # (directions, steps, D)
    reach = torch.linspace(-REACH, REACH, COLUMNS, device=codes.device)
    for rows, direction in zip(moved, widest, strict=True):
        rows[:, direction] = codes[:, direction].mean() + reach * deviation[direction]
    return picture(
        out / "traversals.png",
        to_pixels(model.decode(moved.flatten(0, 1))),
        title="Latent traversals",
        caption="One code, moved along each of its widest directions in turn: what each row's direction stands for.",
        alt="Rows of images that change along one direction of the code each",
    )


def _completions(out: Path, model: Completes, held_out: np.ndarray) -> Picture:
    images = to_batch(held_out, cast(Model, model).device).images
    known = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool, device=images.device)
    known[:, :, : images.shape[2] // 2] = True
    made = [to_pixels(model.complete(images, known, Generator().manual_seed(seed))) for seed in range(3)]
    return picture(
        out / "completions.png",
        held_out,
        to_pixels(torch.where(known, images, torch.zeros(()))),
        *made,
        title="Completions",
        caption="Held-out examples, the half that was given, and three completions of each.",
        alt="Held-out examples, their upper halves, and completions of them",
    )


def _levels(out: Path, model: Pyramids, held_out: np.ndarray) -> Picture:
    """The same samples at every level, the coarsest first; of each class in turn, where there are classes."""
    owner = cast(Model, model)
    labels = np.arange(len(held_out)) % owner.spec.num_classes if owner.takes_labels else None
    like = to_batch(held_out, owner.device, labels)
    made = model.sample_levels(like, Generator().manual_seed(0))
    return picture(
        out / "levels.png",
        *(to_pixels(fitted(level, made[-1])) for level in made),
        title="Levels of the pyramid",
        caption="The same samples at each level, the coarsest on top.",
        alt="Samples at each level of the pyramid",
    )


def fitted(images: Tensor, like: Tensor) -> Tensor:
    """Images at the size of others, each pixel repeated."""
    return torch.nn.functional.interpolate(images, like.shape[2:], mode="nearest")
