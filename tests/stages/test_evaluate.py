"""What is judged is proved first: the weights that a checkpoint names, and those of the classifier beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tracked import untrained
from support.trained import digits

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.tasks.generation.about import Plan
from genfoundry.tracking.store import client

PLAN = Plan(num_samples=64)


def weights(run_id: str) -> Path:
    return Path(client().get_run(run_id).info.artifact_uri.removeprefix("file://")) / "model" / "weights.safetensors"


@pytest.mark.parametrize("whose", ["model", "classifier"])
@pytest.mark.parametrize("how", ["a byte changed", "other weights with seals of their own"])
def test_weights_that_are_not_the_checkpoint_s_are_not_judged(root, tmp_path, whose, how):
    data = digits(root)
    checkpoint = untrained(data, "gan", {"width": 8, "latent_dim": 4}, tmp_path / "gan")
    classifier = untrained(data, "cnn", {}, tmp_path / "cnn")
    victim = checkpoint if whose == "model" else classifier
    if how == "a byte changed":
        path = weights(victim.run_id)
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")
        found = "model/weights.safetensors"
    else:
        other = victim.model_copy(update={"weights_digest": "0" * 64})
        checkpoint, classifier = (other, classifier) if whose == "model" else (checkpoint, other)
        found = "publishes weights with sha256"
    with pytest.raises(UserError, match=found) as caught:
        evaluate_model(checkpoint, PLAN, classifier)
    assert victim.run_id in str(caught.value)
    assert caught.value.remedy.startswith("genfoundry doctor")
    assert not tracking.has_artifact(checkpoint.run_id, "evaluation")
