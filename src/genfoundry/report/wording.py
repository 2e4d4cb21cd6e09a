"""Numbers, score names and durations in plain words, the same on the page and in the terminal."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from genfoundry.gate import paired
from genfoundry.records import Cost, Evaluation, Score

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FLOORS = ("real", "copy", "noise")

SUBJECTS = {
    "model": "this model",
    "real": "real data",
    "copy": "a plain copy",
    "noise": "the noise floor",
    "seasonal_naive": "seasonal naive",
    "random_walk": "the random walk",
    "bicubic": "bicubic",
    "lanczos": "Lanczos",
    "l1": "L1 alone",
    "isolation_forest": "isolation forest",
    "knn": "nearest neighbours",
    "auto_ets": "AutoETS",
}

# the start of a score's name -> label, what it asks; the longest start that fits is taken
MEANINGS = {
    "fd": ("Fréchet distance", "How far is the crowd of samples from the crowd of real examples?"),
    "fd_inf": ("Fréchet distance, at infinitely many samples", "The same, with the bias of a finite sample taken out."),
    "relative_fd": ("Fréchet distance, relative to bicubic", "Below 1 is nearer to real images than interpolation."),
    "fd_by_class": ("Fréchet distance within a class", "The mean over classes of each class's own distance."),
    "label_accuracy": ("Label accuracy", "What share of the samples is taken for the class that was asked for?"),
    "classification_accuracy": (
        "Classification accuracy score",
        "How well does a classifier do on real examples that learned from samples alone?",
    ),
    "psnr_y": ("PSNR of the luminance, in dB", "How near is each pixel to the original's?"),
    "ssim_y": ("SSIM of the luminance", "Is the original's structure there?"),
    "auroc": ("AUROC", "How often does an anomaly score above a normal example? One half is chance."),
    "auprc": ("AUPRC", "How pure are the alarms, over all thresholds?"),
    "tpr_at_fpr5": ("Anomalies found", "What share is found at 5 % false alarms in training?"),
    "false_positive_rate": ("False alarms", "What share of normal held-out examples is flagged?"),
    "kid": ("Kernel distance (KID)", "The same question, asked without assuming bell curves."),
    "precision": ("Precision", "What share of the samples lies among real examples?"),
    "recall": ("Recall", "What share of the real variety do the samples reach?"),
    "density": ("Density", "How tightly do samples sit among real examples?"),
    "coverage": ("Coverage", "What share of real examples has a sample nearby?"),
    "near_copy_rate": ("Near copies", "What share of the samples all but repeats a training example?"),
    "authenticity": ("Authenticity", "What share of the samples lies off the training examples' own doorsteps?"),
    "c_t": ("Copying statistic C_T", "Near 0 or above is healthy; far below 0 means copying."),
    "mse": ("Reconstruction error", "Mean squared error of what is rebuilt from its code."),
    "psnr": ("Reconstruction, PSNR in dB", "How clean is what is rebuilt from its code?"),
    "ssim": ("Reconstruction, SSIM", "Is the structure kept in what is rebuilt from its code?"),
    "elbo_bits_per_dim": ("ELBO in bits per dimension", "Bits needed for each pixel, at most."),
    "bits_per_dim": ("Bits per dimension", "Bits needed for each pixel."),
    "scaled_crps": (
        "Scaled CRPS",
        "How far is the whole forecast distribution from what was observed, in units of the seasonal naive error?",
    ),
    "scaled_crps_to_seasonal_naive": (
        "Scaled CRPS, relative to seasonal naive",
        "Below 1 is better than repeating the last season, on the same windows.",
    ),
    "scaled_crps_to_auto_ets": ("Scaled CRPS, relative to AutoETS", "Below 1 is better, on the same windows."),
    "crps": ("CRPS", "The same, in the data's unit: where series differ in size, the largest decide it."),
    "mase": ("MASE", "Error of the median, in units of the seasonal naive error in training."),
    "mase_to_seasonal_naive": ("MASE, relative to seasonal naive", "The same, over that of repeating the last season."),
    "mase_to_auto_ets": ("MASE, relative to AutoETS", "The same, over that of AutoETS."),
    "relative_crps": ("CRPS, relative to seasonal naive", "Below 1 is better than repeating the last season."),
    "miscoverage80": ("Miss of the 80 % band", "How far is the band's hit rate from 80 %?"),
    "miscoverage95": ("Miss of the 95 % band", "How far is the band's hit rate from 95 %?"),
    "ece": ("Calibration error", "How far are stated confidences from the share that is right?"),
    "accuracy": ("Accuracy", "What share of held-out examples is named rightly?"),
    "confidence": ("Confidence", "How sure is the domain classifier of what it sees?"),
    "confidence_ratio": ("Confidence, relative to real", "The same, over that on held-out real examples."),
    "max_class_share": ("Largest class", "What share of the samples falls in the most frequent class?"),
}
SHARES = (
    "label_accuracy",
    "classification_accuracy",
    "auroc",
    "auprc",
    "tpr_at_fpr5",
    "false_positive_rate",
    "ssim_y",
    "precision",
    "recall",
    "coverage",
    "near_copy_rate",
    "accuracy",
    "confidence",
    "max_class_share",
    "ssim",
    "authenticity",
)
PER_CENT = (
    "near_copy_rate",
    "accuracy",
    "label_accuracy",
    "classification_accuracy",
    "tpr_at_fpr5",
    "false_positive_rate",
    "max_class_share",
    "miscoverage80",
    "miscoverage95",
)


class Meaning(NamedTuple):
    """What a score's name says.

    `start` is its bare name, `share` marks values of 0 to 1, `per_cent` those that read best in per cent.
    """

    start: str
    label: str
    question: str
    protocol: str
    share: bool
    per_cent: bool


def meaning(name: str) -> Meaning:
    """Take a score's name apart: `fd_domain-1a2b3c4d_1k` is a Fréchet distance, in a domain, of 1,000 samples."""
    if band := re.match(r"(?:interval_)?(?:coverage|cover)_?(\d\d)(?=_|$)", name):
        label = f"Coverage of the {band[1]} % band"
        question = f"How often does what came lie in the band? {band[1]} % is right, more is too wide."
        return Meaning("band", label, question, _protocol(name[band.end() :]), share=True, per_cent=True)
    starts = [start for start in MEANINGS if name == start or name.startswith(start + "_")]
    if not starts:
        return Meaning("", name.replace("_", " "), "", "", share=False, per_cent=False)
    start = max(starts, key=len)
    label, question = MEANINGS[start]
    return Meaning(start, label, question, _protocol(name[len(start) :]), start in SHARES, start in PER_CENT)


