"""The scores of sets of images: every metric of the catalogue in the views that `scores.VIEWS` names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from genfoundry.judging.features import PixelPCA, cached_features
from genfoundry.judging.image_sets import ImageSet, RealImages
from genfoundry.kind import View
from genfoundry.metric import Metric, ScoreKind, kinds_of, of_view
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Z95, Estimate, around, half_samples, size_name, wilson

FLOORS = ("real", "copy", "noise")
WIDE, MANY = 512, 2000  # features, and images, above which a half-sample is dear
DRAWS = 20  # half-samples


def compared(views: list[View], real: RealImages, sets: list[ImageSet], pixels: PixelPCA, seed: int) -> Iterator[Score]:
    """Scores of each set beside the held-out images, the deciding view first, and beside the training images."""
    for view in views:
        metrics = of_view("features") + (of_view("deciding") if view is views[0] else [])
        held_out = cached_features(view, real.test)
        for images in sets:
            features = _features(view, images)
            for metric in metrics:
                yield from _spread(metric, view, held_out, images, features, seed)
    held_out = cached_features(pixels, real.test)
    for images in sets:
        for metric in of_view("training"):
            yield from _beside_training(metric, pixels, held_out, images, seed)


def rebuilt(original: np.ndarray, again: np.ndarray, seed: int) -> Iterator[tuple[ScoreKind, Estimate]]:
    """Scores of reconstructions, float (N, C, H, W) in [-1, 1], row by row beside their originals."""
    for metric in of_view("images"):
        found = metric.score(original, again)
        whole = [name for name, values in found.items() if np.ndim(values) == 0]
        spread = half_samples(metric.score, original, [again], DRAWS, seed, paired=True) if whole else {}
        for kind in kinds_of(metric):
            yield kind, spread[kind.name] if kind.name in whole else around([*found[kind.name]])


def _features(view: View, images: ImageSet) -> list[np.ndarray]:
    if images.subject in FLOORS:
        return [cached_features(view, draw) for draw in images.draws]
    return [view(draw) for draw in images.draws] if images.finite else []


def _spread(
    metric: type[Metric], view: View, real: np.ndarray, images: ImageSet, features: list[np.ndarray], seed: int
) -> Iterator[Score]:
    dear = real.shape[1] > WIDE or len(real) > MANY
    draws = 5 if dear else 10 if images.subject in FLOORS else DRAWS
    found = half_samples(metric.score, real, features, draws, seed) if features else {}
    for kind in kinds_of(metric):
        estimate = found.get(kind.name, UNKNOWN).clip(*kind.limits)
        name = f"{kind.name}_{view.name}_{size_name(len(real))}"
        yield estimate.score(name, images.subject)


def _beside_training(
    metric: type[Metric], pixels: PixelPCA, held_out: np.ndarray, images: ImageSet, seed: int
) -> Iterator[Score]:
    """Scores of all draws together, since the metric asks of each whether it was seen before."""
    kinds = kinds_of(metric)
    estimates = dict.fromkeys((kind.name for kind in kinds), UNKNOWN)
    if images.finite:
        made = np.concatenate(_features(pixels, images))
        estimates = _estimates(metric, images.train_features(pixels), made, held_out, seed)
    for kind in kinds:
        name = f"{kind.name}_{pixels.name}_{size_name(len(held_out))}"
        yield estimates[kind.name].score(name, images.subject)


def _estimates(
    metric: type[Metric], train: np.ndarray, made: np.ndarray, held_out: np.ndarray, seed: int
) -> dict[str, Estimate]:
    kinds, score = kinds_of(metric), partial(metric.score, held_out=held_out)
    found = score(train, made)
    spread = {}
    if any(kind.interval == "spread" for kind in kinds):
        spread = half_samples(score, train, [made], DRAWS, seed)
    return {kind.name: _laid(kind, found[kind.name], len(made)) or spread[kind.name] for kind in kinds}


def _laid(kind: ScoreKind, value: float, count: int) -> Estimate | None:
    """The interval that follows from the kind; None where it is the score's spread."""
    if kind.interval == "count":
        return wilson(round(value * count), count)
    return Estimate(value, value - Z95, value + Z95) if kind.interval == "z" else None
