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

from genfoundry.dataset import Dataset
from genfoundry.errors import UserError
from genfoundry.exhibit import Exhibit
from genfoundry.gate import CLASS_SHARE, REAL_CLASS_SHARE
from genfoundry.judging import classes, conditional_scores, gallery
from genfoundry.judging.features import Canonical, Domain, Extractor, PixelPCA
from genfoundry.judging.image_sets import ImageSet, RealImages, floors, generated, real_images, variants
from genfoundry.kind import View
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.kinds.image.pixels import to_pixels, unit_array
from genfoundry.kinds.image.rows import to_batch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.metrics.frechet import Frechet
from genfoundry.metrics.memorisation import NEAR
from genfoundry.model import Classifies, HasLikelihood, Model, Pyramids, Reconstructs
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Estimate, around, half_samples, size_name
from genfoundry.task import Judgement
from genfoundry.tasks.generation.comparing import compared, rebuilt

if TYPE_CHECKING:
    from genfoundry.tasks.generation.about import Plan


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified image dataset; fill `out` with the gallery. The promise: `genfoundry.task`.

    The deciding score is the Fréchet distance in the extractor's features, without an extractor in the principal
    components of the pixels. A set with a pixel that is not finite scores NaN.

    Raises:
        UserError: the extractor reads images of another shape, or the Inception weights can't be had.
    """
    model.eval()
    spec, folder = cast(ImageSpec, model.spec), dataset.folder
    real = real_images(folder, plan.num_samples, plan.seed)
    sizes = len(real.test), [plan.seed + number for number in range(plan.seeds)]
    made = [generated(model, real, *sizes), *variants(model, real, *sizes)]
    pixels = PixelPCA(real.train.images)
    views = _views(spec, pixels, plan, extractor, model.device)
    scores = [*compared(views, real, [*made, *floors(real.train, len(real.test), plan.seed)], pixels, plan.seed)]
    scores += _reconstructed(model, real, plan.seed)
    scores += _by_level(model, real, views[0], plan.seed)
    exhibits: list[Exhibit] = [*gallery.draw(out, model, made, real.test, pixels)]
    details: dict[str, list[float]] = {}
    if extractor is not None and isinstance(extractor.model, Classifies):
        classed, details, shown = _by_class(model, folder, plan, extractor, real, made[0])
        scores, exhibits = scores + classed, exhibits + shown
    primary = f"fd_{views[0].name}_{size_name(len(real.test))}"
    protocol = _protocol(plan, real, views, extractor)
    return Judgement(primary, tuple(scores), protocol, details, exhibits=tuple(exhibits))


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


def _reconstructed(model: Model, real: RealImages, seed: int) -> Iterator[Score]:
    """Scores of the model's code and likelihood on the test images, where it has them."""
    size = size_name(len(real.test))
    original = unit_array(real.test.astype(np.float32))
    if isinstance(model, Reconstructs):
        again = in_chunks(model.reconstruct, real.test, model.device)
        for kind, estimate in rebuilt(original, again, seed):
            yield estimate.score(f"{kind.name}_test_{size}", "model")
    if isinstance(model, HasLikelihood):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # a bound may draw its latents
            nats = in_chunks(model.log_likelihood, real.test, model.device)
        bits = -nats.astype(np.float64) / (original[0].size * math.log(2))
        name = "bits_per_dim" if model.exact_likelihood else "elbo_bits_per_dim"
        yield around([*bits]).score(f"{name}_test_{size}", "model")


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
        yield half_samples(Frechet.score, ours, [theirs], 10, seed)["fd"].score(name, "model")


def _by_class(
    model: Model, folder: Path, plan: Plan, extractor: Extractor, real: RealImages, made: ImageSet
) -> tuple[list[Score], dict[str, list[float]], list[Exhibit]]:
    """What the extractor's classifier says of the samples: scores, the shares of classes for the gate, and exhibits."""
    scores, details = _classed(extractor, real, made)
    names = classes.class_names(model, folder, len(details[REAL_CLASS_SHARE]))
    shown: list[Exhibit] = []
    if CLASS_SHARE in details:
        shown.append(classes.shares(names, details[CLASS_SHARE], details[REAL_CLASS_SHARE]))
    if model.takes_labels:
        count = conditional_scores.num_teaching_samples(real, plan.num_samples)
        as_many = generated(model, real, count, [plan.seed])
        asked, distances = conditional_scores.scores(extractor, real, made, as_many, plan.seed)
        scores = scores + asked
        shown.append(classes.distances(names[: len(distances)], distances))
    return scores, details, shown


def _classed(extractor: Extractor, real: RealImages, made: ImageSet) -> tuple[list[Score], dict[str, list[float]]]:
    """How sure the classifier is of the samples, and how they spread over the classes."""
    classify: Callable = cast(Classifies, extractor.model).classify
    device, name = extractor.model.device, f"confidence_domain-{extractor.id[:8]}_{size_name(len(real.test))}"
    sure_real, share_real = _confidence(in_chunks(classify, real.test, device))
    if not made.finite:
        return [UNKNOWN.score(name, "model")], {REAL_CLASS_SHARE: share_real}
    sure, share = _confidence(np.concatenate([in_chunks(classify, draw, device) for draw in made.draws]))
    ratio = sure.value / sure_real.value
    width = ratio * math.hypot(*((e.high - e.value) / e.value for e in (sure, sure_real)))
    scores = [
        sure.score(name, "model"),
        sure_real.score(name, "real"),
        Estimate(ratio, ratio - width, ratio + width).score(name.replace("_", "_ratio_", 1), "model"),
    ]
    return scores, {CLASS_SHARE: share, REAL_CLASS_SHARE: share_real}


def _confidence(logits: np.ndarray) -> tuple[Estimate, list[float]]:
    """Mean of the largest probability, and the share of each class."""
    likely = torch.from_numpy(logits).double().softmax(1)
    share = torch.bincount(likely.argmax(1), minlength=likely.shape[1]) / len(likely)
    return around(likely.max(1).values.tolist()), share.tolist()