def _protocol(rest: str) -> str:
    return ", ".join(_token(token) for token in rest.split("_") if token)


def _token(token: str) -> str:
    rules = (
        (r"domain-(.+)", "features of domain classifier {}"),
        (r"inception", "Inception features"),
        (r"random(\d+)", "{} random filters"),
        (r"(\d+x\d+)", "at {} pixels"),
        (r"x(\d)", "{} times larger"),
        (r"class(\d+)", "class {} left out"),
        (r"test", "held-out split"),
        (r"gaps", "beside real gaps"),
        (r"pca(\d+)", "{} principal components"),
        (r"(\d+)k", "{},000 samples"),
        (r"(\d+)steps", "{} steps of training"),
        (r"n?(\d+)", "{} samples"),
        (r"h(\d+)", "{} steps ahead"),
        (r"o(\d+)", "{} origins a series"),
        (r"k(\d+)", "{} neighbours"),
    )
    for pattern, words in rules:
        if found := re.fullmatch(pattern, token):
            return words.format(*found.groups())
    return token


def subject(name: str) -> str:
    """Whose score it is, in words."""
    return SUBJECTS.get(name, name.replace("_", " "))


def number(value: float, digits: int = 3) -> str:
    """A number at `digits` significant digits, with a true minus; NaN and infinity are named."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}{TIMES}10{str(int(exponent)).translate(SUPERSCRIPT)}"
    else:
        text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(size)))}f}"
    return text.replace("-", MINUS)


def value(score_name: str, amount: float, digits: int = 3) -> str:
    """A score's value, in per cent where that reads best."""
    if meaning(score_name).per_cent and math.isfinite(amount):
        return f"{100 * amount:.{1 if amount < 0.9995 else 0}f} %".replace("-", MINUS)
    return number(amount, digits)


