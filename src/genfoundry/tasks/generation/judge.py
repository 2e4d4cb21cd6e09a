"""Generation: sets of generated images against held-out real ones, in every view, beside the floors.

All sides are compared as the 8-bit images that a file would hold. The real side is the test split, cut to as many
images as are generated. The floors go through the same code: `real` is half of the training split, `copy` replays the
training split, `noise` is uniform.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from genfoundry.errors import UserError
from genfoundry.judging import conditional_scores, gallery
from genfoundry.judging.features import Canonical, Domain, Extractor, PixelPCA, cached_features
from genfoundry.judging.image_sets import ImageSet, RealImages, floors, generated, real_images, variants
from genfoundry.kind import View
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.kinds.image.pixels import to_pixels, unit_array
from genfoundry.kinds.image.rows import to_batch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.metric import SetMetric
from genfoundry.metrics.frechet import Frechet
from genfoundry.metrics.kernel import Kernel
from genfoundry.metrics.memorisation import NEAR, Memorisation
from genfoundry.metrics.prdc import Prdc
from genfoundry.metrics.reconstruction import Reconstruction, per_image
from genfoundry.model import Classifies, HasLikelihood, Model, Pyramids, Reconstructs
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Z95, Estimate, around, half_samples, size_name, wilson
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from genfoundry.tasks.generation.about import Plan

FLOORS = ("real", "copy", "noise")
WIDE, MANY = 512, 2000  # features, and images, above which a half-sample is dear
LIMITS = {"fd": (0.0,), "density": (0.0,), **dict.fromkeys(("precision", "recall", "coverage"), (0.0, 1.0))}


def judge(model: Model, folder: Path, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified image dataset; fill `out` with the gallery. The promise: `genfoundry.task`.

    The deciding score is the Fréchet distance in the extractor's features, without an extractor in the principal
    components of the pixels. A set with a pixel that is not finite scores NaN.

    Raises:
        UserError: the extractor reads images of another shape, or the Inception weights can't be had.
    """
    model.eval()
    spec = cast(ImageSpec, model.spec)
    real = real_images(folder, plan.num_samples, plan.seed)
    sizes = len(real.test), [plan.seed + number for number in range(plan.seeds)]
    made = [generated(model, real, *sizes), *variants(model, real, *sizes)]
    pixels = PixelPCA(real.train.images)
    views = _views(spec, pixels, plan, extractor, model.device)
    scores = [*_compared(views, real, [*made, *floors(real.train, len(real.test), plan.seed)], pixels, plan.seed)]
    scores += _reconstructed(model, real)
    scores += _by_level(model, real, views[0], plan.seed)
    details = {}
    if extractor is not None and isinstance(extractor.model, Classifies):
        classed, details = _classed(extractor, real, made[0])
        scores += classed
        if model.takes_labels:
            as_many = generated(model, real, conditional_scores.lessons(real, plan.num_samples), [plan.seed])
            asked, by_label = conditional_scores.scores(extractor, real, made[0], as_many, plan.seed)
            scores, details = scores + asked, details | by_label
    gallery.draw(out, model, made, real.test, pixels)
    primary = f"fd_{views[0].name}_{size_name(len(real.test))}"
    return Judgement(primary, tuple(scores), _protocol(plan, real, views, extractor), details)


def _views(
    spec: ImageSpec, pixels: PixelPCA, plan: Plan, extractor: Extractor | None, device: torch.device
) -> list[View]:
    """The deciding view first."""
    views: list[View] = [pixels]
    if extractor is not None:
        theirs = extractor.model.spec
        if not isinstance(theirs, ImageSpec) or theirs.shape != spec.shape:
            raise UserError(f"The extractor {extractor.id} reads {theirs}.", expected=f"images of shape {spec.shape}")
        views.insert(0, Domain(extractor.model.eval(), extractor.id))
    if plan.inception_weights is not None:
        views.append(Canonical(plan.inception_weights, device))
    return views


def _protocol(
    plan: Plan, real: RealImages, views: list[View], extractor: Extractor | None
) -> dict[str, str | int | float]:
    return {
        "samples": len(real.test),
        "seeds": plan.seeds,
        "seed": plan.seed,
        "real": "test split",
        "views": ", ".join(view.name for view in views),
        "extractor": extractor.id if extractor else "none",
        "interval": "95 %: spread over half-samples and over seeds; Wilson for rates",
        "near_copy": f"within {NEAR} of the distance between training neighbours, in components of the pixels",
    }


def _compared(
    views: list[View], real: RealImages, sets: list[ImageSet], pixels: PixelPCA, seed: int
) -> Iterator[Score]:
    for view in views:
        metrics = (Frechet, Kernel, Prdc) if view is views[0] else (Frechet, Kernel)
        held_out = cached_features(view, real.test)
        for images in sets:
            features = _features(view, images)
            for metric in metrics:
                yield from _spread(metric, view, held_out, images, features, seed)
    held_out = cached_features(pixels, real.test)
    for images in sets:
        yield from _memorised(pixels, held_out, images)


