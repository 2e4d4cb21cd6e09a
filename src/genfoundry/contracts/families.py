"""One contract for all families: what `check_model` asks, every family keeps.

What rows and samples look like is the kind's to say, what is served is the task's, and what a family can do besides is
read from the table of capabilities: a new one has to be checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch

from genfoundry import catalog, kind, task
from genfoundry.batch import Batch
from genfoundry.contracts.promise import BrokenPromise, finite, hold, hold_same
from genfoundry.model import Model
from genfoundry.records import Spec
from genfoundry.training.loader import build_model, load_model, write_model

STEPS = 2


def check(name: str, folder: Path) -> str:
    """Try a family on every shape of data that its kind has examples of; says what was tried.

    Raises:
        BrokenPromise: it does not keep what families promise; says on which data.
        UserError: it can't be imported, or there is no such kind of data.
    """
    of = catalog.load("models", name, Model)
    hold(hasattr(of, "kind"), f"{of.__name__} does not say its kind.", "kind = …, the data that it reads")
    specs = specs_of(of.kind)
    for number, spec in enumerate(specs):
        try:
            check_model(name, spec, folder / str(number))
        except BrokenPromise as broken:
            raise BrokenPromise(f"{broken.found} (on {spec})", expected=broken.expected) from broken.__cause__
    return f"trains, {'samples, ' if _samples(of) else ''}is saved, loaded and served on {len(specs)} shapes of data"


def _samples(of: type[Model]) -> bool:
    return of.sample is not Model.sample


def specs_of(name: str) -> Sequence[Spec]:
    """The specs that families of a kind are tried on; the last is the smallest."""
    of = kind.of(catalog.full_name("kinds", name))
    hold(
        of.has_examples,
        f"The kind of data '{of.name}' has no examples.py, so no family that reads it can be tried.",
        f"{catalog.place_of('kinds', of.name).path}/examples.py, see genfoundry.kind.ExamplesPart",
    )
    return of.examples.SPECS


def smallest(of: str) -> Spec:
    """The last and smallest of the specs that families of a kind are tried on."""
    return specs_of(of)[-1]


def batch_of(spec: Spec, rows: int, seed: int = 0) -> Any:
    """Random rows of a spec's shape and range."""
    return kind.of(spec).rows.example_batch(spec, rows, seed)


