"""What the page is told of one registered version: everything gathered, nothing looked up."""

from __future__ import annotations

from pydantic import Field

from genfoundry.exhibit import Exhibit
from genfoundry.records import ModelVersion, Record, Score, ValidatedDataset

Curve = list[tuple[int, float]]


class RunView(Record):
    """One recipe's version, ready to be drawn.

    `card`       the dataset's card as JSON (name, title, licence, source, consent, class_names, counts, policy, …)
    `curves`     (step, value) by name: `train/generator`, `eval/…`
    `exhibits`   what the judge had to show, in its order
    `files`      the bytes of the files that exhibits name
    `snapshots`  PNG bytes of samples by training step
    `settings`   the resolved settings of model and training
    `learned`    the primary score by share of the training data, where the model was trained on several
    """

    recipe: str
    title: str = ""
    family: str
    paper: str = ""
    kind: str
    version: ModelVersion
    card: dict = Field(default={})
    validation: ValidatedDataset
    curves: dict[str, Curve] = Field(default={})
    exhibits: tuple[Exhibit, ...] = ()
    files: dict[str, bytes] = Field(default={})
    snapshots: dict[int, bytes] = Field(default={})
    settings: dict[str, object] = Field(default={})
    learned: dict[float, Score] = Field(default={})
