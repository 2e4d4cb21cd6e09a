import numpy as np
import pytest

from genfoundry.judging.features import PixelPCA
from genfoundry.metrics.memorisation import Memorisation, _mann_whitney, copy_ratio, data_copying, nearest
from genfoundry.statistics.interval import wilson


@pytest.fixture(scope="module")
def digits(mnist_folder, tmp_path_factory):
    """Training and held-out digits of mnist-5k in 64 principal components."""
    from genfoundry.kinds.image import storage

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(tmp_path_factory.mktemp("root")))
        train, test = (storage.read(mnist_folder, split).images for split in ("train", "test"))
        view = PixelPCA(train)
        return train, test, view


def rate(train: np.ndarray, made: np.ndarray) -> float:
    return Memorisation.score(train, made)["near_copy_rate"]


def test_nearest_is_exact():
    rng = np.random.default_rng(0)
    train, rows = rng.normal(size=(500, 6)).astype(np.float32), rng.normal(size=(90, 6)).astype(np.float32)
    gaps = np.linalg.norm(rows[:, None] - train[None], axis=-1)
    found = nearest(train, rows)
    assert (found.row == gaps.argmin(1)).all()
    np.testing.assert_allclose(found.distance, gaps.min(1), rtol=1e-5)
    itself = nearest(train, train, others=np.arange(500))
    assert (itself.row != np.arange(500)).all()


def test_held_out_digits_are_no_copies_and_replayed_ones_all_are(digits):
    train, test, view = digits
    assert rate(view(train), view(test)) == 0.0
    assert rate(view(train), view(train[::3])) == 1.0


def test_copies_with_a_little_noise_are_seen(digits):
    train, _, view = digits
    rng = np.random.default_rng(0)
    noisy = (train[:500] + rng.normal(0, 8, train[:500].shape)).clip(0, 255).astype(np.uint8)
    assert rate(view(train), view(noisy)) > 0.9


def test_ten_planted_copies_among_a_thousand_are_caught(digits):
    train, test, view = digits
    made = view(np.concatenate([test[10:], train[:10]]))
    found = rate(view(train), made)
    assert found == pytest.approx(0.01)
    assert wilson(10, 1000).low > 0.005  # the gate's default limit


def test_smooth_and_average_images_are_no_copies(digits):
    train, test, view = digits
    average = np.broadcast_to(train.mean(0).astype(np.uint8), (50, 1, 28, 28))
    shifted = np.stack([test, np.roll(test, 1, 2), np.roll(test, 1, 3)]).mean(0).astype(np.uint8)
    assert rate(view(train), view(average)) == 0.0
    assert rate(view(train), view(shifted)) == 0.0


def test_copies_of_twins_are_seen():
    rng = np.random.default_rng(1)
    train = rng.normal(size=(400, 5))
    train[1] = train[0]
    ratio = copy_ratio(train, np.concatenate([train[:1] + 1e-4, rng.normal(size=(99, 5))]))
    assert ratio[0] < 0.25
    assert np.median(ratio) > 0.5


def test_authenticity_and_data_copying(digits):
    train, test, view = digits
    features = view(train), view(test)
    honest = Memorisation.score(features[0], features[1][500:], held_out=features[1][:500])
    copied = Memorisation.score(features[0], features[0][:500], held_out=features[1][:500])
    assert honest["authenticity"] > 0.4
    assert abs(honest["c_t"]) < 3
    assert copied["authenticity"] == 0.0
    assert copied["c_t"] < -8


def test_mann_whitney_counts_the_pairs_in_which_the_second_is_larger():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])  # 1.5 of three pairs, and three of three
    assert _mann_whitney(a, b) == pytest.approx((4.5 - 3) / (6 * 6 / 12) ** 0.5)
    assert _mann_whitney(b, a) == -_mann_whitney(a, b)


def test_data_copying_is_standard_normal_for_fresh_draws():
    rng = np.random.default_rng(3)
    values = [data_copying(*(rng.normal(size=(n, 4)) for n in (300, 150, 150))) for _ in range(20)]
    assert abs(np.mean(values)) < 1
    assert np.std(values) < 2
