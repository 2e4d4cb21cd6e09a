import math

import pytest
import torch
from support.toys import Toy, scores_of

from genfoundry.dataset import verify
from genfoundry.errors import UserError
from genfoundry.exhibit import Picture
from genfoundry.tasks.anomaly.about import Plan
from genfoundry.tasks.anomaly.image import _number, judge

pytestmark = pytest.mark.usefixtures("root")
PLAN = Plan(task="anomaly", left_out=1)


class Ink(Toy):
    """Ones have the least ink, so little ink is what surprises it."""

    def anomaly_score(self, batch):
        return -batch.images.flatten(1).mean(1)


class Lost(Ink):
    def anomaly_score(self, batch):
        return super().anomaly_score(batch) * math.nan


def test_ones_are_told_by_their_ink_and_the_threshold_needs_no_label(mnist_folder, tmp_path):
    found = judge(Ink(), verify(mnist_folder), PLAN, None, tmp_path)
    own, chance = scores_of(found), scores_of(found, "noise")
    assert found.primary == "auroc_class1_1k"
    assert own["auroc_class1_1k"].low > 0.85
    assert chance["auroc_class1_1k"].value == pytest.approx(0.5)
    assert chance["auprc_class1_1k"].value == pytest.approx(0.1)
    assert 0.01 < own["false_positive_rate_class1_1k"].value < 0.1
    assert own["tpr_at_fpr5_class1_1k"].value > 0.5
    assert {"isolation_forest", "knn"} <= {score.subject for score in found.scores}
    (shown,) = found.exhibits
    assert isinstance(shown, Picture)
    assert (tmp_path / shown.file).is_file()
    assert shown.stands_for


def test_a_score_that_is_not_finite_is_unknown(mnist_folder, tmp_path):
    found = judge(Lost(), verify(mnist_folder), PLAN, None, tmp_path)
    assert math.isnan(scores_of(found)[found.primary].value)


@pytest.mark.parametrize("names", [(), ("one", "0", "2", "3", "4", "5", "6", "7", "8", "9")])
def test_the_class_that_was_left_out_goes_by_the_names_of_the_model(names, mnist_folder):
    """To one that was published without names a number was a place, and a name is one of the card."""
    model, asked = Ink(), [1, "1"] if not names else [0, "0", 1]
    model.names = names
    assert [_number(left_out, model, mnist_folder) for left_out in asked] == [1] * len(asked)


@pytest.mark.parametrize(
    ("model", "plan", "says"),
    [
        (Toy, PLAN, "scores no anomalies"),
        (Ink, Plan(task="anomaly"), "No class was left out"),
        (Ink, Plan(task="anomaly", left_out="one"), "There is no class 'one'"),
    ],
)
def test_what_cannot_be_judged_is_refused(mnist_folder, tmp_path, model, plan, says):
    with pytest.raises(UserError, match=says):
        judge(model(), verify(mnist_folder), plan, None, tmp_path)


def test_the_same_seed_gives_the_same_scores(mnist_folder, tmp_path):
    torch.manual_seed(1)
    first = judge(Ink(), verify(mnist_folder), PLAN, None, tmp_path)
    torch.manual_seed(2)
    assert judge(Ink(), verify(mnist_folder), PLAN, None, tmp_path) == first
