"""The judge of synthetic tables: makers of known quality get the scores, and the verdict, that they deserve."""

import math

import numpy as np
import pytest
from pydantic import ValidationError
from support.customers import Apart, Knowing, Replayer, customers, frame, scores_of

from genfoundry import gate
from genfoundry.exhibit import Bars, Matrix, Table
from genfoundry.kinds.table import rows
from genfoundry.metric import subject as named
from genfoundry.metrics import marginals, membership, record_copies, two_sample, utility
from genfoundry.records import Checkpoint, Cost, Evaluation
from genfoundry.statistics.interval import UNKNOWN
from genfoundry.tasks.synthesis import baselines
from genfoundry.tasks.synthesis.about import Plan
from genfoundry.tasks.synthesis.judge import judge
from genfoundry.tasks.synthesis.tables import generated, is_sound

PLAN = Plan(num_rows=1000, seeds=2)
NAMES = {
    "tstr_auprc", "tstr_f1", "tstr_auprc_to_real", "augmented_auprc", "augmented_f1", "augmented_auprc_to_real",
    "two_sample_auroc", "marginal_distance", "association_error",
    "membership_auroc", "membership_tpr_at_fpr1", "near_copy_rate_beyond_held_out", "exact_copy_rate",
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(root))  # the baselines are made once for the module
        yield customers(root)


@pytest.fixture(scope="module")
def judged(dataset, tmp_path_factory):
    """What was found of each maker."""
    known = {}

    def of(maker):
        if maker not in known:
            known[maker] = judge(maker(dataset.spec), dataset, PLAN, None, tmp_path_factory.mktemp("out"))
        return known[maker]

    return of


def verdict_of(found, dataset) -> gate.Verdict:
    checkpoint = Checkpoint(
        recipe="toy", family="toy", run_key="k", run_id="r", weights_digest="w", dataset=dataset.version, seed=0,
        cost=Cost(),
    )  # fmt: skip
    evaluation = Evaluation(
        checkpoint=checkpoint, primary=found.primary, scores=found.scores, protocol=found.protocol,
        details=found.details, trivial=found.trivial,
    )  # fmt: skip
    return gate.decide(evaluation, None, gate.Policy())


def failed(found, dataset) -> set[str]:
    return {reason.rule for reason in verdict_of(found, dataset).reasons if not reason.passed}


def test_who_knows_the_law_is_as_good_as_real_rows_membership_and_is_promoted(judged, dataset):
    found = judged(Knowing)
    assert found.primary == "tstr_auprc_s2_1k"
    assert found.trivial == ("marginals",)
    model, real, floor = (scores_of(found, subject) for subject in ("model", "real", "marginals"))
    assert {*model} == NAMES
    assert model["tstr_auprc"].low > floor["tstr_auprc"].high
    assert model["tstr_auprc_to_real"].value == pytest.approx(1, abs=0.25)
    assert real["tstr_auprc_to_real"].value == 1
    assert model["two_sample_auroc"].value == pytest.approx(0.5, abs=0.06)
    assert floor["two_sample_auroc"].low > model["two_sample_auroc"].high
    assert floor["association_error"].low > model["association_error"].high
    assert model["membership_auroc"].value < 0.58
    assert model["membership_tpr_at_fpr1"].low < 0.02
    assert model["near_copy_rate_beyond_held_out"].low < 0.005
    assert all(score.low <= score.value <= score.high for score in found.scores)
    assert verdict_of(found, dataset).decision == "PROMOTE"


def test_who_replays_the_training_rows_has_the_best_scores_and_is_rejected(judged, dataset):
    found = judged(Replayer)
    model, copy, real = (scores_of(found, subject) for subject in ("model", "copy", "real"))
    assert model["tstr_auprc_to_real"].value == pytest.approx(1, abs=0.15)
    assert model["two_sample_auroc"].value == pytest.approx(0.5, abs=0.06)
    for subject in (model, copy):
        assert subject["membership_auroc"].value > 0.9
        assert subject["membership_tpr_at_fpr1"].low > 0.5
        assert subject["near_copy_rate_beyond_held_out"].low > 0.9
        assert subject["exact_copy_rate"].value == 1
    assert real["membership_auroc"].value < 0.6
    assert real["near_copy_rate_beyond_held_out"].value < 0.005
    assert {name: copy[name].value for name in copy if name.startswith(("tstr", "two", "marg", "assoc"))} == {
        name: real[name].value for name in real if name.startswith(("tstr", "two", "marg", "assoc"))
    }
    assert "not a copy" in failed(found, dataset)
    assert "beats marginals" not in failed(found, dataset)


def test_ten_copies_among_a_thousand_rows_are_caught(judged, dataset):
    class Planting(Knowing):
        planted = 10

    found = judged(Planting)
    model = scores_of(found)
    assert model["near_copy_rate_beyond_held_out"].low > 0.005 > scores_of(judged(Knowing))["exact_copy_rate"].high
    assert model["exact_copy_rate"].value == pytest.approx(0.01)
    assert model["membership_tpr_at_fpr1"].low < 0.05  # so few no attack by rates sees
    assert failed(found, dataset) == {"not a copy"}


def test_independent_columns_teach_nothing_and_are_rejected(judged, dataset):
    found = judged(Apart)
    model, floor = (scores_of(found, subject) for subject in ("model", "marginals"))
    for name in ("tstr_auprc", "two_sample_auroc", "association_error"):
        assert model[name].low < floor[name].high
        assert floor[name].low < model[name].high
    assert failed(found, dataset) == {"beats marginals"}


