"""The family's promises, its bins, and whether it learns what a small table holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.contracts import check_model
from support.people import SPEC, people, sealed
from support.trained import order, start

from genfoundry.kinds.table import rows
from genfoundry.kinds.table.bins import Binning, hashed, intervals, resolution
from genfoundry.kinds.table.examples import SPECS
from genfoundry.kinds.table.rows import TableBatch, example_batch
from genfoundry.kinds.table.spec import Column, TableSpec
from genfoundry.model import HasLikelihood
from genfoundry.models.argn import ARGN
from genfoundry.training.loader import build_model, load_model, write_model

SMALL = {"width": 32, "embedding": 8, "waves": 8, "crosses": 256, "bins": 20}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.target or f"{len(spec.columns)} columns")
def test_it_keeps_what_families_promise(tmp_path, spec):
    check_model("argn", spec, tmp_path, **SMALL)


def fitted(spec: TableSpec = SPEC, batch: TableBatch | None = None, **settings) -> ARGN:
    torch.manual_seed(0)
    model = build_model("argn", spec, {**SMALL, **settings})
    data = example_batch(spec, 300) if batch is None else batch
    model.before_training(lambda: data_in_parts(data))
    return model


def data_in_parts(batch: TableBatch) -> list[TableBatch]:
    return [batch[:100], batch[100:]]


def trained(model: ARGN, batch: TableBatch, steps: int, rate: float = 0.003) -> list[dict[str, float]]:
    """Train on random rows of the batch; what each step logged."""
    optimizer, logged = model.optimizers()["network"], []
    optimizer.param_groups[0]["lr"] = rate

    def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for step in range(steps):
        chosen = torch.randint(0, len(batch), (128,), generator=torch.Generator().manual_seed(step))
        losses = model.train().training_step(batch[chosen], step, update)
        logged.append({name: value.item() for name, value in losses.items()})
    return logged


ONLY_NUMBERS = TableSpec(
    columns=(Column(name="a", type="numeric"), Column(name="b", type="date", whole=True, missing=True))
)
ONLY_CODES = TableSpec(
    columns=(Column(name="a", type="boolean"), Column(name="b", type="categorical", levels=("x", "y", "z"))),
    target="b",
    positive="z",
)


@pytest.mark.parametrize("spec", [SPEC, ONLY_NUMBERS, ONLY_CODES])
@pytest.mark.parametrize(("crosses", "target"), [(0, "first"), (64, "last")])
def test_it_keeps_the_promises_of_a_family(spec, crosses, target, tmp_path):
    batch = example_batch(spec, 300)
    model = fitted(spec, batch, crosses=crosses, target=target, validate_every=2)
    logged = trained(model, batch, 5)
    assert all(np.isfinite(value) for losses in logged for value in losses.values())
    assert [step for step, losses in enumerate(logged) if "held_nats" in losses] == [2, 4]
    model.eval().after_training(data_in_parts(batch))
    write_model(tmp_path, "argn", model, model.state_dict())
    again = load_model(tmp_path)
    made = model.sample(batch[:50], torch.Generator().manual_seed(7))
    assert (made.shape, made.dtype) == ((50, len(spec.columns)), torch.float64)
    for other in (model, again):
        repeated = other.sample(batch[:50], torch.Generator().manual_seed(7))
        torch.testing.assert_close(repeated, made, rtol=0, atol=0, equal_nan=True)
    assert not made.equal(model.sample(batch[:50], torch.Generator().manual_seed(8)))
    assert isinstance(model, HasLikelihood)
    likelihood = model.log_likelihood(batch)
    assert likelihood.shape == (300,)
    assert (likelihood < 0).all()
    torch.testing.assert_close(again.log_likelihood(batch), likelihood, rtol=0, atol=0)


def test_every_weight_is_trained():
    model = fitted()
    trained(model, example_batch(SPEC, 300), 1)
    idle = [n for n, p in model.network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle


def test_what_is_made_is_of_the_types_and_within_the_range_of_the_data():
    model = fitted(batch=rows.encode(people(300), SPEC)).eval()
    made, real = (
        rows.to_frame(model.sample(example_batch(SPEC, 500), torch.Generator().manual_seed(0)), SPEC),
        people(300),
    )
    for name in ("age", "income", "since"):
        assert made[name].dropna().between(real[name].min(), real[name].max()).all(), name
    assert (made["age"] % 1 == 0).all()
    assert (made["since"].dropna() == made["since"].dropna().dt.normalize()).all()
    np.testing.assert_array_equal(made["income"].dropna().round(2), made["income"].dropna())
    assert not made["age"].isna().any()
    assert made["income"].isna().any()


def test_all_rows_of_a_small_table_have_a_probability_of_one_together():
    spec = ONLY_CODES
    model = fitted(spec).eval()
    every = torch.cartesian_prod(torch.arange(2), torch.arange(3))
    total = model.log_likelihood(TableBatch(torch.zeros(6, 0, dtype=torch.float64), every)).exp().sum()
    torch.testing.assert_close(total.item(), 1.0, rtol=1e-5, atol=1e-5)


def test_the_likelihood_is_that_of_what_is_made():
    model = fitted(ONLY_CODES, crosses=64).eval()
    every = torch.cartesian_prod(torch.arange(2), torch.arange(3))
    chances = model.log_likelihood(TableBatch(torch.zeros(6, 0, dtype=torch.float64), every)).exp()
    made = model.sample(example_batch(ONLY_CODES, 6000), torch.Generator().manual_seed(1)).long()
    shares = (made[:, 0] * 3 + made[:, 1]).bincount(minlength=6) / 6000
    assert (shares - chances).abs().max() < 4 * 0.5 / 6000**0.5


def test_what_is_known_stays_and_conditions_the_rest():
    batch = rows.encode(people(2000), SPEC)
    model = fitted(batch=batch, target_share=0.2)
    trained(model, batch, 250)
    known = torch.zeros(400, 6, dtype=torch.bool)
    known[:, 5] = True
    asked = batch[:400]
    asked.codes[:, 2] = torch.arange(400) % 2
    made = rows.to_frame(model.eval().impute(asked, known, torch.Generator().manual_seed(0)), SPEC)
    assert (made["risk"].cat.codes == np.arange(400) % 2).all()
    bad = made["risk"] == "bad"
    young = (made["age"] < 30) | made["income"].isna()
    assert young[bad].mean() > young[~bad].mean() + 0.3
    every = torch.ones(400, 6, dtype=torch.bool)
    torch.testing.assert_close(model.impute(asked, every), rows.values(asked, SPEC), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("target", ["first", "last"])
def test_it_learns_what_a_table_holds(target):
    batch = rows.encode(people(2000), SPEC)
    model = fitted(batch=batch, target=target)
    logged = trained(model, batch, 250)
    assert np.mean([step["nats"] for step in logged[-20:]]) < 0.96 * logged[0]["nats"]
    made = rows.to_frame(model.eval().sample(batch, torch.Generator().manual_seed(0)), SPEC)
    for table in (made, people(2000)):
        risky = (table["age"] < 30) | table["income"].isna()
        bad = (table["risk"] == "bad").astype(float)
        assert abs(bad[risky].mean() - 0.9) < 0.12
        assert abs(bad[~risky].mean() - 0.05) < 0.12
    assert abs(made["income"].isna().mean() - 0.2) < 0.05
    assert abs((made["town"] == "Ulm").mean() - 0.5) < 0.06


def test_held_out_rows_are_never_learned_from():
    batch = rows.encode(people(400), SPEC)
    model = fitted(batch=batch, held_out=0.5)
    held = model.is_held(model.binning.tokens(batch))
    assert 0.4 < held.float().mean() < 0.6
    assert torch.equal(model.held, model.binning.tokens(batch)[held])

    def gradient(rows_given: TableBatch) -> torch.Tensor:
        torch.manual_seed(5)
        model.training_step(rows_given, 0, lambda name, loss, clip=None: loss.backward())
        found = model.network.read.weight.grad.clone()
        model.zero_grad()
        return found

    changed = rows.encode(people(400), SPEC)
    tokens = model.binning.tokens(batch)
    other = torch.where(held)[0][torch.randperm(int(held.sum()))]
    changed.numbers[held], changed.codes[held] = batch.numbers[other], batch.codes[other]
    assert not torch.equal(model.binning.tokens(changed), tokens)
    torch.testing.assert_close(gradient(batch), gradient(changed))


def test_the_weights_that_held_out_rows_are_likeliest_under_are_published():
    batch = rows.encode(people(400), SPEC)
    model = fitted(batch=batch, held_out=0.3, validate_every=1)
    trained(model, batch, 30)
    best, weights = model.best.nats.item(), {n: t.clone() for n, t in model.best.network.state_dict().items()}
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(torch.randn_like(parameter))
    model.eval().after_training([batch])
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.network.state_dict().items())
    assert not [name for name in model.state_dict() if name.startswith("best")]
    assert abs(model.keep_if_better().item() - best) < 1e-4


def test_equal_rows_are_held_out_together_and_others_spread_evenly():
    tokens = torch.randint(0, 5, (4000, 4), generator=torch.Generator().manual_seed(0))
    assert torch.equal(hashed(tokens), hashed(tokens.clone()))
    distinct = torch.cartesian_prod(*[torch.arange(9)] * 4)
    buckets = (hashed(distinct) % 10).bincount(minlength=10) / len(distinct)
    assert ((buckets - 0.1).abs() < 0.02).all()
    assert (hashed(distinct) >= 0).all()
    assert len({*hashed(distinct).tolist()}) > 0.99 * len(distinct)


@pytest.mark.parametrize(
    ("values", "bins"),
    [
        (np.random.default_rng(0).normal(size=5000), 50),
        (np.r_[np.zeros(4000), np.random.default_rng(0).random(1000)], 20),
        (np.r_[np.repeat([1.0, 3.0, 5.0, 7.0], 500), np.random.default_rng(0).random(3000) * 8], 6),
        (np.random.default_rng(0).integers(0, 300, 5000).astype(float), 100),
        (np.array([4.0]), 5),
    ],
)
def test_bins_are_disjoint_cover_all_values_and_are_no_more_than_asked(values, bins):
    low, high = intervals(values, bins)
    assert len(low) == len(high) <= bins
    assert (low <= high).all()
    assert (high[:-1] < low[1:]).all()
    assert (low[0], high[-1]) == (values.min(), values.max())
    inside = (values[:, None] >= low) & (values[:, None] <= high)
    assert (inside.sum(1) == 1).all()


def test_few_values_have_a_bin_each_and_heavy_ones_their_own():
    low, high = intervals(np.repeat([1.0, 2.5, 9.0], [3, 1, 2]), 10)
    assert low.tolist() == high.tolist() == [1, 2.5, 9]
    low, high = intervals(np.r_[np.full(500, 7.0), np.linspace(0, 14, 501)], 10)
    assert 7.0 in low[low == high]


def test_light_bins_hold_about_as_many_rows_each():
    values = np.random.default_rng(0).lognormal(size=10_000)
    low, high = intervals(values, 40)
    counts = [((values >= a) & (values <= b)).sum() for a, b in zip(low, high, strict=True)]
    assert max(counts) < 1.3 * 10_000 / len(low)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 2, 300], 1), ([1.5, 2], 10), ([0.25, 1.1], 100), ([1 / 3], 0), ([], 1), ([1e-6], 10**6)],
)
def test_the_resolution_of_a_column(values, expected):
    assert resolution(np.array(values, float)) == expected


def test_a_cell_comes_back_from_its_bin():
    spec = TableSpec(
        columns=(Column(name="n", type="numeric", missing=True), Column(name="c", type="boolean", missing=True))
    )
    batch = TableBatch(torch.tensor([[1.0], [2.0], [torch.nan], [9.0]]).double(), torch.tensor([[0], [-1], [1], [0]]))
    binning = Binning(spec.columns, 8)
    binning.fit(batch.numbers.numpy())
    tokens = binning.tokens(batch)
    assert tokens.tolist() == [[0, 0], [1, 2], [8, 1], [2, 0]]
    torch.testing.assert_close(binning.values(tokens), rows.values(batch, spec), equal_nan=True)
    beyond = TableBatch(torch.tensor([[-50.0], [50.0], [5.0], [2.0]]).double(), batch.codes)
    assert binning.tokens(beyond)[:, 0].tolist() == [0, 2, 1, 1]


def test_bins_that_no_cell_can_fall_into_never_come():
    model = fitted(batch=rows.encode(people(300), SPEC)).eval()
    chances = model.log_chances(torch.zeros(1, 6, dtype=torch.int64), torch.zeros(1, 6, dtype=torch.bool), 0).exp()
    used = int(model.binning.used[0])
    assert chances[0, used:].max() == 0  # age is never missing, and has fewer bins than there is room for


@pytest.mark.slow
def test_a_training_that_is_resumed_ends_with_the_same_weights(root):
    """What is fitted first and the best weights so far are there again after a kill."""
    sealed(root / "data" / "people")
    order(root, root / "job", family="argn", data="people", max_steps=120, snapshot_every=55, ema_decay=0.9)
    assert start(root / "job").wait() == 0, (root / "job" / "output.log").read_text()
    weights = (root / "job" / "model" / "weights.safetensors").read_bytes()
    for path in ("result.json", "model/weights.safetensors", "model/model.json"):
        (root / "job" / path).unlink()
    assert start(root / "job").wait() == 0
    assert '"resumed"' in (root / "job" / "journal.jsonl").read_text()
    assert (root / "job" / "model" / "weights.safetensors").read_bytes() == weights
    assert load_model(root / "job" / "model").binning.used.tolist() != [1, 1, 1]
