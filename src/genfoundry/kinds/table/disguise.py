"""Columns that are the target in disguise: one of them alone tells the classes apart."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genfoundry.data.quarantine import as_text

if TYPE_CHECKING:
    import pandas as pd

SUSPECT = 0.99
ROWS = 20_000  # that are looked at


def disguised(table: pd.DataFrame, target: str) -> list[str]:
    """A sentence for each column whose area under the ROC curve, alone, is above .99 for the target's rarest class.

    Numbers count by their size, either way; categories, booleans and missing cells by the share of the class among the
    other half of the rows, so that one that names each row shows nothing.
    """
    if not target:
        return []
    table = table.sample(min(len(table), ROWS), random_state=0)
    classes = table[target].astype(str)
    truth = (classes == classes.value_counts().index[-1]).to_numpy()
    areas = {str(name): area_alone(table[name], truth) for name in table.columns if name != target}
    return [
        f"Column '{as_text(name)}' alone tells '{as_text(target)}' with an AUROC of {area:.3f}: is it known beforehand?"
        for name, area in areas.items()
        if area > SUSPECT
    ]


def area_alone(column: pd.Series, truth: np.ndarray) -> float:
    """The area under the ROC curve of one column (N,) against `truth` (N,) bool, .5 where a class is missing."""
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    learn = np.arange(len(truth)) % 2 == 0
    groups = column.isna().astype(str) if column.dtype == "float64" or column.dtype.kind == "M" else column.astype(str)
    known = pd.Series(truth[learn]).groupby(groups.to_numpy()[learn]).mean()
    scores = [groups.map(known).fillna(truth.mean()).to_numpy()]
    if column.dtype == "float64" or column.dtype.kind == "M":
        ranks = column.rank().fillna(0).to_numpy()
        scores += [ranks, -ranks]
    if truth[~learn].all() or not truth[~learn].any():
        return 0.5
    return max(float(roc_auc_score(truth[~learn], score[~learn])) for score in scores)