def check_model(family: str, spec: Spec, folder: Path, **settings: Any) -> None:
    """Train two steps, sample, publish, load, serve: every promise of `genfoundry.model` on one spec.

    Raises:
        BrokenPromise: one is not kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = build_model(family, spec, settings)
    batch = batch_of(spec, 8)
    model.before_training(lambda: [batch_of(spec, 64, seed) for seed in range(2)])
    touched = train(model, batch)
    idle = [name for name, p in model.named_parameters() if p.requires_grad and name not in touched]
    hold(not idle, f"No gradient ever reached {', '.join(idle)}.", "every parameter is trained by some optimiser")
    model.eval()
    model.after_training([batch_of(spec, 64, seed) for seed in range(2)])
    write_model(folder, family, model, model.state_dict())
    again = load_model(folder)
    if model.generative:
        _check_samples(model, again, batch)
    _check_capabilities(family, model, again, batch)
    _check_served(family, again)


def train(model: Model, batch: Batch) -> set[str]:
    """Train two steps on one batch; the names of the parameters that a gradient reached."""
    optimizers, touched = model.optimizers(), set()

    def update(name: str, loss: torch.Tensor, clip: float | None = None) -> None:
        hold(name in optimizers, f"update('{name}') names no optimiser.", f"one of {', '.join(optimizers)}")
        optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        ours = {id(p) for group in optimizers[name].param_groups for p in group["params"]}
        touched.update(n for n, p in model.named_parameters() if id(p) in ours and p.grad is not None and p.grad.any())
        optimizers[name].step()

    for step in range(STEPS):
        losses = model.training_step(batch, step, update)
        hold(losses, "training_step gave nothing to log.", "detached scalars by name")
        for name, value in losses.items():
            _check_loss(name, value)
    return touched


def _check_loss(name: str, value: torch.Tensor) -> None:
    promised = "detached, finite scalars by name"
    hold(isinstance(value, torch.Tensor), f"training_step gave {name} as {type(value).__name__}.", promised)
    hold(value.shape == (), f"training_step gave {name} of shape {tuple(value.shape)}.", promised)
    hold(not value.requires_grad, f"training_step gave {name} with its gradient.", promised + ": {name}.detach()")
    hold(finite(value), f"training_step gave {name} = {value}.", promised)


def _check_samples(model: Model, again: Model, batch: Batch) -> None:
    of, first = kind.of(model.spec), model.sample(batch, _stream(7))
    hold(len(first) == len(batch), f"sample gave {len(first)} for {len(batch)} rows.", "one for each row")
    flaw = of.examples.flaw(first, model.spec) if of.has_examples else ""
    hold(not flaw, f"sample gave what is none of {of.spec.NOUN}: {flaw}.", f"{of.spec.NOUN} as {model.spec} says")
    promised = "the same generator, the same samples"
    hold_same(first, model.sample(batch, _stream(7)), "sample gave something else for the same seed.", promised)
    same = torch.equal(first, model.sample(batch, _stream(8)))
    hold(
        same == model.deterministic,
        f"sample {'gave the same' if same else 'differed'} for another seed; deterministic = {model.deterministic}.",
        "what is drawn comes from the generator that is given",
    )
    hold_same(first, again.sample(batch, _stream(7)), "sample gave something else after saving and loading.", promised)
    _check_conditions(model, first, batch)


def _check_conditions(model: Model, first: torch.Tensor, batch: Batch) -> None:
    for condition, changed in _altered(batch, model).items():
        moved = not torch.equal(first, model.sample(changed, _stream(7)))
        hold(
            moved == (condition in model.conditions),
            f"sample {'reads' if moved else 'does not read'} the {condition} of its rows.",
            f"conditions = {model.conditions!r} says all that it reads, and nothing else",
        )


def _altered(batch: Batch, model: Model) -> dict[str, Batch]:
    """The batch with one condition changed, for each that a family of the catalogue reads of this kind of data."""
    families = catalog.readable("models")[0]
    known = {each for family in families if family.attributes.get("kind") == model.kind for each in family.conditions}
    parts = {field.name.removesuffix("s"): field.name for field in fields(cast(Any, batch))}
    lacking = {*model.conditions} - {*parts}
    hold(not lacking, f"conditions names {', '.join(lacking)}.", f"fields of a batch: {', '.join(parts)}")
    return {
        name: replace(cast(Any, batch), **{parts[name]: getattr(batch, parts[name]).roll(1, 0)})
        for name in sorted(known & {*parts})
    }


@torch.no_grad()
def _check_capabilities(family: str, model: Model, again: Model, batch: Batch) -> None:
    """What a family can do besides has the right shape, and is the same after loading."""
    methods = catalog.describe("models", family).methods
    for name in catalog.capabilities():
        if name in methods and name != "sample":
            values, shape = CAPABILITIES[name](model, batch)
            hold(values.shape == shape, f"{name} gave the shape {tuple(values.shape)}.", f"{shape}")
            hold(finite(values), f"{name} gave what is not finite.", "finite numbers")
            repeated = CAPABILITIES[name](again, batch)[0]
            hold_same(values, repeated, f"{name} gave something else after saving and loading.", "the same")


Checked = tuple[torch.Tensor, tuple[int, ...]]
"""What a capability made, and the shape that it should have."""


def _likelihood(model: Any, batch: Any) -> Checked:
    nats = model.log_likelihood(batch)
    hold((nats < 0).all(), "log_likelihood gave a probability of discrete data above 1.", "nats below 0")
    return nats, (len(batch),)


def _completed(model: Any, batch: Any) -> Checked:
    spec, rows = model.spec, len(batch)
    known = torch.arange(spec.height)[:, None].expand(rows, 1, spec.height, spec.width) < spec.height // 2
    made = model.complete(batch.images, known, _stream())
    kept = torch.equal(made[known.expand_as(made)], batch.images[known.expand_as(made)])
    hold(kept, "complete changed pixels that were known.", "what is known stays")
    return made, batch.images.shape


def _upscaled(model: Any, batch: Any) -> Checked:
    spec, scale = model.spec, model.scale
    return model.upscale(batch.images), (len(batch), spec.channels, scale * spec.height, scale * spec.width)


def _embedded(model: Any, batch: Any) -> Checked:
    made = model.embed(batch)
    return made, (len(batch), made.shape[1])


def _stream(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


CAPABILITIES: dict[str, Callable[..., Checked]] = {
    "reconstruct": lambda model, batch: (model.reconstruct(batch), batch.images.shape),
    "log_likelihood": _likelihood,
    "embed": _embedded,
    "classify": lambda model, batch: (model.classify(batch), (len(batch), model.spec.num_classes)),
    "forecast": lambda model, batch: (model.forecast(batch, 3, _stream()), (len(batch), 3, model.spec.horizon)),
    "forecast_quantiles": lambda model, batch: (
        model.forecast_quantiles(batch, (0.1, 0.7)),
        (len(batch), 2, model.spec.horizon),
    ),
    "upscale": _upscaled,
    "complete": _completed,
    "decode": lambda model, batch: (model.decode(model.embed(batch)), batch.images.shape),
    "anomaly_score": lambda model, batch: (model.anomaly_score(batch), (len(batch),)),
    "sample_levels": lambda model, batch: (model.sample_levels(batch, _stream())[-1], batch.images.shape),
}
"""How each capability is tried, by the method that it is."""


def _check_served(family: str, model: Model) -> None:
    """The family can be judged in its own task, which serves it as it says."""
    own, entry = task.of(model.task), catalog.describe("models", family)
    needs = ", ".join(own.needs(model.kind)) or "nothing besides"
    hold(own.fits(entry), f"The family does not fit its task '{own.name}'.", f"for {model.kind} data it needs {needs}")
    usage = own.usage("m", model.spec)
    hold("model." in usage, f"The task's usage says {usage!r}.", "a call of the model")
    signature, served = own.signature(model), own.predictor(model)
    answer: Any = signature.outputs.inputs[0]
    if (given := _given(signature.inputs.inputs)) is not None and _is_tensor(answer):
        found = served.predict(given)
        shape = answer.shape
        fits = len(found.shape) == len(shape) and all(
            size in (-1, there) for size, there in zip(shape, found.shape, strict=True)
        )
        hold(
            found.dtype == answer.type and len(found) == len(given) and fits,
            f"What is served gave {found.dtype} {found.shape} for {len(given)} rows.",
            f"{answer.type} {shape}, as the signature says",
        )


def _is_tensor(answer: Any) -> bool:
    """Whether a signature says one array; columns have no shape."""
    return hasattr(answer, "shape")


def _given(inputs: list[Any]) -> np.ndarray | pd.DataFrame | None:
    """Three rows of what a signature asks for, where that is one array or whole numbers; None where it is more."""
    rng = np.random.default_rng(0)
    if _is_tensor(inputs[0]):
        shape = [3, *(8 if size == -1 else size for size in inputs[0].shape[1:])]
        return rng.integers(0, 256, shape).astype(inputs[0].type)
    required = [column for column in inputs if column.required]
    if any(column.type.name != "long" for column in required):
        return None
    return pd.DataFrame({column.name: rng.integers(0, 9, 3) for column in required})
