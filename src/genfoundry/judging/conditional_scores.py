"""How well a conditional model makes what it is asked for, class by class."""

from __future__ import annotations

from functools import partial
from typing import cast

import numpy as np
import torch
from torch.optim.lr_scheduler import LinearLR

from genfoundry.judging.features import Domain, Extractor, cached_features, remembered, sha256
from genfoundry.judging.image_sets import ImageSet, LabelledImages, RealImages
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.kinds.image.rows import ImageBatch, to_batch
from genfoundry.metrics.frechet import Frechet
from genfoundry.model import Classifies, Model
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Estimate, around, size_name, wilson
from genfoundry.stopping import until_interrupted

TEACHING = 12  # samples that teach, at most, for each one that a drawing judges
BATCH = 64  # images in a step of the training behind a classification accuracy score


def scores(
    extractor: Extractor, real: RealImages, made: ImageSet, as_many: ImageSet, seed: int
) -> tuple[list[Score], list[float]]:
    """Accuracy of the classes asked for, distance class by class, and what a classifier learns from the samples alone.

    `label_accuracy` is the share of samples that the extractor takes for the class asked for; `classification_accuracy`
    is the accuracy on real test images of a fresh classifier of the extractor's architecture that was trained on
    `as_many` samples (Ravuri and Vinyals, Classification Accuracy Score, 2019, arXiv 1905.10887: as many as there are
    training images; see `num_teaching_samples`), beside one trained on the training images for as many steps, which
    are in the score's name.

    Returns:
        the scores, and each class's own distance, NaN where a class has too few images.
    """
    name, size = f"domain-{extractor.id[:8]}", size_name(len(real.test))
    asked = LabelledImages(np.concatenate(made.draws), np.concatenate(made.labels))
    held_out = LabelledImages(real.test, real.test_labels)
    found: list[Score] = []
    for subject, images in (("model", asked), ("real", held_out)):
        named = _label_accuracy(extractor, images) if subject == "real" or made.finite else UNKNOWN
        found.append(named.score(f"label_accuracy_{name}_{size}", subject))
    distances = _distances(Domain(extractor.model, extractor.id), held_out, asked)
    known = [distance for distance in distances if not np.isnan(distance)]
    found.append((around(known) if known else UNKNOWN).score(f"fd_by_class_{name}_{size}", "model"))
    taught = {
        "model": LabelledImages(as_many.draws[0], as_many.labels[0]),
        "real": LabelledImages(*real.train),
    }
    steps = max(300, len(taught["model"].labels) // 50)
    for subject, images in taught.items():
        learned = _accuracy_after(extractor, images, held_out, steps, seed)
        found.append(learned.score(f"classification_accuracy_{steps}steps_{name}_{size}", subject))
    return found, distances


def num_teaching_samples(real: RealImages, num_samples: int) -> int:
    """How many samples teach the classifier of the score: the training images' number, in a short judging fewer."""
    return min(len(real.train.labels), TEACHING * num_samples)


def _label_accuracy(extractor: Extractor, images: LabelledImages) -> Estimate:
    logits = in_chunks(cast(Classifies, extractor.model).classify, images.images, extractor.model.device)
    return wilson(int((logits.argmax(1) == images.labels).sum()), len(images.labels))


def _distances(domain: Domain, real: LabelledImages, made: LabelledImages) -> list[float]:
    """The Fréchet distance between the real and the generated images of each class, NaN where there are under three."""
    ours, theirs = cached_features(domain, real.images), domain(made.images)
    return [
        float(Frechet.score(ours[real.labels == label], theirs[made.labels == label])["fd"])
        if min((real.labels == label).sum(), (made.labels == label).sum()) > 2
        else float("nan")
        for label in range(int(real.labels.max()) + 1)
    ]


def _accuracy_after(
    extractor: Extractor, taught: LabelledImages, held_out: LabelledImages, steps: int, seed: int
) -> Estimate:
    identity = f"taught:{extractor.id}:{sha256(taught.labels)}:{sha256(held_out.images)}:{steps}:{seed}"
    train = partial(train_classifier, extractor.model, taught, held_out, steps, seed)
    hits = remembered(identity, taught.images, lambda: np.array([train()]), taught.digest)
    return wilson(int(hits[0]), len(held_out.labels))


def train_classifier(like: Model, taught: LabelledImages, held_out: LabelledImages, steps: int, seed: int) -> int:
    """Right answers on real images of a classifier like `like` that has only seen `taught`."""
    device, rng = like.device, np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = type(like)(like.spec, like.config).to(device).train()
        optimizers = model.optimizers()

        def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
            optimizers[name].zero_grad(set_to_none=True)
            loss.backward()
            optimizers[name].step()

        schedules = [LinearLR(optimizer, 1, 1 / steps, steps) for optimizer in optimizers.values()]
        for step in until_interrupted(range(steps)):
            rows = rng.integers(0, len(taught.labels), BATCH)
            batch: ImageBatch = to_batch(taught.images[rows], device, taught.labels[rows])
            model.training_step(batch, step, update)
            for schedule in schedules:
                schedule.step()
    logits = in_chunks(cast(Classifies, model.eval()).classify, held_out.images, device)
    return int((logits.argmax(1) == held_out.labels).sum())
