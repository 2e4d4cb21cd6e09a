import math
import struct

import numpy as np
import pytest
import torch
from support.toys import Shapes, Toy, scores_of

from genfoundry import gate
from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.exhibit import Bars, Picture
from genfoundry.judging import features, inception
from genfoundry.judging.features import Extractor
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.records import Checkpoint, Cost, Evaluation, Verdict
from genfoundry.task import Judgement
from genfoundry.tasks.generation.about import Plan
from genfoundry.tasks.generation.judge import judge

PLAN = Plan(num_samples=200, seeds=2)
SMALL = Plan(num_samples=100, seeds=1)


class Planter(Toy):
    """Uniform noise, but for three copies in a call of 250."""

    def sample(self, like, generator=None):
        made = torch.rand(like.images.shape, generator=generator) * 2 - 1
        made[::100] = like.images[::100]
        return made


class OneDigit(Toy):
    """Always the same image."""

    def sample(self, like, generator=None):
        return like.images.new_full(like.images.shape, -1.0)


class Broken(Toy):
    def sample(self, like, generator=None):
        made = like.images.clone()
        made[0, 0, 3, 4] = math.nan
        return made


class Coder(Toy):
    """A noisy generator that reconstructs with an error of 0.2 and knows a likelihood."""

    noise = 0.4

    def sample_variants(self):
        return {"plain": lambda like, generator=None: -like.images}

    def reconstruct(self, batch):
        return (batch.images - 0.2 * batch.images.sign()).clamp(-1, 1)

    def log_likelihood(self, batch):
        return torch.full((len(batch),), -784 * math.log(2) * 1.5)


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


@pytest.fixture
def extractor(mnist_folder) -> Extractor:
    return Extractor(Shapes(mnist_folder), "1a2b3c4d5e6f")


def verdict_of(found: Judgement, version) -> Verdict:
    checkpoint = Checkpoint(
        recipe="toy", family="toy", run_key="k", run_id="r", weights_digest="w", dataset=version, seed=0, cost=Cost()
    )
    return gate.decide(
        Evaluation(
            checkpoint=checkpoint, primary=found.primary, scores=found.scores, protocol=found.protocol,
            details=found.details, trivial=found.trivial,
        ),
        None,
        gate.Policy(),
    )  # fmt: skip


@pytest.fixture
def version(mnist_folder):
    from genfoundry.dataset import verify

    return verify(mnist_folder).version


def test_a_replay_of_the_training_set_is_rejected_although_its_distance_is_the_best(
    mnist_folder, extractor, version, tmp_path
):
    found = judge(Toy(), verify(mnist_folder), PLAN, extractor, tmp_path)
    own, real, noise = scores_of(found), scores_of(found, "real"), scores_of(found, "noise")
    assert found.primary == "fd_domain-1a2b3c4d_200"
    assert own[found.primary].low <= real[found.primary].high  # as good as real data
    assert own[found.primary].high < noise[found.primary].low / 20
    verdict = verdict_of(found, version)
    assert verdict.decision == "REJECT"
    assert [reason.rule for reason in verdict.reasons if not reason.passed] == ["not a copy"]


def test_what_is_scored_and_how_it_is_named(mnist_folder, extractor, tmp_path):
    found = judge(Toy(), verify(mnist_folder), PLAN, extractor, tmp_path)
    own = scores_of(found)
    for view in ("domain-1a2b3c4d", "pca64"):
        assert {f"{name}_{view}_200" for name in ("fd", "fd_inf", "kid")} <= set(own)
    assert {f"{name}_domain-1a2b3c4d_200" for name in ("precision", "recall", "density", "coverage")} <= set(own)
    assert {f"{name}_pca64_200" for name in ("near_copy_rate", "authenticity", "c_t")} <= set(own)
    for floor in ("real", "copy", "noise"):
        assert {name for name in own if not name.startswith("confidence")} <= set(scores_of(found, floor))
    assert all(score.low <= score.value <= score.high for score in found.scores)
    assert scores_of(found, "real")["near_copy_rate_pca64_200"].value == 0.0
    assert scores_of(found, "copy")["near_copy_rate_pca64_200"].value == 1.0
    assert scores_of(found, "real")["recall_domain-1a2b3c4d_200"].value > 0.8
    assert sum(found.details["class_share"]) == pytest.approx(1)
    assert max(found.details["class_share"]) < 0.2
    (shares,) = (each for each in found.exhibits if isinstance(each, Bars))
    assert [share for _, share in shares.bars] == found.details["class_share"]
    assert own["confidence_ratio_domain-1a2b3c4d_200"].value == pytest.approx(1, abs=0.05)


def test_noise_with_a_few_planted_copies_is_caught(mnist_folder, version, tmp_path):
    found = judge(Planter(), verify(mnist_folder), Plan(num_samples=1000, seeds=1), None, tmp_path)
    assert found.primary == "fd_pca64_1k"  # without an extractor
    assert scores_of(found)["near_copy_rate_pca64_1k"].value == 0.012
    failed = {reason.rule for reason in verdict_of(found, version).reasons if not reason.passed}
    assert "not a copy" in failed


def test_collapse_and_not_finite_are_rejected_without_a_crash(mnist_folder, extractor, version, tmp_path):
    failed = {}
    for model in (OneDigit(), Broken()):
        verdict = verdict_of(judge(model, verify(mnist_folder), PLAN, extractor, tmp_path), version)
        failed[type(model).__name__] = {reason.rule for reason in verdict.reasons if not reason.passed}
        assert verdict.decision == "REJECT"
    assert {"not collapsed", "classes kept"} <= failed["OneDigit"]
    assert {"finite", "beats noise", "not a copy"} <= failed["Broken"]


