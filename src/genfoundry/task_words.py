"""What each task is to people: what a model judged in it is for, whether it makes things, what its scores don't say.

One row a task, so that none can have its words in one place and another one's in the next. There is no default: of a
task without a row nothing is said but its name.
"""

from __future__ import annotations

from typing import NamedTuple

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.records import Evaluation


class Words(NamedTuple):
    """`purpose` is for the model's card, with `{data}` for images or series; `limits` for the report.

    `makes` says that it makes something new, which is to be marked as such.
    """

    purpose: str
    makes: bool
    limits: str


WORDS = {
    "generation": Words(
        "For making synthetic {data} like those of the dataset.",
        makes=True,
        limits="A Fréchet distance compares two crowds, not two pictures: a low one does not promise that every sample "
        "is good. It is measured in the features named with it, and what those features do not see (texture, say, to a "
        "classifier of shapes) it does not count. Nearest neighbours are nearest in one distance only; a copy that is "
        "shifted or recoloured may hide from it.",
    ),
    "super_resolution": Words(
        "For enlarging images like those of the dataset; detail that it adds is plausible, not seen.",
        makes=True,
        limits="PSNR and SSIM hold each pixel against one original: they reward a blur over detail that is sharp and a "
        "little beside its place. The small images were made from the large ones in one way; what a camera or another "
        "program made small may come out worse.",
    ),
    "forecasting": Words(
        "For forecasts of series like those of the dataset, with their uncertainty.",
        makes=True,
        limits="These errors come from forecast origins in one stretch of one past. The intervals tell how much "
        "another choice of origins would move them, not what happens when the world changes. An average over the "
        "horizon hides that the first step is easier than the last.",
    ),
    "classification": Words(
        "For telling the classes of the dataset apart, and for the features that judge generated images.",
        makes=False,
        limits="Accuracy and confidence on examples held out from the same source say nothing of examples from another "
        "one.",
    ),
    "anomaly": Words(
        "For finding what differs from the dataset; the threshold is set without labels.",
        makes=False,
        limits="The anomalies that it was judged on are a class that was left out of training, or faults that were "
        "planted into the series: real ones may look otherwise and be found more rarely. The share of false alarms "
        "holds for data like those that the threshold was set on.",
    ),
}


def task_of(evaluation: Evaluation) -> str:
    """The task that it was judged in, where nothing is recorded its family's; empty where neither is known."""
    return evaluation.task or task_of_family(evaluation)


def task_of_family(evaluation: Evaluation) -> str:
    """The task of the family that was judged; empty where the family is gone."""
    try:
        return str(catalog.describe("models", evaluation.checkpoint.family).attributes.get("task", ""))
    except UserError:
        return ""
