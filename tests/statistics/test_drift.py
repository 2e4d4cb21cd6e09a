"""Drift: closed forms, what is seen and what is not, and how often noise is taken for drift."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genfoundry.kinds.image.drift import Images, of_images
from genfoundry.kinds.series.drift import of_series
from genfoundry.metrics.kernel import kernel_distance
from genfoundry.statistics.distances import KernelDistance, ks_distance, stability_index, total_variation
from genfoundry.statistics.drift import drift


def gaussians(count: int, seed: int, shift: float = 0.0, classes: int = 4) -> Images:
    rng = np.random.default_rng(seed)
    return Images(rng.standard_normal((count, 8)) + shift, rng.integers(0, classes, count))


def wave(steps: int, seed: int, level: float = 0.0, begin: str = "2020-01-01", names: str = "ab") -> pd.DataFrame:
    """Series of a daily cycle and noise that depends on the hour before."""
    rng = np.random.default_rng(seed)
    frames = []
    for number, name in enumerate(names):
        noise = np.zeros(steps)
        for step in range(1, steps):
            noise[step] = 0.6 * noise[step - 1] + rng.standard_normal()
        stamps = pd.date_range(begin, periods=steps, freq="h", tz="UTC")
        y = 50 * number + level + 3 * np.sin(2 * np.pi * stamps.hour / 24) + noise
        frames.append(pd.DataFrame({"unique_id": name, "ds": stamps, "y": y}))
    return pd.concat(frames)


def test_the_kernel_is_that_of_the_metric():
    rows = np.random.default_rng(0).standard_normal((50, 6))
    assert KernelDistance(rows)(np.arange(20), np.arange(20, 50)) == pytest.approx(
        kernel_distance(rows[:20], rows[20:])
    )


def test_closed_forms():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert total_variation(a, a) == 0
    assert total_variation(a, b) == 0.25
    assert total_variation(np.zeros(4, int), np.ones(4, int)) == 1
    many = np.repeat([0.0, 1.0], [5000, 5000])
    fewer = np.repeat([0.0, 1.0], [2500, 7500])
    edges = np.array([0.5])
    assert stability_index(many, many, edges) == 0
    assert stability_index(many, fewer, edges) == pytest.approx(0.25 * np.log(3), rel=1e-3)
    assert ks_distance(np.arange(4.0), np.arange(4.0)) == 0
    assert ks_distance(np.arange(4.0), np.arange(4.0) + 2) == 0.5
    assert ks_distance(np.arange(4.0), np.arange(9.0) + 4) == 1


def test_images_that_moved_are_seen_and_say_so():
    found = of_images(gaussians(600, 0), gaussians(80, 1, shift=0.5), "toy", 0.05)
    kid, classes = found
    assert kid.name == "kid_toy"
    assert kid.exceeds
    assert kid.low <= kid.value <= kid.high
    assert "beyond its noise" in kid.sentence
    assert not classes.exceeds
    assert drift(600, 680, 80, 0, found).exceeds


def test_classes_that_moved_are_seen():
    old, new = gaussians(600, 0), gaussians(80, 1)
    kid, classes = of_images(old, new._replace(labels=np.zeros(80, int)), "toy", 0.05)
    assert not kid.exceeds
    assert classes.exceeds
    assert classes.value == pytest.approx(0.75, abs=0.05)


def test_images_without_labels_have_one_measure_and_few_images_none():
    old, new = gaussians(60, 0), gaussians(9, 1)
    blank = [side._replace(labels=np.full(len(side.labels), -1)) for side in (old, new)]
    assert [measure.name for measure in of_images(*blank, "toy", 0.05)] == ["kid_toy"]
    assert of_images(old, Images(new.features[:3], new.labels[:3]), "toy", 0.05) == ()


def test_the_same_images_do_not_drift():
    old = gaussians(400, 0)
    assert not any(measure.exceeds for measure in of_images(old, old, "toy", 0.05))


def test_noise_of_images_is_taken_for_drift_no_more_often_than_promised():
    alarms = sum(
        any(m.exceeds for m in of_images(gaussians(160, seed), gaussians(40, 1000 + seed), "toy", 0.1, seed))
        for seed in range(100)
    )
    assert stats.binomtest(alarms, 100, 0.1, alternative="greater").pvalue > 0.01, alarms


def test_a_level_that_rose_is_seen_in_every_measure():
    found = of_series(wave(1500, 0), wave(72, 1, level=9.0, begin="2020-03-03 12:00"), ("y",), 24, 0.05)
    assert [measure.name for measure in found] == ["psi_y", "ks_y", "level_y"]
    assert all(measure.exceeds for measure in found)
    level = found[-1]
    assert level.low <= level.value <= level.high
    deviation = np.sqrt(9 / 2 + 1 / (1 - 0.36))
    assert level.value == pytest.approx(9 / deviation, rel=0.15)
    fell = of_series(wave(1500, 0), wave(72, 1, level=-9.0, begin="2020-03-03 12:00"), ("y",), 24, 0.05)
    assert fell[-1].exceeds
    assert fell[-1].value < 0


def test_series_of_different_levels_are_not_mixed():
    """Only the higher of two series goes on; that is no change of level."""
    old, new = wave(1500, 0), wave(1572, 0)
    came = new[(new["unique_id"] == "b") & (new["ds"] > old["ds"].max())]
    assert not any(measure.exceeds for measure in of_series(old, came, ("y",), 24, 0.05))


def test_noise_of_series_is_taken_for_drift_no_more_often_than_promised():
    alarms = 0
    for seed in range(60):
        whole = wave(1248, seed, names="a")
        old, new = whole[:1200], whole[1200:]
        alarms += any(measure.exceeds for measure in of_series(old, new, ("y",), 24, 0.1))
    assert stats.binomtest(alarms, 60, 0.1, alternative="greater").pvalue > 0.01, alarms


def test_a_channel_without_values_has_no_measures():
    old, new = wave(400, 0), wave(48, 1, begin="2020-02-01")
    assert of_series(old, new.assign(y=np.nan), ("y",), 24, 0.05) == ()
