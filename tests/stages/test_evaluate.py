"""What is judged is proved first: the weights that a checkpoint names, and those of the classifier beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.tracked import untrained
from support.trained import digits

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.tasks.generation.about import Plan
from genfoundry.tracking.published import SEALS
from genfoundry.tracking.store import client

PLAN = Plan(num_samples=64)


def published(run_id: str) -> Path:
    return Path(client().get_run(run_id).info.artifact_uri.removeprefix("file://")) / "model"


def reseal(run_id: str) -> None:
    """Let the run vouch for what lies there now."""
    seals = {path.name: file_digest(path) for path in published(run_id).iterdir()}
    tracking.set_tags(run_id, {SEALS: json.dumps(seals)})


def describe_others(run_id: str) -> None:
    """A description that names other weights than the ones beside it, sealed like all the rest."""
    path = published(run_id) / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights_sha256": "0" * 64}))
    reseal(run_id)


@pytest.mark.parametrize("whose", ["model", "classifier"])
@pytest.mark.parametrize(
    "how", ["a byte changed", "a byte changed, and sealed again", "other weights with seals of their own"]
)
def test_weights_that_are_not_the_checkpoint_s_are_not_judged(root, tmp_path, whose, how):
    data = digits(root)
    checkpoint = untrained(data, "gan", {"width": 8, "latent_dim": 4}, tmp_path / "gan")
    classifier = untrained(data, "cnn", {}, tmp_path / "cnn")
    victim = checkpoint if whose == "model" else classifier
    if how.startswith("a byte changed"):
        path = published(victim.run_id) / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")
        found = "model/weights.safetensors"
        if how.endswith("again"):
            reseal(victim.run_id)
            found = "publishes weights with sha256"
    else:
        other = victim.model_copy(update={"weights_digest": "0" * 64})
        checkpoint, classifier = (other, classifier) if whose == "model" else (checkpoint, other)
        found = "publishes weights with sha256"
    with pytest.raises(UserError, match=found) as caught:
        evaluate_model(checkpoint, PLAN, classifier)
    assert victim.run_id in str(caught.value)
    assert caught.value.remedy.startswith("genfoundry doctor")
    assert not tracking.has_artifact(checkpoint.run_id, "evaluation")


def test_weights_beside_a_description_of_others_are_not_judged(root, tmp_path):
    checkpoint = untrained(digits(root), "gan", {"width": 8, "latent_dim": 4}, tmp_path / "gan")
    describe_others(checkpoint.run_id)
    with pytest.raises(UserError, match=f"names weights with sha256 {'0' * 64}") as caught:
        evaluate_model(checkpoint, PLAN)
    assert caught.value.expected == checkpoint.weights_digest
