"""What the page is told of one registered version: everything gathered, nothing looked up."""

from __future__ import annotations

from pydantic import Field

from genfoundry.records import ModelVersion, Record, Score, ValidatedDataset

Curve = list[tuple[int, float]]


class RunView(Record):
    """One recipe's version, ready to be drawn.

    `card`       the dataset's card as JSON (name, title, licence, source, consent, class_names, counts, policy, …)
    `curves`     (step, value) by name: `train/generator`, `eval/…`
    `images`     PNG bytes by name: `samples`, `neighbours`, `reconstructions`, and `samples/000400` for a step
    `forecasts`  {series, unit, freq, start, past: [y], future: [y or None], quantiles: {"0.1": [y]},
                 baselines: {name: [y]}}; `start` is the time of the first value of `past`
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
    images: dict[str, bytes] = Field(default={})
    forecasts: list[dict] = Field(default=[])
    settings: dict[str, object] = Field(default={})
    learned: dict[float, Score] = Field(default={})
