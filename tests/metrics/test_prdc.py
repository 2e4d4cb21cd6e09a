import numpy as np
import pytest

from genfoundry.metric import kinds_of
from genfoundry.metrics.prdc import Prdc, prdc


def by_definition(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    def distances(a, b):
        return np.linalg.norm(a[:, None] - b[None], axis=-1)

    real_radius = np.sort(distances(real, real), 1)[:, k]
    fake_radius = np.sort(distances(fake, fake), 1)[:, k]
    cross = distances(real, fake)
    inside = cross <= real_radius[:, None]
    return {
        "precision": inside.any(0).mean(),
        "recall": (cross <= fake_radius[None]).any(1).mean(),
        "density": inside.sum(0).mean() / k,
        "coverage": inside.any(1).mean(),
    }


@pytest.mark.parametrize("k", [1, 5])
def test_agrees_with_the_definition(k):
    rng = np.random.default_rng(k)
    real, fake = rng.normal(size=(120, 3)), rng.normal(size=(90, 3)) * 1.3 + 0.4
    assert prdc(real, fake, k) == pytest.approx(by_definition(real, fake, k))


def test_the_four_corner_cases():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 4))
    assert prdc(real, rng.normal(size=(300, 4)))["recall"] > 0.8
    far = prdc(real, real + 100)
    assert far == dict.fromkeys((kind.name for kind in kinds_of(Prdc)), 0.0)
    narrow = prdc(real, real[:1] + rng.normal(size=(300, 4)) * 1e-3)  # one mode: real, but not diverse
    assert narrow["precision"] == 1.0
    assert narrow["recall"] < 0.01
    assert narrow["coverage"] < 0.1


def test_not_finite():
    x = np.random.default_rng(0).normal(size=(20, 2))
    y = x.copy()
    y[0, 0] = np.inf
    assert all(np.isnan(value) for value in prdc(x, y).values())
