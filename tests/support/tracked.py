"""What the tests of tracking and registration share: a tiny real model, and evaluations of it."""

from __future__ import annotations

from pathlib import Path

import torch

from genfoundry import tracking
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.records import Checkpoint, Cost, DatasetVersion, Evaluation, Reason, Score, Verdict
from genfoundry.training.loader import build_model, write_model

SPEC = ImageSpec(channels=1, height=8, width=8, num_classes=10)
DATA = DatasetVersion(name="digits", kind="image", digest="0123456789abcdef" * 2 + ".dir", spec=SPEC)
PRIMARY = "fd_pixels_64"
PASS = Verdict(decision="PROMOTE", reasons=(Reason(rule="finite", passed=True, sentence="All finite."),))
REJECTED = Verdict(decision="REJECT", reasons=(Reason(rule="finite", passed=False, sentence="NaN."),))


def tiny_model(folder: Path, seed: int = 0) -> str:
    """Publish a small untrained GAN of 8×8 images into `folder`; returns the weights' sha256."""
    torch.manual_seed(seed)
    model = build_model("gan", SPEC, {"width": 8, "latent_dim": 4})
    return write_model(folder, "gan", model, model.state_dict())


def evaluation(run_key: str, run_id: str, weights: str, fd: float = 5.0, data: DatasetVersion = DATA) -> Evaluation:
    """An evaluation with a primary score of `fd` ± 0.5, beside a noise floor at 100."""
    checkpoint = Checkpoint(
        recipe="tiny", family="gan", run_key=run_key, run_id=run_id, weights_digest=weights, dataset=data, seed=0,
        cost=Cost(seconds=1.5, steps=10, parameters=100, device="cpu", precision="fp32"),
    )  # fmt: skip
    scores = (
        Score(name=PRIMARY, value=fd, low=fd - 0.5, high=fd + 0.5, higher_is_better=False),
        Score(name=PRIMARY, subject="noise", value=100, low=99, high=101, higher_is_better=False),
    )
    return Evaluation(
        checkpoint=checkpoint, primary=PRIMARY, scores=scores, protocol={"samples": 64}, trivial=("noise",)
    )


def trained(run_key: str, folder: Path, fd: float = 5.0, seed: int = 0, data: DatasetVersion = DATA) -> Evaluation:
    """A run with a published tiny model, and its evaluation."""
    run_id = tracking.start_run(run_key, recipe="tiny", tags={}, params={"seed": seed}, dataset=data)
    weights = tiny_model(folder / run_key, seed)
    tracking.publish_model(run_id, folder / run_key)
    tracking.finish(run_id, "FINISHED", "COMPLETED", "Trained.")
    return evaluation(run_key, run_id, weights, fd, data)


def untrained(data: DatasetVersion, family: str, settings: dict, folder: Path, names: tuple = ()) -> Checkpoint:
    """A small model that learned nothing, published as a run's weights."""
    torch.manual_seed(0)
    model = build_model(family, data.spec, settings)
    weights = write_model(folder, family, model, model.state_dict(), names)
    key = f"{family}-{data.digest[:8]}-{folder.name}"
    run_id = tracking.start_run(key, recipe=family, tags={}, params={}, dataset=data)
    tracking.publish_model(run_id, folder)
    tracking.finish(run_id, "FINISHED", "COMPLETED", "Trained.")
    cost = Cost(seconds=1.5, steps=10, parameters=100, device="cpu", precision="fp32")
    return Checkpoint(
        recipe=family, family=family, run_key=key, run_id=run_id, weights_digest=weights, dataset=data, seed=0,
        cost=cost,
    )  # fmt: skip


def registered(name: str, tmp_path: Path, fd: float, seed: int, verdict: Verdict = PASS) -> int:
    """A version, not yet under any alias."""
    found = trained(f"{name}-{seed}", tmp_path, fd, seed)
    return tracking.register(name, found.checkpoint.run_id, found, verdict, f"key-{seed}", "A card.", {"family": "gan"})
