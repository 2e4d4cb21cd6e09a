"""The contract of tasks: its words, its parts, and what they take."""

from __future__ import annotations

import inspect
from pathlib import Path

import torch

from genfoundry import catalog, kind, task
from genfoundry.contracts import families, kinds
from genfoundry.contracts.promise import hold
from genfoundry.dataset import verify
from genfoundry.metric import kind_of
from genfoundry.task import Judgement, Task
from genfoundry.training.loader import build_model

JUDGE, WRITE = ("model", "dataset", "plan", "extractor", "out"), ("model", "dataset_version", "wishes", "origin", "out")


def check(name: str, folder: Path) -> str:
    """Read a task's words, look at its parts, and let a family that fits it be judged on the examples of its kind.

    Raises:
        BrokenPromise: it does not keep what tasks promise.
        UserError: a word is missing, or a part does not import.
    """
    of = task.of(name)
    check_words(of)
    check_parts(of)
    if (family := _family_for(of)) is None:
        return "its words and parts are there; no family fits it yet, so nothing was judged"
    return _judged(of, family, folder)


def check_words(of: Task) -> None:
    """What it needs is a capability, its kinds are there, and its forms are forms."""
    known = catalog.names("kinds")
    for one in of.kinds:
        hold(one in known, f"KINDS names '{one}'.", f"some of {', '.join(known)}")
    for one in of.kinds or known:
        lacking = {*of.needs(one)} - {*catalog.capabilities()}
        hold(not lacking, f"NEEDS names {', '.join(sorted(lacking))}.", f"some of {', '.join(catalog.capabilities())}")
    hold(issubclass(of.plan, task.Plan), f"Plan is {of.plan!r}.", "a subclass of genfoundry.task.Plan")
    hold(issubclass(of.wishes, task.Wishes), f"Wishes is {of.wishes!r}.", "a subclass of genfoundry.task.Wishes")
    task.options(of.wishes)


def check_parts(of: Task) -> None:
    """Its parts take what they are given."""
    parts = catalog.parts("tasks", of.name)
    hold("judge" in parts, "It has no judge.py.", f"judge({', '.join(JUDGE)})")
    _takes("judge.judge", of.judge, JUDGE)
    if of.makes:
        hold("generate" in parts, "It MAKES something and has no generate.py.", f"write({', '.join(WRITE)})")
        _takes("generate.write", of.write, WRITE)
    if "predictor" in parts:
        _takes("predictor.Predictor", of.predictor, ("model",))
        _takes("predictor.signature", of.signature, ("model",))


def _takes(where: str, function: object, wanted: tuple[str, ...]) -> None:
    arguments = inspect.signature(function).parameters  # pyright: ignore[reportArgumentType]
    needed = tuple(name for name, each in arguments.items() if each.default is inspect.Parameter.empty)
    hold(needed == wanted, f"{where} takes ({', '.join(arguments)}).", f"({', '.join(wanted)})")


def _family_for(of: Task) -> str | None:
    """A family that is for it, or else one that it can judge; of a kind that has examples."""
    found = [entry for entry in catalog.readable("models")[0] if of.fits(entry)]
    found = [
        entry for entry in found if kind.of(catalog.full_name("kinds", str(entry.attributes["kind"]))).has_examples
    ]
    own = [entry for entry in found if entry.attributes.get("task") == of.name]
    return next((entry.name for entry in (*own, *found)), None)


def _judged(of: Task, family: str, folder: Path) -> str:
    """Judge an untrained model of a family on what its kind's examples give."""
    data = kind.of(str(catalog.describe("models", family).attributes["kind"]))
    source = kinds.check_recognised(data, folder)
    version = kinds.take_in(data, source, folder / "data")
    torch.manual_seed(0)
    model = build_model(family, version.spec, {})
    batches = [families.batch_of(version.spec, 64, seed) for seed in range(2)]
    model.before_training(lambda: batches)
    model.eval().after_training(batches)
    (folder / "out").mkdir()
    found = of.judge(model, verify(folder / "data"), of.plan(), None, folder / "out")
    check_judgement(found)
    return f"judged {family} on {source.name} by {found.primary}"


def check_judgement(found: Judgement) -> None:
    """What decides is among the scores, and each score is declared."""
    hold(isinstance(found, Judgement), f"judge gave {type(found).__name__}.", "a genfoundry.task.Judgement")
    names = {score.name for score in found.scores if score.subject == "model"}
    hold(
        found.primary in names, f"'{found.primary}' is to decide, and no score of the model.", f"one of {sorted(names)}"
    )
    unknown = [name for name in sorted(names) if kind_of(name) is None]
    hold(not unknown, f"The scores {', '.join(unknown)} are declared nowhere.", "a ScoreKind in scores.py or a metric")