def test_optional_promises_and_variants(mnist_folder, tmp_path):
    found = judge(Coder(), verify(mnist_folder), PLAN, None, tmp_path)
    own = scores_of(found)
    assert own["mse_test_200"].value == pytest.approx(0.01, rel=0.01)
    assert own["psnr_test_200"].value == pytest.approx(20, rel=0.01)
    assert own["elbo_bits_per_dim_test_200"].value == pytest.approx(1.5, rel=1e-5)
    assert scores_of(found, "plain")[found.primary].low > own[found.primary].high
    pictures = [each for each in found.exhibits if isinstance(each, Picture)]
    assert [each.file for each in pictures] == [
        "samples.png", "samples-plain.png", "neighbours.png", "reconstructions.png",
    ]  # fmt: skip
    assert {path.name for path in tmp_path.glob("*.*")} == {each.file for each in pictures}
    assert [each.stands_for is not None for each in pictures] == [True, False, False, False]


def test_the_same_model_gives_the_same_scores_and_pictures(mnist_folder, extractor, tmp_path):
    folders = [tmp_path / name for name in "ab"]
    found = []
    for folder in folders:
        folder.mkdir()
        found.append(judge(Coder(), verify(mnist_folder), SMALL, extractor, folder))
    assert found[0] == found[1]
    for name in ("samples.png", "neighbours.png", "reconstructions.png"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    width, height = struct.unpack(">II", (folders[0] / "samples.png").read_bytes()[16:24])
    assert (width, height) == (582, 582)  # ten cells of 56 pixels, gaps of 2


def test_a_damaged_feature_cache_is_made_again(mnist_folder, extractor, root, tmp_path):
    first = judge(Toy(), verify(mnist_folder), SMALL, extractor, tmp_path)
    cached = sorted((root / ".genfoundry" / "features").iterdir())
    assert cached
    for number, path in enumerate(cached):
        content = bytearray(path.read_bytes())
        content[-1 if number % 2 else 40] ^= 1
        path.write_bytes(content if number % 3 else content[: len(content) // 2])
    assert judge(Toy(), verify(mnist_folder), SMALL, extractor, tmp_path) == first


def test_the_cache_is_read_and_knows_its_pixels():
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 1, 3, 4)
    made = []

    def make():
        made.append(1)
        return np.ones((2, 2), np.float32)

    for source in (pixels, pixels, pixels[::-1], pixels.reshape(2, 1, 4, 3)):
        features.remembered("view", source, make)
    assert len(made) == 3
    features.remembered("another view", pixels, make)
    assert len(made) == 4


def test_principal_components_of_large_images_stay_cheap_and_keep_distances():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 256, (200, 3, 4, 4), np.uint8)
    large = low.repeat(16, 2).repeat(16, 3)  # 64 × 64, of which only 48 values are free
    view = features.PixelPCA(large)
    assert view.name == "pca64"
    made = view(large)
    gaps = (
        np.linalg.norm((low[0].astype(float) - low[1]) / 127.5) * 4
    )  # averaged over 4 × 4 pixels, each value is there 4 × 4 times
    assert np.linalg.norm(made[0] - made[1]) == pytest.approx(gaps, rel=1e-3)


def test_an_extractor_of_another_shape_is_refused(mnist_folder, extractor, tmp_path):
    extractor.model.spec = ImageSpec(channels=3, height=32, width=32)
    with pytest.raises(UserError, match="1a2b3c4d5e6f"):
        judge(Toy(), verify(mnist_folder), PLAN, extractor, tmp_path)


def test_inception_weights_are_checked_before_they_are_loaded(mnist_folder, tmp_path):
    with pytest.raises(UserError, match="no Inception weights"):
        inception.load(str(tmp_path / "absent.pth"))
    wrong = tmp_path / inception.FILE
    wrong.write_bytes(b"not the weights")
    with pytest.raises(UserError, match=inception.SHA256):
        judge(Toy(), verify(mnist_folder), PLAN.model_copy(update={"inception_weights": str(wrong)}), None, tmp_path)


def test_the_inception_network_has_the_published_shape():
    """The weights file holds 95,628,359 bytes, of which 95,542,320 are tensors; the rest is the archive's index."""
    network = inception.Inception().eval()
    state = network.state_dict()
    assert len(state) == 566
    assert sum(tensor.numel() * tensor.element_size() for tensor in state.values()) == 95_542_320
    assert state["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    with torch.inference_mode():
        made = network(torch.randint(0, 256, (1, 3, 28, 28), dtype=torch.uint8))
    assert made.shape == (1, inception.DIMENSIONS)
    assert torch.isfinite(made).all()


def test_resizing_is_tensorflows():
    """Pixel i of the result lies at i · H / side of the source, beyond the last pixel the edge is repeated."""
    ramp = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)
    found = inception.resize_like_tensorflow(ramp, 8)
    assert found[0, 0, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    torch.testing.assert_close(inception.resize_like_tensorflow(ramp, 4), ramp)


def test_pixels_are_what_a_file_would_hold():
    made = to_pixels(torch.tensor([-2.0, -1.0, 0.0, 1.0, 7.0]))
    assert made.tolist() == [0, 0, 128, 255, 255]
