import numpy as np
import pytest
import scipy.linalg
import torch

from genfoundry.metrics.frechet import Frechet, fd_infinity, frechet_distance


def features(rows: int, columns: int, seed: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(columns, columns)) / columns**0.5 + np.eye(columns)
    return rng.normal(size=(rows, columns)) @ mix + shift


def reference(real: np.ndarray, fake: np.ndarray) -> float:
    gap = real.mean(0) - fake.mean(0)
    s1, s2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.asarray(scipy.linalg.sqrtm(s1 @ s2)).real
    return float(gap @ gap + np.trace(s1) + np.trace(s2) - 2 * np.trace(root))


def torchmetrics_value(real: np.ndarray, fake: np.ndarray) -> float:
    from torchmetrics.image.fid import _compute_fid

    a, b = torch.from_numpy(real), torch.from_numpy(fake)
    return float(_compute_fid(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T)))


@pytest.mark.parametrize(("rows", "columns"), [(400, 32), (1000, 96), (64, 64)])
def test_agrees_with_scipy_and_torchmetrics(rows, columns):
    real, fake = features(rows, columns, 0), features(rows + 50, columns, 1, shift=0.3)
    ours = frechet_distance(real, fake)
    near = 1e-9 if rows > columns else 1e-6  # both references lose digits to a zero eigenvalue, some processors more
    assert ours == pytest.approx(torchmetrics_value(real, fake), rel=near)
    assert ours == pytest.approx(reference(real, fake), rel=near)


@pytest.mark.parametrize(("rows", "columns"), [(20, 64), (60, 200)])
def test_agrees_where_rows_are_fewer_than_columns(rows, columns):
    real, fake = features(rows, columns, 2), features(rows + 5, columns, 3, shift=0.2)
    # Both references lose half the digits to the zero eigenvalues, so the exact value is taken from the row space.
    joint = np.linalg.svd(np.concatenate([real, fake]), full_matrices=False)[2]
    exact = frechet_distance(real @ joint.T, fake @ joint.T)
    assert frechet_distance(real, fake) == pytest.approx(exact, rel=1e-9)
    assert frechet_distance(real, fake) == pytest.approx(torchmetrics_value(real, fake), rel=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(300, 40), (64, 64)])
def test_both_ways_agree_with_the_singular_values_of_the_factors(rows, columns):
    real, fake = features(rows, columns, 4), features(rows, columns, 5, shift=0.1)
    a, b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (real, fake))
    gap = real.mean(0) - fake.mean(0)
    exact = gap @ gap + (a**2).sum() + (b**2).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert frechet_distance(real, fake) == pytest.approx(float(exact), rel=1e-9)


def test_closed_form_of_axis_aligned_gaussians():
    """Samples of exactly these moments: the distance is Σ (μ₁ − μ₂)² + Σ (σ₁ − σ₂)²."""
    base = features(500, 8, 6)
    base = base - base.mean(0)
    white = base @ np.linalg.inv(np.linalg.cholesky(np.cov(base, rowvar=False))).T
    s1, s2, gap = np.linspace(1, 2, 8), np.linspace(3, 0.5, 8), np.linspace(-1, 1, 8)
    expected = (gap**2).sum() + ((s1 - s2) ** 2).sum()
    assert frechet_distance(white * s1, white * s2 + gap) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rows", [20, 400])
def test_zero_for_itself_and_symmetric(rows):
    x, y = features(rows, 32, 7), features(rows, 32, 8, shift=1)
    assert frechet_distance(x, x) < 1e-9 * (x**2).sum() / rows
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)


def test_constant_and_dead_features_do_not_break_it():
    real, fake = features(200, 16, 9), features(200, 16, 10)
    real[:, 8:] = 0
    fake[:, 8:] = 0
    assert frechet_distance(real, fake) == pytest.approx(frechet_distance(real[:, :8], fake[:, :8]), rel=1e-6)
    collapsed = np.full((200, 16), 0.5)
    expected = np.trace(np.cov(real, rowvar=False)) + ((real.mean(0) - 0.5) ** 2).sum()
    assert frechet_distance(real, collapsed) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite_in_not_finite_out(bad):
    x, y = features(50, 4, 11), features(50, 4, 12)
    y[3, 1] = bad
    assert all(np.isnan(value) for value in Frechet.score(x, y).values())


def test_the_limit_removes_most_of_the_bias():
    """Two sets of one distribution: FD is biased upwards by about D (D + 1) / N, FD∞ is near zero."""
    rng = np.random.default_rng(13)
    pairs = [rng.normal(size=(2, 600, 24)) for _ in range(6)]
    plain = np.mean([frechet_distance(a, b) for a, b in pairs])
    limit = np.mean([fd_infinity(a, b) for a, b in pairs])
    assert plain > 0.3
    assert abs(limit) < plain / 5
