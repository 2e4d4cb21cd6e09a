"""The benchmarks run, and both sides train the same network."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import deep, distance, drawing, large, networks, ours, plain, training
from benchmarks.__main__ import _cells
from benchmarks.measure import Row, Timing, interleaved, stepped
from genfoundry.files import YOUNG
from genfoundry.modelling.resampling import degrade
from genfoundry.models.pixelcnn import Drawing

IMAGES = np.random.default_rng(0).integers(0, 256, (160, 1, 28, 28), np.uint8)


def test_the_fused_generator_computes_what_the_plain_one_does():
    torch.manual_seed(0)
    usual, _ = networks.dcgan_32()
    fused, _ = networks.dcgan_32(fused=True)
    for to, source in zip(fused.parameters(), usual.parameters(), strict=True):
        to.data.copy_(source.data)
    z = torch.randn(4, 100)
    assert torch.allclose(usual(z), fused(z), atol=1e-5)


def test_the_spectral_kernels_compute_what_the_masked_ones_do():
    torch.manual_seed(0)
    usual, spectral = deep.masked_convolutions(8, 3), deep.masked_convolutions(8, 3, spectral=True)
    spectral.load_state_dict(usual.state_dict())
    images = torch.rand(2, 1, 12, 12)
    assert torch.allclose(usual(images), spectral(images), atol=1e-5)
    changed = images.clone()
    changed[:, :, 6, 5] = 0
    reached = (usual.eval()(images) != usual(changed)).any(1).flatten(1).any(0)
    assert reached.nonzero().min() == 6 * 12 + 6  # the pixel after it is the first that sees it


def test_the_papers_networks_have_its_rules():
    generator, discriminator = networks.dcgan_2016()
    assert generator(torch.randn(2, 100, 1, 1)).shape == (2, 1, 28, 28)
    assert discriminator(torch.zeros(2, 1, 28, 28)).shape == (2, 1)
    weight = generator.state_dict()["3.weight"]
    assert weight.shape == (128, 64, 4, 4)
    assert float(weight.std()) == pytest.approx(0.02, rel=0.05)


def test_the_usual_loop_learns():
    torch.manual_seed(0)
    pictures = plain.Pictures(np.broadcast_to(IMAGES[:1], IMAGES.shape), 28, signed=False)
    image, _ = pictures[0]
    assert image.shape == (1, 28, 28)
    assert 0 <= float(image.min()) < float(image.max()) <= 1
    losses = plain.variational(networks.VariationalPerceptron(), plain.pairs(pictures, 32))
    first, *_, last = (next(losses)[0] for _ in range(12))
    assert last < first


@pytest.mark.parametrize("family", ["gan", "cgan", "pixelcnn", "srgan"])
def test_both_sides_take_the_same_steps(family: str):
    contest = training.CONTESTS[family]
    side = min(contest.side, 32)
    pixels = np.random.default_rng(0).integers(0, 256, (4, contest.colours, side, side), np.uint8)
    split = ours.Pixels(pixels)
    batch = split.batch(torch.arange(4))
    first = {"pixelcnn": batch.images.add(1).div(2), "srgan": degrade(batch.images, 4)}.get(family, batch.images)
    pair = [first, batch.images if family == "srgan" else batch.labels]
    torch.manual_seed(0)
    model = contest.same(split.spec)
    optimizers = model.optimizers()

    def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()

    torch.manual_seed(0)
    losses = contest.loop(itertools.repeat(pair))
    for step in range(2):
        torch.manual_seed(step)
        usual = next(losses)
        torch.manual_seed(step)
        mine = list(model.training_step(batch, step, update).values())
        assert [float(loss) for loss in mine[: len(usual)]] == pytest.approx(usual, rel=1e-3)


def test_drawing_gives_the_same_images_both_ways(monkeypatch: pytest.MonkeyPatch):
    assert drawing.row(8, 2, rounds=1).peer is not None
    rightly = Drawing.begin_row

    def forgetfully(kept: Drawing, row: int, above: torch.Tensor | None) -> None:
        rightly(kept, row, above)
        kept.rows[2].zero_()

    monkeypatch.setattr(Drawing, "begin_row", forgetfully)
    with pytest.raises(AssertionError, match="of the images are the same"):
        drawing.row(8, 2, rounds=1)


@pytest.mark.slow
@pytest.mark.servers
def test_rows_of_training():
    (row,) = training.peers(IMAGES, 1e10, {"vae": 2}, rounds=1)
    assert row.peer is not None
    assert row.ours.process > 0
    assert row.peer.process > 0
    assert 0 < (row.share or 0) < 100
    assert len(_cells(row)) == 7


@pytest.mark.slow
@pytest.mark.servers
def test_a_lightning_run_beside_a_bare_loop():
    (row,) = training.overhead(IMAGES, 1e10, {"gan": 2}, rounds=1)
    assert row.peer is not None
    assert row.ours.process > 0


def test_the_distances_agree():
    names = [row.what for row in distance.rows(8, 64, rounds=1)]
    assert len(names) == 2


def test_sides_take_turns_and_medians_are_taken():
    calls: list[str] = []
    seconds = iter([3.0, 9.0, 1.0, 7.0, 2.0, 8.0])

    def side(name: str):
        def run() -> Timing:
            calls.append(name)
            now = next(seconds)
            return Timing(now, now)

        return run

    a, b = interleaved(side("a"), side("b"), rounds=3)
    assert "".join(calls) == "ababab"
    assert (a.process, b.process) == (2.0, 8.0)
    assert _cells(Row("x", a, b))[3] == "4.00"


def test_the_first_steps_do_not_count():
    taken = []
    stepped((taken.append(i) for i in range(100)), 5)()
    assert len(taken) == 7


def test_a_set_is_hashed_once_in_a_step_and_never_held(root):
    count = 400
    assert large.cost(large.write, root, count).passes == pytest.approx(1, abs=0.01)
    time.sleep(YOUNG / 1e9)
    assert large.cost(large.open_often, root, count).passes == pytest.approx(1, abs=0.01)
    assert large.cost(large.judge, root, count).passes == 0, "this process has just read the set"
    assert large.cost(large.write, root / "another", count).memory < 0.5
