import shutil

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from support.toys import Toy, scores_of
from torch.nn import functional as F

from genfoundry.dataset import verify
from genfoundry.exhibit import Picture
from genfoundry.judging.image_sets import real_images
from genfoundry.kinds.image import storage
from genfoundry.modelling.resampling import luminance
from genfoundry.tasks.super_resolution.about import Plan
from genfoundry.tasks.super_resolution.judge import judge

pytestmark = pytest.mark.usefixtures("root")
PLAN = Plan(num_samples=60)


class Scale(BaseModel):
    scale: int = 2


class Nearest(Toy):
    """Repeats each pixel."""

    task = "super_resolution"

    def __init__(self) -> None:
        super().__init__()
        self.config = Scale()

    def upscale(self, low):
        return F.interpolate(low, scale_factor=2, mode="nearest")


class Oracle(Nearest):
    """Knows the answers, and hands them out in order; its variant blurs."""

    def __init__(self, folder) -> None:
        super().__init__()
        answers = real_images(folder, PLAN.num_samples, PLAN.seed).test
        self.answers = torch.from_numpy(answers).float() / 127.5 - 1

    def upscale(self, low):
        given, self.answers = self.answers[: len(low)], self.answers[len(low) :]
        return given

    def upscale_variants(self):
        return {"blurred": lambda low: F.interpolate(F.avg_pool2d(low, 2), scale_factor=4, mode="bilinear")}


@pytest.fixture
def found(mnist_folder, tmp_path):
    return judge(Oracle(mnist_folder), verify(mnist_folder), PLAN, None, tmp_path)


def test_a_perfect_enlargement_has_no_distance(found):
    own = scores_of(found)
    assert found.primary == "relative_fd_random32_x2_60"
    assert own["psnr_y_x2_60"].value == pytest.approx(100)
    assert own["ssim_y_x2_60"].value == pytest.approx(1, abs=1e-4)
    assert own[found.primary].value == pytest.approx(0, abs=1e-4)


def test_a_set_without_pairs_is_reduced(found):
    assert found.protocol["degradation"] == "bicubic with antialiasing, rounded to 8 bits"


def test_bicubic_is_the_unit_and_a_blur_is_worse(found):
    bicubic, blurred, lanczos = (scores_of(found, name) for name in ("bicubic", "blurred", "lanczos"))
    assert bicubic[found.primary].value == pytest.approx(1)
    assert bicubic[found.primary].low == pytest.approx(bicubic[found.primary].high)
    assert blurred["psnr_y_x2_60"].value < bicubic["psnr_y_x2_60"].value < lanczos["psnr_y_x2_60"].value
    assert blurred[found.primary].low > 1


def test_what_is_paired_is_enlarged_as_it_was_given(mnist_folder, tmp_path):
    """Sources of one flat grey: whatever enlarges them, the luminance is that grey."""
    folder = shutil.copytree(mnist_folder, tmp_path / "pairs")
    np.save(folder / "test-sources.npy", np.full((len(storage.read(folder, "test").labels), 1, 14, 14), 100, np.uint8))
    made = judge(Nearest(), verify(folder), PLAN, None, tmp_path)
    real = real_images(folder, PLAN.num_samples, PLAN.seed).test
    ours = (luminance(real) - luminance(np.full_like(real, 100)))[..., 2:-2, 2:-2] / 255
    psnr = np.mean(-10 * np.log10((ours**2).mean((1, 2, 3))))
    assert made.protocol["degradation"] == "as given"
    for side in ("model", "bicubic", "lanczos"):
        assert scores_of(made, side)["psnr_y_x2_60"].value == pytest.approx(psnr, abs=1e-3)


def test_the_gallery_shows_all_sides(mnist_folder, tmp_path):
    (shown,) = judge(Oracle(mnist_folder), verify(mnist_folder), PLAN, None, tmp_path).exhibits
    assert isinstance(shown, Picture)
    assert (tmp_path / shown.file).stat().st_size > 1000
    assert shown.caption == "From top to bottom: given, Lanczos, bicubic, blurred, this model, real."