def share(fraction: float) -> str:
    """A share of the training data: `10 %`, or `all`."""
    return "all" if fraction == 1 else f"{100 * fraction:g} %"


def interval(score: Score) -> str:
    """`0.55 – 0.68`, the ends of a score's interval; empty where it has no width."""
    if score.low == score.high:
        return ""
    between = " to " if min(score.low, score.high) < 0 else "\N{THIN SPACE}–\N{THIN SPACE}"
    digits = 3 if max(abs(score.low), abs(score.high)) >= 0.01 else 2
    return f"{value(score.name, score.low, digits)}{between}{value(score.name, score.high, digits)}"


def direction(higher_is_better: bool) -> str:
    """How to read an axis."""
    return "higher is better" if higher_is_better else "lower is better"


def merit(score: Score | None) -> float:
    """What a leaderboard is sorted by: smaller is better, and infinity where there is no finite score."""
    if score is None or not math.isfinite(score.value):
        return math.inf
    return -score.value if score.higher_is_better else score.value


def standing(evaluation: Evaluation, without: tuple[str, ...] = (), terse: bool = False) -> list[str]:
    """How the primary score stands to each floor and baseline of the same name: `40× better than untrained noise`.

    Where intervals overlap it is `level with` them. Subjects in `without` are left out; `terse` names them shortly.
    """
    mine, skipped = evaluation.score(evaluation.primary), ("model", *without)
    others = [score for score in evaluation.scores if score.name == evaluation.primary and score.subject not in skipped]
    pairs = (_sides(evaluation, mine, other) for other in others if mine)
    return [sentence for own, other in pairs if (sentence := compare(own, other, terse))]


def _sides(evaluation: Evaluation, mine: Score, other: Score) -> tuple[Score, Score]:
    """The two scores; or their ratio on the same windows and one, where the gate decides by that."""
    if (ratio := paired(evaluation, other.subject)) is None:
        return mine, other
    return ratio, other.model_copy(update={"name": ratio.name, "value": 1.0, "low": 1.0, "high": 1.0})


def compare(mine: Score, other: Score, terse: bool = False) -> str:
    """`40× better than untrained noise`, or tersely `noise: 40× better`; empty where either is not finite."""
    if not all(map(math.isfinite, (mine.value, other.value))):
        return ""
    how, joint = _difference(mine, other)
    if terse:
        return f"{other.subject if other.subject in FLOORS else subject(other.subject)}: {how}"
    return f"{how} {joint} {subject(other.subject)}"


def _difference(mine: Score, other: Score) -> tuple[str, str]:
    if mine.low <= other.high and other.low <= mine.high:
        return "level", "with"
    word = "better" if (mine.value > other.value) == mine.higher_is_better else "worse"
    if mine.value <= 0 or other.value <= 0:
        return word, "than"
    ratio = max(mine.value, other.value) / min(mine.value, other.value)
    if ratio >= 2:
        return f"{_round(ratio)}{TIMES} {word}", "than"
    return f"{100 * abs(1 - mine.value / other.value):.0f} % {word}", "than"


def _round(ratio: float) -> str:
    places = 1 - math.floor(math.log10(ratio))
    return number(round(ratio, places), 2)


def duration(seconds: float) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(cost: Cost) -> tuple[str, str]:
    """Parameters and the compute of a sample; empty where they are not known."""
    return (
        quantity(cost.parameters) if cost.parameters else "",
        quantity(cost.flops_per_sample, "FLOP") if cost.flops_per_sample else "",
    )


def quantity(amount: float, unit: str = "") -> str:
    """A large amount with a prefix: `1.24 M`, `318 k`, `4.10 GFLOP`."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{number(amount / size)} {prefix}{unit}"
    return f"{number(amount)} {unit}".strip()
