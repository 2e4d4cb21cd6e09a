"""Super-resolution: held-out images reduced by the stated degradation, enlarged again, beside interpolations.

In a set of pairs what is enlarged is what each image is paired with, as it was given.

PSNR and SSIM are those of the luminance, with a border of `scale` pixels cut off, as the literature reports them
(Ledig 2017, §3.1). A network that wins in decibels may still be blurred, so the score that decides is the Fréchet
distance between the enlarged and the real images, over that of bicubic interpolation of the same images: in the domain
extractor's features, or in those of fixed random filters where there are no labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from genfoundry.dataset import Dataset
from genfoundry.judging import gallery
from genfoundry.judging.features import Domain, Extractor, cached_features
from genfoundry.judging.image_sets import RealImages, real_images
from genfoundry.kind import View
from genfoundry.kinds.image.filters import RandomFilters
from genfoundry.kinds.image.pixels import to_pixels, unit_array
from genfoundry.kinds.image.rows import to_batch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.metric import limits_of, subject
from genfoundry.metrics.frechet import Frechet
from genfoundry.metrics.reconstruction import per_image
from genfoundry.model import Model, Upscales
from genfoundry.modelling.resampling import INTERPOLATIONS, degrade, interpolate, luminance
from genfoundry.records import Score
from genfoundry.statistics.interval import Estimate, around, half_samples, size_name
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from genfoundry.tasks.super_resolution.about import Plan

PAIRED = {"psnr": "psnr_y", "ssim": "ssim_y"}  # of a pair of images, and of their luminances
DRAWS = 20
BATCH = 32
USUAL, RELATIVE = "bicubic", "relative_fd"
REDUCED, GIVEN = "bicubic with antialiasing, rounded to 8 bits", "as given"
TINY = 1e-12


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified image dataset; fill `out` with `enlargements.png`. The promise: `task`."""
    model.eval()
    held_out, scale = real_images(dataset.folder, plan.num_samples, plan.seed), cast(Upscales, model).scale
    real, low = held_out.test, _low(held_out, scale)
    sides = {name: _through(function, low, model.device) for name, function in _upscalers(model).items()}
    sides |= {method: interpolate(low, scale, method) for method in INTERPOLATIONS}
    view: View = RandomFilters(cast(ImageSpec, model.spec).channels)
    if extractor is not None:
        view = Domain(extractor.model.eval(), extractor.id)
    scores = _scores(sides, real, view, scale, plan.seed)
    shown = low.repeat(scale, 2).repeat(scale, 3)
    rows = gallery.spread(len(real), gallery.COLUMNS)
    picture = gallery.picture(
        out / "enlargements.png",
        *(part[rows] for part in (shown, *[sides[name] for name in reversed(sides)], real)),
        title="Enlargements",
        caption=f"From top to bottom: given, {', '.join(map(subject, reversed(sides)))}, real.",
        alt="Small images and their enlargements, row by row, above the real images",
    )
    protocol = {
        "samples": len(real),
        "scale": scale,
        "degradation": REDUCED if held_out.test_sources is None else GIVEN,
        "psnr and ssim": f"of the luminance, without a border of {scale} pixels",
        "view": view.name,
        "interval": "95 %: over images; of distances over half-samples",
    }
    primary = f"{RELATIVE}_{view.name}_x{scale}_{size_name(len(real))}"
    return Judgement(primary, tuple(scores), protocol, {}, (USUAL,), (picture,))


def _low(held_out: RealImages, scale: int) -> np.ndarray:
    if held_out.test_sources is not None:
        return held_out.test_sources
    return _through(lambda images: degrade(images, scale), held_out.test, torch.device("cpu"))


def _upscalers(model: Model) -> dict[str, Callable[[Tensor], Tensor]]:
    variants = getattr(model, "upscale_variants", dict)()
    return {"model": cast(Upscales, model).upscale, **variants}


def _through(function: Callable[[Tensor], Tensor], pixels: np.ndarray, device: torch.device) -> np.ndarray:
    """uint8 images to uint8 images, a few at a time, since they may be large."""
    parts = (to_batch(pixels[start : start + BATCH], device).images for start in range(0, len(pixels), BATCH))
    with torch.inference_mode():
        return np.concatenate([to_pixels(function(part).nan_to_num()) for part in parts])


def _scores(sides: dict[str, np.ndarray], real: np.ndarray, view: View, scale: int, seed: int) -> Iterator[Score]:
    size, cut = size_name(len(real)), (..., slice(scale, -scale), slice(scale, -scale))
    held_out, usual = cached_features(view, real), cached_features(view, sides[USUAL])
    for who, made in sides.items():
        ours, theirs = (unit_array(luminance(side)[cut]) for side in (real, made))
        paired = per_image(ours, theirs)
        for metric, name in PAIRED.items():
            estimate = around([*paired[metric]])
            yield estimate.score(f"{name}_x{scale}_{size}", who)
        found = _distances(held_out, usual, view(made), seed)
        for name, estimate in found.items():
            yield estimate.score(f"{name}_{view.name}_x{scale}_{size}", who)


def _distances(real: np.ndarray, usual: np.ndarray, made: np.ndarray, seed: int) -> dict[str, Estimate]:
    """The Fréchet distance of features (N, D), and its ratio to that of the usual way on the same images."""
    width = real.shape[1]

    def score(both: np.ndarray, features: np.ndarray) -> dict[str, float]:
        held_out, theirs = both[:, :width], both[:, width:]
        fd = Frechet.score(held_out, features)["fd"]
        return {"fd": fd, RELATIVE: fd / max(Frechet.score(held_out, theirs)["fd"], TINY)}

    found = half_samples(score, np.hstack([real, usual]), [made], DRAWS, seed, paired=True)
    return {name: estimate.clip(*limits_of(name)) for name, estimate in found.items()}