def test_every_subject_is_scored_by_the_same_names(judged):
    found = judged(Knowing)
    assert {score.subject for score in found.scores} == {"model", "real", "copy", *baselines.BASELINES}
    for subject in baselines.BASELINES:
        assert {*scores_of(found, subject)} == NAMES
    for subject in ("real", "copy"):
        assert {*scores_of(found, subject)} == {name for name in NAMES if not name.startswith("augmented")}
    assert len({(score.name, score.subject) for score in found.scores}) == len(found.scores)


def test_every_score_is_declared_with_its_direction(judged):
    modules = (marginals, membership, record_copies, two_sample, utility)
    kinds = {kind.name: kind for module in modules for kind in module.SCORES}
    assert {*kinds} == NAMES
    for name, score in scores_of(judged(Knowing)).items():
        assert (kinds[name].better == "higher") is score.higher_is_better, name


@pytest.fixture
def alone(monkeypatch):
    """Only the floor that has to be beaten, without the baselines that take long."""
    monkeypatch.setattr(baselines, "BASELINES", {baselines.TRIVIAL: baselines.marginals})


def test_the_same_weights_and_seed_give_the_same_scores(dataset, tmp_path, alone):
    one, two = (
        judge(Knowing(dataset.spec), dataset, Plan(num_rows=200, seeds=2, seed=7), None, tmp_path) for _ in range(2)
    )
    assert one == two
    assert one.scores != judge(Knowing(dataset.spec), dataset, Plan(num_rows=200, seeds=2), None, tmp_path).scores


@pytest.mark.parametrize("value", [math.inf, math.nan, 0.5, 3.0, -1.0])
def test_a_region_is_never_empty_and_one_of_three(dataset, value):
    made = rows.values(rows.encode(frame(10, 0), dataset.spec), dataset.spec).numpy()
    assert is_sound(made, dataset.spec)
    made[3, 0] = value
    assert not is_sound(made, dataset.spec)


def test_rows_that_are_none_of_the_table_have_no_scores(dataset, tmp_path, alone):
    class Broken(Knowing):
        def sample(self, like, generator=None):
            made = super().sample(like, generator)
            made[3, 1] = math.inf
            return made

    found = judge(Broken(dataset.spec), dataset, Plan(num_rows=100, seeds=1), None, tmp_path)
    for score in scores_of(found).values():
        np.testing.assert_array_equal((score.value, score.low, score.high), UNKNOWN)
    assert scores_of(found, "marginals")["tstr_auprc"].value > 0
    assert "finite" in failed(found, dataset)


def test_who_drops_the_rare_class_teaches_what_a_constant_does(dataset, tmp_path, alone):
    class Dropping(Knowing):
        def sample(self, like, generator=None):
            made = super().sample(like, generator)
            made[:, -1] = 0
            return made

    found = judge(Dropping(dataset.spec), dataset, Plan(num_rows=400, seeds=1), None, tmp_path)
    model, share = scores_of(found), found.details["class_share_real"][1]
    assert model["tstr_auprc"].value == pytest.approx(share, abs=0.05)
    assert model["tstr_f1"].value == 0
    assert found.details["class_share"] == [1, 0]
    assert "beats marginals" in failed(found, dataset)


def test_without_a_target_the_two_sample_test_decides(root, tmp_path, alone):
    plain = customers(root, target="")
    found = judge(Knowing(plain.spec), plain, Plan(num_rows=500, seeds=2), None, tmp_path)
    assert found.primary.startswith("two_sample_auroc_s2_")
    assert {*scores_of(found)} == {name for name in NAMES if not name.startswith(("tstr", "augmented"))}
    assert found.details == {}
    assert verdict_of(found, plain).decision == "PROMOTE"
    worse = judge(Apart(plain.spec), plain, Plan(num_rows=500, seeds=2), None, tmp_path)
    assert failed(worse, plain) == {"beats marginals"}


def test_as_many_rows_are_made_as_there_are_for_training(dataset, tmp_path, alone):
    found = judge(Apart(dataset.spec), dataset, Plan(seeds=1), None, tmp_path)
    assert found.protocol["rows"] == dataset.card.counts["train"]
    assert found.primary == f"tstr_auprc_s1_{dataset.card.counts['train']}"


def test_what_is_shown_says_what_was_found(judged, dataset):
    shown = judged(Apart).exhibits
    useful, betrayed, *columns, pairs, first = shown
    assert isinstance(useful, Table)
    assert [row[0] for row in useful.rows] == [*map(named, ("model", "real", "copy", *baselines.BASELINES))]
    assert isinstance(betrayed, Table)
    assert {row[0]: row[2] for row in betrayed.rows if row[1] == "nearest"}[named("copy")] > 0.9
    assert len(columns) == 4
    for bars in columns:
        assert isinstance(bars, Bars)
        for shares in ([value for _, value in bars.bars], bars.beside["synthetic"]):
            assert sum(shares) == pytest.approx(1)
    assert isinstance(pairs, Matrix)
    assert pairs.rows == pairs.columns == tuple(column.name for column in dataset.spec.columns)
    income, spent = pairs.rows.index("income"), pairs.rows.index("spent")
    assert pairs.cells[income][spent] < -0.4
    assert isinstance(first, Table)
    assert len(first.rows) == 8
    assert {row[0] for row in first.rows} <= {"north", "south", "west"}


def test_a_mistyped_plan_names_itself():
    with pytest.raises(ValidationError, match="num_row"):
        Plan(num_row=3)  # pyright: ignore[reportCallIssue]


def test_a_family_that_is_conditioned_is_given_each_training_row_before_any_twice(dataset):
    made = generated(Replayer(dataset.spec), dataset.folder, 1500, [0, 1])
    assert [table.shape for table in made.tables] == [(1500, 7)] * 2
    assert all(table.dtype == np.float64 for table in made.tables)
    counts = np.unique(made.tables[0], axis=0, return_counts=True)[1]
    assert (counts.min(), counts.max()) == (1, 2)