def _features(view: View, images: ImageSet) -> list[np.ndarray]:
    if images.subject in FLOORS:
        return [cached_features(view, draw) for draw in images.draws]
    return [view(draw) for draw in images.draws] if images.finite else []


def _spread(
    metric: type[SetMetric], view: View, real: np.ndarray, images: ImageSet, features: list[np.ndarray], seed: int
) -> Iterator[Score]:
    dear = real.shape[1] > WIDE or len(real) > MANY
    draws = 5 if dear else 10 if images.subject in FLOORS else 20
    found = half_samples(metric.score, real, features, draws, seed) if features else {}
    for name, better in metric.higher_is_better.items():
        estimate = found.get(name, UNKNOWN).clip(*LIMITS.get(name, ()))
        yield estimate.score(f"{name}_{view.name}_{size_name(len(real))}", images.subject, better)


def _memorised(pixels: PixelPCA, held_out: np.ndarray, images: ImageSet) -> Iterator[Score]:
    """Scores of all draws together: the rates are counts, C_T is a standard normal where nothing is copied."""
    estimates = dict.fromkeys(Memorisation.higher_is_better, UNKNOWN)
    if images.finite:
        metric = Memorisation(held_out)
        made = np.concatenate(_features(pixels, images))
        metric.update(images.train_features(pixels), made)
        found = metric.compute()
        estimates = {name: wilson(round(rate * len(made)), len(made)) for name, rate in found.items() if name != "c_t"}
        estimates["c_t"] = Estimate(found["c_t"], found["c_t"] - Z95, found["c_t"] + Z95)
    for name, estimate in estimates.items():
        score_name = f"{name}_{pixels.name}_{size_name(len(held_out))}"
        yield estimate.score(score_name, images.subject, Memorisation.higher_is_better[name])


def _reconstructed(model: Model, real: RealImages) -> Iterator[Score]:
    """Scores of the model's code and likelihood on the test images, where it has them."""
    size = size_name(len(real.test))
    original = unit_array(real.test.astype(np.float32))
    if isinstance(model, Reconstructs):
        rebuilt = in_chunks(model.reconstruct, real.test, model.device)
        for name, values in per_image(original, rebuilt).items():
            yield around([*values]).score(f"{name}_test_{size}", "model", Reconstruction.higher_is_better[name])
    if isinstance(model, HasLikelihood):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # a bound may draw its latents
            nats = in_chunks(model.log_likelihood, real.test, model.device)
        bits = -nats.astype(np.float64) / (original[0].size * math.log(2))
        name = "bits_per_dim" if model.exact_likelihood else "elbo_bits_per_dim"
        yield around([*bits]).score(f"{name}_test_{size}", "model", False)


def _by_level(model: Model, real: RealImages, view: View, seed: int) -> Iterator[Score]:
    """Where a model makes coarse images first: the distance at each of their sizes, of averaged real ones."""
    if not isinstance(model, Pyramids):
        return
    like = to_batch(real.test, model.device, real.test_labels)
    with torch.inference_mode():
        levels = model.sample_levels(like, torch.Generator().manual_seed(seed))
    for made in levels[:-1]:
        size = (made.shape[2], made.shape[3])
        averaged = torch.nn.functional.adaptive_avg_pool2d(like.images, size)
        ours, theirs = (view(to_pixels(gallery.fitted(side, like.images))) for side in (averaged, made))
        name = f"fd_{size[0]}x{size[1]}_{view.name}_{size_name(len(real.test))}"
        yield half_samples(Frechet.score, ours, [theirs], 10, seed)["fd"].score(name, "model", False)


def _classed(extractor: Extractor, real: RealImages, made: ImageSet) -> tuple[list[Score], dict[str, list[float]]]:
    """What the extractor's classifier says of the samples: how sure it is, and how they spread over the classes."""
    classify: Callable = cast(Classifies, extractor.model).classify
    device, name = extractor.model.device, f"confidence_domain-{extractor.id[:8]}_{size_name(len(real.test))}"
    sure_real, share_real = _confidence(in_chunks(classify, real.test, device))
    if not made.finite:
        return [UNKNOWN.score(name, "model", True)], {"class_share_real": share_real}
    sure, share = _confidence(np.concatenate([in_chunks(classify, draw, device) for draw in made.draws]))
    ratio = sure.value / sure_real.value
    width = ratio * math.hypot(*((e.high - e.value) / e.value for e in (sure, sure_real)))
    scores = [
        sure.score(name, "model", True),
        sure_real.score(name, "real", True),
        Estimate(ratio, ratio - width, ratio + width).score(name.replace("_", "_ratio_", 1), "model", True),
    ]
    return scores, {"class_share": share, "class_share_real": share_real}


def _confidence(logits: np.ndarray) -> tuple[Estimate, list[float]]:
    """Mean of the largest probability, and the share of each class."""
    likely = torch.from_numpy(logits).double().softmax(1)
    share = torch.bincount(likely.argmax(1), minlength=likely.shape[1]) / len(likely)
    return around(likely.max(1).values.tolist()), share.tolist()
