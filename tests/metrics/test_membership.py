import numpy as np
import pytest

from genfoundry.metrics.membership import Membership, by_attack


def test_the_worst_attack_counts_for_each_score():
    members = np.repeat([True, False], 200)
    rng = np.random.default_rng(0)
    blind = np.zeros(400)
    few = np.where(members & (np.arange(400) < 20), 9.0, rng.random(400))  # sure of one member in ten, of no other
    weak = (rng.random(400) < np.where(members, 0.9, 0.5)) * 1.0  # often right, and never sure
    found = by_attack(members, np.column_stack([blind, few, weak]))
    assert found["membership_auroc"][0] == 0.5
    assert found["membership_tpr_at_fpr1"][0] == 0
    worst = Membership.score(members, np.column_stack([blind, few, weak]))
    assert worst["membership_auroc"] == found["membership_auroc"][2] > found["membership_auroc"][1]
    assert worst["membership_tpr_at_fpr1"] == found["membership_tpr_at_fpr1"][1] == pytest.approx(0.1, abs=0.02)


def test_who_knows_all_members_names_all():
    members = np.repeat([True, False], 50)
    assert Membership.score(members, members[:, None] * 1.0) == {"membership_auroc": 1, "membership_tpr_at_fpr1": 1}
