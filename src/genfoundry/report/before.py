"""Evaluations of the releases before exhibits: their galleries and details, as the exhibits that are made today.

Then a judge left files of agreed names and `details` by agreed keys. What was registered so is shown for as long as it
is registered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from genfoundry.exhibit import Bands, Exhibit, Lines, Picture, Table
from genfoundry.gate import CLASS_SHARE, REAL_CLASS_SHARE, WINDOWS
from genfoundry.judging import classes, sheet
from genfoundry.metric import subject
from genfoundry.records import Evaluation
from genfoundry.report import wording

FORECASTS = "forecasts.json"
PICTURES = {  # by the name of a file, in the order in which they are shown: heading, caption, what it shows
    "samples": ("Samples", "As they came: none was chosen.", "A grid of generated samples"),
    "neighbours": (
        "Nearest training examples",
        "Is it copying? Rows in pairs: samples, and below each the training example nearest to it. Twins would mean "
        "yes.",
        "Samples beside the training examples nearest to them",
    ),
    "reconstructions": (
        "Reconstructions",
        "Rows in pairs: held-out examples, and below each what comes back from its code.",
        "Held-out examples beside their reconstructions",
    ),
    "interpolations": (
        "Interpolations",
        "Straight lines between the codes of two held-out examples, decoded.",
        "Rows of images that change from one held-out example into another",
    ),
    "traversals": (
        "Latent traversals",
        "One code, moved along each of its widest directions in turn: what each row's direction stands for.",
        "Rows of images that change along one direction of the code each",
    ),
    "completions": (
        "Completions",
        "Held-out examples, the half that was given, and three completions of each.",
        "Held-out examples, their upper halves, and completions of them",
    ),
    "levels": (
        "Levels of the pyramid",
        "The same samples at each level, the coarsest on top.",
        "Samples at each level of the pyramid",
    ),
    "enlargements": (
        "Enlargements",
        "From top to bottom: given, Lanczos, bicubic, each variant, this model, real.",
        "Small images and their enlargements, row by row, above the real images",
    ),
    "anomalies": (
        "Anomalies",
        "Held-out examples that surprise most; below, those of the class left out that surprise least.",
        "The most anomalous held-out examples, above anomalies that were missed",
    ),
}
VARIANT = "samples-"
STANDING = 5  # images that stand for a sheet of samples
BY_STEP = "crps_by_step"
FOUND = ("this model", "seasonal naive", "isolation forest", "nearest neighbours")  # columns of `found/<fault>`


def pictures(paths: Sequence[Path], evaluation: Evaluation) -> Iterator[Picture]:
    """The sheets of a gallery, those of samples first."""
    order = [*PICTURES]
    known = {path.stem: path.name for path in paths}

    def place(name: str) -> int:
        stem = "samples" if name.startswith(VARIANT) else name
        return order.index(stem) if stem in order else len(order)

    for name in sorted(known, key=lambda name: (place(name), name)):
        title, caption, alt = _told(name)
        corner = _corner(evaluation) if name == "samples" else None
        yield Picture(title=title, caption=caption, file=known[name], alt=alt, stands_for=corner)


def _told(name: str) -> tuple[str, str, str]:
    if name in PICTURES:
        return PICTURES[name]
    if name.startswith(VARIANT):
        who = subject(name.removeprefix(VARIANT))
        return "Samples", f"For comparison: {who}.", f"A grid of samples generated with {who}"
    return subject(name).capitalize(), "", subject(name)


def _corner(evaluation: Evaluation) -> tuple[int, int] | None:
    """Of a sheet of the dataset's images; None where its examples have no height and width."""
    shape = evaluation.checkpoint.dataset.spec.model_dump()
    if not {"height", "width"} <= {*shape}:
        return None
    return sheet.corner(shape["height"], shape["width"], STANDING)


def forecasts(text: str) -> tuple[Bands, ...]:
    """What `forecasts.json` holds.

    Raises:
        ValueError: it is something else.
        KeyError: one of its entries lacks what every one has.
    """
    return tuple(
        Bands(
            title="Forecasts",
            caption=str(each["series"]),
            unit=each.get("unit", ""),
            start=each["start"],
            freq=each["freq"],
            past=each["past"],
            observed=each["future"],
            quantiles=each["quantiles"],
            lines=each.get("baselines", {}),
        )
        for each in json.loads(text)
    )


def of_details(details: Mapping[str, list[float]], class_names: Sequence[str]) -> Iterator[Exhibit]:
    """What the details of an evaluation tell; of keys that nobody knows, a table."""
    left = {name: values for name, values in details.items() if not name.startswith(WINDOWS)}

    def names(count: int) -> list[str]:
        return [str(class_names[at]) if at < len(class_names) else str(at) for at in range(count)]

    share, real = left.pop(CLASS_SHARE, []), left.pop(REAL_CLASS_SHARE, [])
    if share:
        yield classes.shares(names(len(share)), share, real)
    if distances := left.pop("fd_by_class", []):
        yield classes.distances(names(len(distances)), distances)
    if counts := [*_taken(left, "confusion/").values()]:
        yield classes.confusions(names(len(counts)), np.array(counts))
    if reliability := _taken(left, "reliability/"):
        yield classes.calibration(reliability["confidence"], reliability["accuracy"])
    yield from _by_step(_taken(left, BY_STEP))
    if found := _taken(left, "found/"):
        yield Table(
            title="Anomalies found, by fault",
            caption="Share of the planted faults whose score is above the threshold.",
            columns=("fault", *FOUND),
            rows=tuple(
                (name.replace("_", " "), *(f"{share:.0%}" for share in shares)) for name, shares in found.items()
            ),
        )
    if left:
        yield _rest(left)


def _taken(left: dict[str, list[float]], start: str) -> dict[str, list[float]]:
    """The entries whose keys begin so, by the rest of the key; they are taken out."""
    return {name.removeprefix(start): left.pop(name) for name in [*left] if name.startswith(start)}


def _by_step(curves: Mapping[str, Sequence[float]]) -> Iterator[Lines]:
    lines = {name.removeprefix("_") or "model": values for name, values in curves.items() if name != "_noise"}
    if lines:
        yield Lines(
            title="CRPS by step ahead",
            x_label="steps ahead",
            y_label="CRPS",
            lines={name: tuple(enumerate(map(float, values), 1)) for name, values in lines.items()},
            y_ends=(0.0,),
        )


def _rest(left: Mapping[str, Sequence[float]]) -> Table:
    rows = tuple((subject(name), " · ".join(map(wording.number, values))) for name, values in left.items())
    return Table(title="Details of the evaluation", columns=("detail", "values"), rows=rows)
