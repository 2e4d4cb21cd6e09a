"""Numbers, score names and durations in plain words, the same on the page and in the terminal."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from genfoundry.gate import paired
from genfoundry.metric import ScoreKind, kind_of, subject
from genfoundry.records import Cost, Evaluation, Score

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FLOORS = ("real", "copy", "noise")


class Meaning(NamedTuple):
    """What a score's name says: its kind, an empty one where nobody declares it, and its protocol in words."""

    kind: ScoreKind
    protocol: str

    @property
    def label(self) -> str:
        return self.kind.label

    @property
    def question(self) -> str:
        return self.kind.question


def meaning(name: str) -> Meaning:
    """Take a score's name apart: `fd_domain-1a2b3c4d_1k` is a Fréchet distance, in a domain, of 1,000 samples."""
    if (kind := kind_of(name)) is None:
        return Meaning(ScoreKind("", name.replace("_", " "), "", "lower"), "")
    return Meaning(kind, _protocol(name[len(kind.name) :]))


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
        (r"o(\d+)", "{} origins per series"),
        (r"k(\d+)", "{} neighbours"),
    )
    for pattern, words in rules:
        if found := re.fullmatch(pattern, token):
            return words.format(*found.groups())
    return token


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
    if meaning(score_name).kind.per_cent and math.isfinite(amount):
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
    """Parameters and the compute per sample; empty where they are not known."""
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
